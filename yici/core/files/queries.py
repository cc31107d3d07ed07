"""Reading stored files: always through who is asking."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from yici.base.errors import NotFound
from yici.core.files import ports
from yici.core.files.models import StoredFile
from yici.core.files.rules import NotScannedYet
from yici.core.people.models import Account, Person

__all__ = ["files_of_case", "files_of_person", "is_own", "may_read", "readable_file"]


def is_own(account: Account, stored: StoredFile) -> bool:
    """The holder's own file, one a citizen uploaded, or one a clerk uploaded and has not yet attached."""
    if account.person_id is not None and account.person_id == stored.holder_id:
        return True
    if stored.uploaded_by_id != account.pk:
        return False
    return account.kind != Account.Kind.STAFF or not stored.case_number


def may_read(account: Account, stored: StoredFile) -> bool:
    """Own, or some kernel that uses the file says so."""
    return is_own(account, stored) or any(reader(account, stored) for reader in ports.readers())


def readable_file(account: Account, stored_id: int) -> StoredFile:
    """The file if it is there for this account, else `NotFound`. `NotScannedYet` for others' files in the queue."""
    stored = StoredFile.objects.select_related("holder").filter(pk=stored_id, removed_at=None).first()
    if stored is None or not may_read(account, stored):
        raise NotFound()
    waits = stored.scan == StoredFile.Scan.PENDING and bool(settings.ANTIVIRUS_SOCKET)
    if waits and not is_own(account, stored):
        raise NotScannedYet()
    return stored


def files_of_case(case_number: str) -> QuerySet[StoredFile]:
    """Live files of a case, oldest first. The caller has decided that the case may be read."""
    return StoredFile.objects.filter(case_number=case_number, removed_at=None).order_by("pk")


def files_of_person(person: Person) -> QuerySet[StoredFile]:
    """Live files held for a person, newest first."""
    return StoredFile.objects.filter(holder=person, removed_at=None).order_by("-created_at", "-pk")
