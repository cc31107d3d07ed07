"""Service items with their frozen versions, applications with their materials, and evaluations."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from yici.base.encrypted import SealedJSONField
from yici.base.text import localized
from yici.core.cases.models import Case, CaseTypeVersion
from yici.core.files.models import StoredFile
from yici.core.people.models import Account, Delegation, Organisation, Person
from yici.core.places.models import Division

LEVEL_WORDS = {
    "city": ("市", "city"),
    "county": ("县（区）", "county"),
    "township": ("乡镇（街道）", "township"),
    "village": ("村（社区）", "village"),
}


class ServiceItem(models.Model):
    """A service item (实施清单). Its content is in its versions; the columns here serve lists and search."""

    class State(models.TextChoices):
        ACTIVE = "active", "在用"
        SUSPENDED = "suspended", "暂停"
        CANCELLED = "cancelled", "取消"

    code = models.CharField(max_length=60, unique=True, help_text="local code, part of the address: gaoling-jintie")
    base = models.CharField(
        max_length=60, db_index=True, default="", help_text="code of the base item; its own for a base"
    )
    handling = models.CharField(max_length=30, blank=True, help_text="kind of handling (业务办理项), empty for a base")
    source = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what the folder says: unchanged, skipped"
    )
    state = models.CharField(max_length=10, choices=State.choices)
    name = models.TextField()
    english = models.TextField()
    short_name = models.TextField(blank=True, help_text="under an icon")
    short_english = models.TextField(blank=True)
    summary = models.TextField(blank=True)
    english_summary = models.TextField(blank=True)
    icon = models.CharField(max_length=40, default="file-text", help_text="name of a Tabler icon")
    is_featured = models.BooleanField(default=False, help_text="on the home page")
    state_reason = models.JSONField(null=True, help_text="bilingual: why it is suspended or cancelled")
    spelling = models.JSONField(
        default=list, help_text="one pinyin syllable per character of the name, for highlighting"
    )
    task_type = models.CharField(max_length=40)
    kind = models.CharField(max_length=30, help_text="administrative_approval or public_service")
    level = models.CharField(max_length=10)
    subjects = models.JSONField(default=list, help_text="person, enterprise")
    topics = models.JSONField(default=list, help_text="life events, slugs of topics.yaml")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", help_text="who owns the item")
    visits = models.SmallIntegerField(default=0, help_text="how often one must come (到现场次数)")
    promised_days = models.DecimalField(max_digits=6, decimal_places=2, default=0, help_text="promise, in working days")
    materials = models.JSONField(default=dict, help_text="required materials: {asked, provable}; see rules.burden")
    current = models.ForeignKey("ServiceItemVersion", models.PROTECT, null=True, related_name="+")
    search = SearchVectorField(null=True)
    popularity = models.IntegerField(default=0)

    class Meta:
        indexes = [GinIndex(fields=["search"], name="hall_item_search")]

    @property
    def title(self) -> str:
        """The name in the active language."""
        return localized(self.name, self.english)

    @property
    def short_title(self) -> str:
        return localized(self.short_name, self.short_english)

    @property
    def owner_title(self) -> str:
        return localized(self.organisation.name, self.organisation.english)


class ItemHolding(models.Model):
    """One line of the city's list (实施清单): an item as one authority holds it, with its days and its telephone."""

    code = models.CharField(
        max_length=150, unique=True, help_text="item.organisation: gaoling-jintie.guoyang.civil_affairs"
    )
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="holdings")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    level = models.CharField(max_length=10, help_text="places.Level at which it is exercised (行使层级)")
    division = models.ForeignKey(Division, models.PROTECT, related_name="+")
    phone = models.CharField(max_length=20, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="False: the authority no longer holds it; kept for its cases"
    )

    @property
    def level_label(self) -> str:
        """For people: 市、县（区）、乡镇（街道）、村（社区）."""
        return localized(*LEVEL_WORDS[self.level])

    class Meta:
        indexes = [
            models.Index(fields=["division", "item"], name="hall_holding_place"),
            models.Index(fields=["organisation", "item"], name="hall_holding_body"),
        ]


