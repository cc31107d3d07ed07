"""Runs: what came, when, by whom, how many rows, and what became of those that were not accepted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from yici.core.people.models import Account
from yici.platform.data.models.catalogue import ClassChannel, DataClass


class RawObject(models.Model):
    """What a source delivered, byte for byte. `path` is relative to the raw store; the same bytes are kept once."""

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="raw_objects")
    sha256 = models.CharField(max_length=64)
    name = models.TextField(help_text="the name it had at the source")
    path = models.TextField()
    byte_count = models.BigIntegerField()
    received_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, help_text="bytes deleted by retention")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["data_class", "sha256"], name="data_raw_once")]


class Run(models.Model):
    """One attempt to bring a class up to date. Ends in exactly one of the closed states.

    waiting: the layout changed and a person must decide; refused: what came cannot be used, and why; failed: the
    source or the machine gave up, it will be tried again; unchanged: nothing new came.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "运行中"
        WAITING = "waiting", "待决定"
        PUBLISHED = "published", "已入库"
        UNCHANGED = "unchanged", "无变化"
        REFUSED = "refused", "已拒收"
        FAILED = "failed", "失败"
        CANCELLED = "cancelled", "已取消"

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", "定时"
        MANUAL = "manual", "手动"
        UPLOAD = "upload", "上传"
        PUSH = "push", "推送"
        REPLAY = "replay", "修正重放"
        RETRY = "retry", "重试"

    class Phase(models.TextChoices):
        PULL = "pull", "取数"
        LAND = "land", "落地"
        SCREEN = "screen", "校验"
        PUBLISH = "publish", "发布"
        MEASURE = "measure", "质量"

    OPEN = (State.QUEUED, State.RUNNING)
    UNENDED = (*OPEN, State.WAITING)
    FAULTY = (State.FAILED, State.REFUSED)

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="runs")
    channel = models.ForeignKey(ClassChannel, models.PROTECT, null=True, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    phase = models.CharField(max_length=10, choices=Phase.choices, blank=True)
    actor = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    raw = models.ForeignKey(RawObject, models.PROTECT, null=True, related_name="runs")
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="retries")
    attempt = models.IntegerField(default=1)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True, help_text="an open run without a recent one was killed")
    progress_done = models.BigIntegerField(default=0, help_text="rows, or bytes while pulling")
    progress_total = models.BigIntegerField(null=True)
    rows_read = models.BigIntegerField(default=0)
    rows_accepted = models.BigIntegerField(default=0)
    rows_quarantined = models.BigIntegerField(default=0)
    error = models.CharField(max_length=40, blank=True, help_text="slug of the error that ended it")
    message = models.TextField(blank=True, help_text="what happened and what to do, for people")
    detail = models.JSONField(
        default=dict, help_text="what landing found, drift, seconds of each phase, rules that failed"
    )
    quarantine = models.TextField(blank=True, help_text="Parquet file of the rows not accepted, relative to the lake")
    cursor_before = models.JSONField(default=dict)
    cursor_after = models.JSONField(default=dict)

    @property
    def file_name(self) -> str:
        """The name of what came this time; the same bytes may have come before under another."""
        return str(self.detail.get("file") or (self.raw.name if self.raw else ""))

    @property
    def first(self) -> Run:
        """The run that this one tries again, at the beginning of the chain; itself where it is no retry."""
        found = self
        while found.retry_of is not None:
            found = found.retry_of
        return found

    def overtaken_by(self) -> Run | None:
        """The newest delivery that came over the channel after the one tried again and was loaded meanwhile."""
        first = self.first
        if first.trigger not in (Run.Trigger.SCHEDULE, Run.Trigger.PUSH):
            return None  # a person confirmed it
        since = self.data_class.runs.filter(channel=self.channel, pk__gt=first.pk, state=Run.State.PUBLISHED)
        return since.exclude(raw=self.raw).exclude(trigger=Run.Trigger.REPLAY).order_by("-pk").first()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["data_class"], condition=Q(state="running"), name="data_run_one_at_a_time"),
        ]
        indexes = [
            models.Index(fields=["data_class", "-id"], name="data_run_of_class"),
            models.Index(fields=["state", "-id"], name="data_run_state"),
        ]


class Mend(models.Model):
    """A quarantined row put right by hand, and what became of it. `row` is the row number in the run's source.

    `values`: every column by its lake name, as text. A mended row is replayed with others in a run of its own.
    """

    class State(models.TextChoices):
        MENDED = "mended", "已修正"
        REPLAYED = "replayed", "已入库"
        REFUSED = "refused", "仍不合格"
        DISCARDED = "discarded", "已作废"

    SETTLED = (State.REPLAYED, State.DISCARDED)

    run = models.ForeignKey(Run, models.PROTECT, related_name="mends")
    row = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    values = models.JSONField(default=dict)
    reasons = models.JSONField(default=list, help_text="rule ids that still fail after the replay")
    actor = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    mended_at = models.DateTimeField()
    replay = models.ForeignKey(Run, models.PROTECT, null=True, related_name="replayed")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "row"], name="data_mend_once")]


class ColumnDecision(models.Model):
    """A recorded decision about a header of a class's sources: which column it is, or that it is left out.

    `column` empty: the header is ignored on purpose. Replaced, never changed: the newest one counts.
    """

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="column_decisions")
    header = models.TextField(help_text="as it stands in the source, blanks at the ends removed")
    column = models.CharField(max_length=60, blank=True)
    confidence = models.FloatField(null=True, help_text="of the machine's proposal, 0–1")
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["data_class", "header"], condition=Q(replaced_at=None), name="data_decision_newest"
            ),
        ]


class PushNonce(models.Model):
    """A nonce of a signed push, kept until its time stamp is stale: unique, so that of two pushes with it one loses."""

    nonce = models.CharField(max_length=200, primary_key=True)
    forget_at = models.DateTimeField()
