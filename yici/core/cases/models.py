"""Cases, their append-only events and the segments of their clocks.

`Case` columns that repeat what the events say (state, due dates, light) are projections, written in the
transaction that writes the event and rebuildable from the events (`services.rebuild`).
"""

from __future__ import annotations

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q

from yici.base.text import localized
from yici.core.people.models import Account, Organisation, Person
from yici.core.places.models import Division


class CaseType(models.Model):
    """A kind of case: one per service item, plus data objections and whatever a system adds."""

    slug = models.CharField(max_length=80, unique=True)
    name = models.TextField()
    english = models.TextField(blank=True)
    system = models.CharField(max_length=20, help_text="which system's cases: hall, data …")

    @property
    def label(self) -> str:
        """Its name in the active language."""
        return localized(self.name, self.english)


class CaseTypeVersion(models.Model):
    """A workflow with its time limits. Frozen once `published_at` is set (the database refuses changes)."""

    case_type = models.ForeignKey(CaseType, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField(help_text="cases.rules.Workflow, as data")
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case_type", "number"], name="cases_version_number")]


class Light(models.TextChoices):
    GREEN = "green", "正常"
    YELLOW = "yellow", "临期"
    RED = "red", "超期"
    STOPPED = "stopped", "停表"
    NONE = "none", "无时限"


class Case(models.Model):
    """Something that is handled."""

    class Channel(models.TextChoices):
        NET = "net", "网上"
        APP = "app", "手机"
        WINDOW = "window", "窗口"
        AGENT = "agent", "代办点"
        TERMINAL = "terminal", "自助终端"
        HOTLINE = "hotline", "热线"
        SYSTEM = "system", "系统"

    number = models.CharField(max_length=24, unique=True, db_collation="C")
    type = models.ForeignKey(CaseType, models.PROTECT, related_name="+")
    version = models.ForeignKey(CaseTypeVersion, models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    title = models.TextField()
    subject = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", help_text="whose matter it is")
    subject_organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    subject_name = models.TextField(help_text="as it stood at opening; for lists")
    opened_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_self_filed = models.BooleanField(default=False, help_text="by the subject alone, not by an agent or window")
    is_simulated = models.BooleanField(default=False, help_text="mystery shopping; excluded from every metric")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", help_text="who handles it now")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+")
    assignee = models.ForeignKey(Account, models.PROTECT, null=True, related_name="case_assignee")
    data = models.JSONField(default=dict, help_text="the owning system's own, small; never personal fields in lists")

    state = models.CharField(max_length=30)
    stage = models.CharField(max_length=30, help_text="step of the drawn workflow the case stands at")
    outcome = models.CharField(max_length=30, blank=True)
    event_count = models.IntegerField(default=0)
    opened_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    clock = models.CharField(max_length=30, blank=True, help_text="running clock's id, empty when none")
    due_at = models.DateTimeField(null=True, help_text="promised; null while stopped or without limit")
    legal_due_at = models.DateTimeField(null=True)
    yellow_at = models.DateTimeField(null=True)
    light = models.CharField(max_length=10, choices=Light.choices, default=Light.NONE)
    closed_on_time = models.BooleanField(null=True)
    used_days = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        null=True,
        help_text="working days the last clock ran until closing, stops not counted",
    )
    urged = models.IntegerField(default=0, help_text="times urged or supervised")

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "due_at", "id"], name="cases_open_org", condition=Q(closed_at=None)),
            models.Index(
                fields=["organisation", "-closed_at", "-id"],
                name="cases_closed_org",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(fields=["assignee", "due_at"], name="cases_open_assignee", condition=Q(closed_at=None)),
            models.Index(fields=["subject", "-opened_at"], name="cases_subject"),
            models.Index(fields=["opened_by", "-opened_at"], name="cases_opened_by"),
            models.Index(fields=["type", "opened_at"], name="cases_type_opened"),
            models.Index(fields=["yellow_at"], name="cases_light_green", condition=Q(closed_at=None, light="green")),
            models.Index(
                fields=["due_at"],
                name="cases_light_yellow",
                condition=Q(closed_at=None, light__in=["green", "yellow"]),
            ),
            models.Index(fields=["parent"], name="cases_parent", condition=Q(parent__isnull=False)),
            models.Index(fields=["due_at", "id"], name="cases_open_due", condition=Q(closed_at=None)),
            models.Index(
                fields=["light", "organisation"],
                include=["is_simulated", "division", "type"],
                name="cases_open_light",
                condition=Q(closed_at=None),
            ),
            models.Index(
                fields=["type", "due_at", "id"],
                include=["state", "light", "organisation", "division"],
                name="cases_open_type",
                condition=Q(closed_at=None),
            ),
            # Counting the types of a month over a million cases reads these three indexes alone, never the rows.
            models.Index(
                fields=["opened_at"],
                include=["is_simulated", "organisation", "division", "type", "is_self_filed", "id"],
                name="cases_opened",
            ),
            models.Index(
                fields=["accepted_at"],
                include=["is_simulated", "organisation", "division", "type", "is_self_filed", "closed_at", "light"],
                name="cases_accepted",
                condition=Q(accepted_at__isnull=False),
            ),
            models.Index(
                fields=["-closed_at", "-id"],
                include=["is_simulated", "organisation", "division", "type", "outcome", "closed_on_time", "used_days"],
                name="cases_closed",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(
                fields=["accepted_at"],
                include=["is_simulated", "organisation", "division", "type", "light"],
                name="cases_open_accepted",
                condition=Q(closed_at=None, accepted_at__isnull=False),
            ),
            models.Index(
                fields=["id"], name="cases_deadline_unknown", condition=Q(closed_at=None, light="none") & ~Q(clock="")
            ),
            models.Index(OpClass(F("subject_name"), name="text_pattern_ops"), name="cases_subject_name"),
        ]

    @property
    def label(self) -> str:
        """The title in the active language; whoever opened the case may have put `english` into its data."""
        return localized(self.title, str(self.data.get("english", "")))


class CaseEvent(models.Model):
    """One thing that happened. Only added, never changed; `seq` makes two deciders at once impossible."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    seq = models.IntegerField()
    action = models.CharField(max_length=40)
    label = models.TextField(help_text="the action's Chinese name when it happened")
    from_state = models.CharField(max_length=30, blank=True)
    to_state = models.CharField(max_length=30)
    stage = models.CharField(max_length=30, blank=True)
    actor = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    actor_name = models.TextField()
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    opinion = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    is_public = models.BooleanField(default=True, help_text="shown to the applicant")
    at = models.DateTimeField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["case", "seq"], name="cases_event_seq")]


class ClockSegment(models.Model):
    """A stretch of one clock. `run` consumes the limit; every other kind stops or lengthens it."""

    class Kind(models.TextChoices):
        RUN = "run", "计时"
        CORRECTION = "correction", "补正"
        SPECIAL = "special", "特别程序"
        EXTENSION = "extension", "延期"
        TOLERANCE = "tolerance", "容缺"

    case = models.ForeignKey(Case, models.PROTECT, related_name="segments")
    clock = models.CharField(max_length=30, help_text="intake, handling …: clock id of the workflow")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    rule = models.TextField(help_text="limit and legal basis, for people")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    amount = models.DecimalField(max_digits=8, decimal_places=2, null=True, help_text="granted units, for an extension")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(ended_at=None) & ~Q(kind__in=["extension", "tolerance"]),
                name="cases_one_open_segment",
            ),
        ]


class Correction(models.Model):
    """A once-only notice of what is missing (补正告知). Open until answered or overdue."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="corrections")
    number = models.CharField(max_length=40, unique=True)
    reason = models.TextField()
    demands = models.JSONField(help_text="[{field or material, label, request}]")
    requested_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)