class ServiceItemVersion(models.Model):
    """A published version of an item: frozen. `definition` is `hall.definitions.ItemDefinition` as data."""

    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    digest = models.CharField(
        max_length=64, help_text="SHA-256 of the definition; the same content is not published twice"
    )
    case_version = models.ForeignKey(CaseTypeVersion, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "number"], name="hall_item_version")]


class Application(models.Model):
    """What was asked for: the answers and materials behind a case of the hall."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="application")
    version = models.ForeignKey(ServiceItemVersion, models.PROTECT, related_name="+")
    applicant = models.ForeignKey(Person, models.PROTECT, related_name="+")
    agent = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    delegation = models.ForeignKey(Delegation, models.PROTECT, null=True, related_name="+")
    answers = SealedJSONField(help_text="field id → value, as submitted or last corrected")
    provenance = SealedJSONField(
        help_text="field id → {value, source, source_organisation, as_of} of what prefill held"
    )
    situation = SealedJSONField(default=dict, help_text="answers to the situation tree")
    draft_token = models.CharField(max_length=32, unique=True, help_text="makes a double submit find its own case")
    submitted_at = models.DateTimeField()


class MaterialInstance(models.Model):
    """One required material of an application and what proves it."""

    class Source(models.TextChoices):
        UPLOAD = "upload", "本人上传"
        DATA = "data", "数据共享"
        CERTIFICATE = "certificate", "电子证照"
        PROMISE = "promise", "告知承诺"
        DEFERRED = "deferred", "容缺后补"
        SIGNED = "signed", "在线签署"

    application = models.ForeignKey(Application, models.PROTECT, related_name="materials")
    requirement = models.CharField(max_length=60, help_text="requirement id within the item version")
    name = models.TextField()
    source = models.CharField(max_length=12, choices=Source.choices)
    proof = SealedJSONField(default=dict, help_text="which records or certificate, with source and date")
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    trust = models.CharField(max_length=1, choices=StoredFile.Trust.choices)
    added_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)


class Evaluation(models.Model):
    """A rating of a closed case (好差评, GB/T 39735): one per case."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="evaluation")
    level = models.SmallIntegerField(help_text="5 非常满意 … 1 非常不满意")
    tags = models.JSONField(default=list)
    text = models.TextField(blank=True)
    is_anonymous = models.BooleanField(default=False)
    by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField()


class ItemChange(models.Model):
    """A change of an item (事项变更): proposed by one person, reviewed by another, in force from a day.

    `edits` maps a path of the definition (`limits.promised.amount`) to its new value, `before` to what stood there.
    `holders` says what moves: {from: level, to: level} or {bodies: [slug]}. It is laid over the folder at every load.
    """

    class Kind(models.TextChoices):
        ADD = "add", "新增"
        TAKE_OVER = "take_over", "承接"
        DELEGATE = "delegate", "下放"
        STOP = "stop", "停办"
        AMEND = "amend", "修改"
        IMPROVE = "improve", "完善"

    class State(models.TextChoices):
        PROPOSED = "proposed", "待审核"
        APPROVED = "approved", "已通过，待生效"
        REFUSED = "refused", "未通过"
        IN_FORCE = "in_force", "已生效"

    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    reason = models.TextField()
    basis = models.TextField(help_text="law or document it rests on")
    edits = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    holders = models.JSONField(default=dict)
    effective_from = models.DateField()
    proposed_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    opinion = models.TextField(blank=True)
    in_force_at = models.DateTimeField(null=True)
    told = models.IntegerField(default=0, help_text="people with a draft who were told")

    class Meta:
        indexes = [models.Index(fields=["state", "effective_from"], name="hall_change_due")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reviewed_by=None) | ~models.Q(reviewed_by=models.F("proposed_by")),
                name="hall_change_two_people",
            )
        ]


from yici.systems.hall.joint.models import JointApplication as JointApplication  # noqa: E402 - Django finds them here
from yici.systems.hall.joint.models import JointPart as JointPart  # noqa: E402
