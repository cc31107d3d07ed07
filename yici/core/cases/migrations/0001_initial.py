import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
        ("places", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=80, unique=True)),
                ("name", models.TextField()),
                ("english", models.TextField(blank=True)),
                ("system", models.CharField(help_text="which system's cases: hall, data …", max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="NumberRange",
            fields=[
                ("prefix", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("next", models.IntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name="CaseTypeVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("definition", models.JSONField(help_text="cases.rules.Workflow, as data")),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "case_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="cases.casetype"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(db_collation="C", max_length=24, unique=True)),
                ("title", models.TextField()),
                ("subject_name", models.TextField(help_text="as it stood at opening; for lists")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("net", "网上"),
                            ("app", "手机"),
                            ("window", "窗口"),
                            ("agent", "代办点"),
                            ("terminal", "自助终端"),
                            ("hotline", "热线"),
                            ("system", "系统"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "is_self_filed",
                    models.BooleanField(default=False, help_text="by the subject alone, not by an agent or window"),
                ),
                (
                    "is_simulated",
                    models.BooleanField(default=False, help_text="mystery shopping; excluded from every metric"),
                ),
                (
                    "data",
                    models.JSONField(
                        default=dict, help_text="the owning system's own, small; never personal fields in lists"
                    ),
                ),
                ("state", models.CharField(max_length=30)),
                ("stage", models.CharField(help_text="step of the drawn workflow the case stands at", max_length=30)),
                ("outcome", models.CharField(blank=True, max_length=30)),
                ("event_count", models.IntegerField(default=0)),
                ("opened_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("clock", models.CharField(blank=True, help_text="running clock's id, empty when none", max_length=30)),
                ("due_at", models.DateTimeField(help_text="promised; null while stopped or without limit", null=True)),
                ("legal_due_at", models.DateTimeField(null=True)),
                ("yellow_at", models.DateTimeField(null=True)),
                (
                    "light",
                    models.CharField(
                        choices=[
                            ("green", "正常"),
                            ("yellow", "临期"),
                            ("red", "超期"),
                            ("stopped", "停表"),
                            ("none", "无时限"),
                        ],
                        default="none",
                        max_length=10,
                    ),
                ),
                ("closed_on_time", models.BooleanField(null=True)),
                (
                    "used_days",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="working days the last clock ran until closing, stops not counted",
                        max_digits=8,
                        null=True,
                    ),
                ),
                ("urged", models.IntegerField(default=0, help_text="times urged or supervised")),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="case_assignee",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "division",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="places.division"
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="merged", to="cases.case"
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        help_text="who handles it now",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.organisation",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="children", to="cases.case"
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        help_text="whose matter it is",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                    ),
                ),
                (
                    "subject_organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.organisation",
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.casetype"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.casetypeversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClockSegment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("clock", models.CharField(help_text="intake, handling …: clock id of the workflow", max_length=30)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("run", "计时"),
                            ("correction", "补正"),
                            ("special", "特别程序"),
                            ("extension", "延期"),
                            ("tolerance", "容缺"),
                        ],
                        max_length=12,
                    ),
                ),
                ("rule", models.TextField(help_text="limit and legal basis, for people")),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, help_text="granted units, for an extension", max_digits=8, null=True
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="segments", to="cases.case"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=40, unique=True)),
                ("reason", models.TextField()),
                ("demands", models.JSONField(help_text="[{field or material, label, request}]")),
                ("requested_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="corrections", to="cases.case"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Instruction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("urge", "催办"), ("supervision", "督办")], max_length=12)),
                ("text", models.TextField()),
                ("by_name", models.TextField()),
                ("at", models.DateTimeField()),
                ("reply", models.TextField(blank=True)),
                ("replied_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="instructions", to="cases.case"
                    ),
                ),
                (
                    "replied_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CaseEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.IntegerField()),
                ("action", models.CharField(max_length=40)),
                ("label", models.TextField(help_text="the action's Chinese name when it happened")),
                ("from_state", models.CharField(blank=True, max_length=30)),
                ("to_state", models.CharField(max_length=30)),
                ("stage", models.CharField(blank=True, max_length=30)),
                ("actor_name", models.TextField()),
                ("opinion", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("is_public", models.BooleanField(default=True, help_text="shown to the applicant")),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="cases.case"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.organisation",
                    ),
                ),
            ],
            options={
                "ordering": ["seq"],
                "constraints": [models.UniqueConstraint(fields=("case", "seq"), name="cases_event_seq")],
            },
        ),
        migrations.AddConstraint(
            model_name="casetypeversion",
            constraint=models.UniqueConstraint(fields=("case_type", "number"), name="cases_version_number"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None)), fields=["organisation", "due_at"], name="cases_open_org"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)),
                fields=["organisation", "-closed_at"],
                name="cases_closed_org",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None)), fields=["assignee", "due_at"], name="cases_open_assignee"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["subject", "-opened_at"], name="cases_subject"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["opened_by", "-opened_at"], name="cases_opened_by"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["type", "opened_at"], name="cases_type_opened"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("light", "green")),
                fields=["yellow_at"],
                name="cases_light_green",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("light__in", ["green", "yellow"])),
                fields=["due_at"],
                name="cases_light_yellow",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(condition=models.Q(("parent__isnull", False)), fields=["parent"], name="cases_parent"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(condition=models.Q(("closed_at", None)), fields=["due_at", "id"], name="cases_open_due"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None)),
                fields=["light", "organisation"],
                include=("is_simulated", "division"),
                name="cases_open_light",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["opened_at"], name="cases_opened"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("accepted_at__isnull", False)), fields=["accepted_at"], name="cases_accepted"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", False)), fields=["closed_at"], name="cases_closed"
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("closed_at", None), ("light", "none"), models.Q(("clock", ""), _negated=True)),
                fields=["id"],
                name="cases_deadline_unknown",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(models.F("subject_name"), name="text_pattern_ops"),
                name="cases_subject_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="clocksegment",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("ended_at", None), models.Q(("kind__in", ["extension", "tolerance"]), _negated=True)
                ),
                fields=("case",),
                name="cases_one_open_segment",
            ),
        ),
    ]
