"""Stored files: the bytes live in the file store under their SHA-256, the rows say what they are."""

from django.db import models

from yici.base import clock
from yici.core.people.models import Account, Person


class StoredFile(models.Model):
    """One upload by one holder. Two uploads of the same bytes share the bytes, not the row."""

    class Trust(models.TextChoices):
        """国办函〔2016〕108号: A issued by the acting agency … D self-made with the user's promise."""

        A = "A", "本部门核发"
        B = "B", "窗口已核验"
        C = "C", "本人上传待核"
        D = "D", "本人承诺"

    class Scan(models.TextChoices):
        PENDING = "pending", "待查毒"
        CLEAN = "clean", "安全"
        INFECTED = "infected", "有病毒"
        SKIPPED = "skipped", "未配置查毒"

    sha256 = models.CharField(max_length=64)
    name = models.TextField(help_text="as uploaded, stripped of path and control characters")
    media_type = models.CharField(max_length=100, help_text="sniffed from the bytes, not believed from the client")
    size = models.BigIntegerField(help_text="bytes")
    trust = models.CharField(max_length=1, choices=Trust.choices, default=Trust.C)
    scan = models.CharField(max_length=10, choices=Scan.choices, default=Scan.PENDING)
    holder = models.ForeignKey(Person, models.PROTECT, null=True, related_name="files")
    uploaded_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    case_number = models.TextField(blank=True, db_index=True)
    retain_until = models.DateField(null=True, help_text="may be removed after this day; null: for ever")
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["sha256"], name="files_file_sha256"),
            models.Index(fields=["holder", "-created_at"], name="files_file_holder"),
        ]