class Instruction(models.Model):
    """An urge by the applicant or an order by a supervisor, and the answer it got."""

    class Kind(models.TextChoices):
        URGE = "urge", "催办"
        SUPERVISION = "supervision", "督办"

    case = models.ForeignKey(Case, models.PROTECT, related_name="instructions")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    text = models.TextField()
    by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    by_name = models.TextField()
    at = models.DateTimeField()
    reply = models.TextField(blank=True)
    replied_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)


class Tally(models.Model):
    """What cases add to the counts of one day; counts are the sums of a key's rows (decision 0027).

    Written by triggers of the database only, which add rows, negative ones too, when a case changes; `services.merge_tallies`
    makes one row of those with the same key. Counts are those of `reading.statistics`; mystery shopping adds nothing.
    """

    COUNTS = (
        "opened", "self_filed", "corrected", "accepted", "accepted_self_filed", "closed", "closed_normally", "timed", "on_time",
        "used_days",
    )  # fmt: skip

    day = models.DateField(help_text="the city's own")
    # The cases themselves refer to both.
    organisation = models.ForeignKey(
        Organisation, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    division = models.ForeignKey(
        Division, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False, help_text="the county"
    )
    system = models.CharField(max_length=20, help_text="of the case's type")
    is_merged = models.BooleanField(default=False)
    opened = models.IntegerField()
    self_filed = models.IntegerField()
    corrected = models.IntegerField()
    accepted = models.IntegerField()
    accepted_self_filed = models.IntegerField()
    closed = models.IntegerField()
    closed_normally = models.IntegerField()
    timed = models.IntegerField()
    on_time = models.IntegerField()
    used_days = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "organisation", "division", "system"],
                name="cases_tally_merged",
                condition=Q(is_merged=True),
            )
        ]
        indexes = [
            models.Index(fields=["day"], name="cases_tally_day"),
            models.Index(fields=["id"], name="cases_tally_fresh", condition=Q(is_merged=False)),
        ]


class NumberRange(models.Model):
    """Next serial of a case number's prefix, so that numbers have no gaps to guess and never repeat."""

    prefix = models.CharField(max_length=20, primary_key=True)
    next = models.IntegerField(default=1)
