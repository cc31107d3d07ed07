"""The access log. Rows are only ever added; the database itself refuses to change or remove one."""

from django.db import models


class Entry(models.Model):
    """One look at, or change of, something about a subject. Chained by hash within its shard."""

    shard = models.SmallIntegerField()
    seq = models.BigIntegerField(help_text="1, 2, 3 … without gaps within the shard")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="account id; null for the system itself")
    actor_name = models.TextField()
    actor_organisation = models.TextField(blank=True)
    action = models.TextField(help_text="read, change, export, sign-in, decide …")
    subject_kind = models.TextField(help_text="person, organisation, case, definition …")
    subject_id = models.TextField()
    elements = models.JSONField(default=list, help_text="data element ids, or field names")
    purpose = models.TextField()
    case_number = models.TextField(blank=True)
    address = models.TextField(blank=True, help_text="network address of the actor")
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shard", "seq"], name="audit_entry_position")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_entry_time"),
            models.Index(fields=["subject_kind", "subject_id", "-at", "-id"], name="audit_entry_subject"),
            models.Index(fields=["actor_id", "-at", "-id"], name="audit_entry_actor"),
            models.Index(fields=["case_number"], name="audit_entry_case", condition=~models.Q(case_number="")),
        ]


class ShardHead(models.Model):
    """Last position and hash of a shard, so that a removed tail is found too."""

    shard = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=b"\0" * 32)
