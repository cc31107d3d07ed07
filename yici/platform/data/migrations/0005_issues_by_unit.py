from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("data", "0004_series_citizens"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="issue", name="data_issue_open_once"),
        migrations.AddConstraint(
            model_name="issue",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("data_class", "rule", "unit"),
                name="data_issue_open_once",
            ),
        ),
    ]
