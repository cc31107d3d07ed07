"""What answers point at outside the form, read from the database: divisions and stored files."""

from __future__ import annotations

from pathlib import PurePath

from django.utils.translation import gettext as _

from yici.core.files import queries as files
from yici.core.files.models import StoredFile
from yici.core.people.models import Account, Person
from yici.core.places.models import Division
from yici.core.vocabulary import rules as vocabulary


class StoredReferences:
    """Divisions as loaded; files only where `account` or `subject` may use them."""

    def __init__(self, account: Account | None = None, subject: Person | None = None) -> None:
        self._account = account
        self._subject = subject

    def division_level(self, code: str) -> str | None:
        return Division.objects.filter(pk=code).values_list("level", flat=True).first()

    def file_problem(self, file_id: int, accept: tuple[str, ...]) -> str | None:
        stored = StoredFile.objects.filter(pk=file_id, removed_at=None).first()
        if stored is None or not self._may_use(stored):
            return _("没有找到这个文件，请重新上传")
        if stored.scan == StoredFile.Scan.INFECTED:
            return _("文件 {name} 查出病毒，请换一个文件").format(name=stored.name)
        if PurePath(stored.name).suffix.lower().lstrip(".") not in accept:
            return _("文件 {name} 的类型不符，这里只收 {accept}").format(name=stored.name, accept="、".join(accept))
        return None

    def _may_use(self, stored: StoredFile) -> bool:
        own = self._account is not None and files.is_own(self._account, stored)
        return own or (self._subject is not None and stored.holder_id == self._subject.pk)


def division_name(code: str) -> str:
    """Full name of a division; the code itself where it is unknown."""
    return vocabulary.division_name(code) or code


def file_name(file_id: str) -> str:
    """Name of a stored file as uploaded."""
    return StoredFile.objects.filter(pk=file_id).values_list("name", flat=True).first() or _("文件 {id}").format(
        id=file_id
    )
