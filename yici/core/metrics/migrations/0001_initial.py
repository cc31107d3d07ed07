from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("metric", models.CharField(max_length=80)),
                ("period_start", models.DateField()),
                ("period_end", models.DateField(help_text="inclusive")),
                ("breakdown", models.CharField(blank=True, help_text="organisation, division or empty", max_length=40)),
                ("key", models.CharField(blank=True, help_text="slug or code within the breakdown", max_length=80)),
                ("value", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("numerator", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("denominator", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("qualifier", models.CharField(default="=", max_length=10)),
                ("cutoff", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("metric", "period_start", "period_end", "breakdown", "key", "cutoff"),
                        name="metrics_snapshot_identity",
                    )
                ],
            },
        ),
    ]
