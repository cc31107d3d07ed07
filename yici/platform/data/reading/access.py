"""Which classes and runs an account may see, and how much of a row: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from yici.base.errors import NotAllowed, NotFound
from yici.core.audit import services as audit
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.core.vocabulary import rules as vocabulary
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.models import DataClass, Run
from yici.platform.data.scopes import may, within

__all__ = [
    "asked_person",
    "class_for",
    "classes_of",
    "look",
    "masked",
    "may_cancel",
    "may_see_rows",
    "record_look",
    "run_for",
    "runs_of",
]

VIEW = "data.view"


def classes_of(account: Account, permission: str = VIEW) -> QuerySet[DataClass]:
    """Classes within the account's scope."""
    scope = people.scope_of(account, permission)
    return DataClass.objects.filter(within(scope, ""), withdrawn_at=None)


def runs_of(account: Account, permission: str = VIEW) -> QuerySet[Run]:
    """Runs of classes within the account's scope."""
    scope = people.scope_of(account, permission)
    return Run.objects.filter(within(scope)).select_related("data_class__department", "channel__unit", "actor")


def class_for(account: Account, slug: str, permission: str = VIEW) -> DataClass:
    """Raises `NotFound` outside the scope, `NotAllowed` where the permission is lacking for the class."""
    found = classes_of(account).select_related("department", "current").filter(pk=slug).first()
    if found is None:
        raise NotFound
    if not may(account, permission, found):
        raise NotAllowed
    return found


def run_for(account: Account, number: int, permission: str = VIEW) -> Run:
    """The same for a run."""
    found = runs_of(account).filter(pk=number).first()
    if found is None:
        raise NotFound
    if not may(account, permission, found.data_class):
        raise NotAllowed
    return found


def may_see_rows(account: Account, data_class: DataClass) -> bool:
    return may(account, "data.rows", data_class)


def may_cancel(account: Account, run: Run) -> bool:
    """Who may operate, and who uploaded a file while it waits to be confirmed."""
    if run.state not in Run.UNENDED:
        return False
    own = run.state == Run.State.WAITING and run.trigger == Run.Trigger.UPLOAD and run.actor_id == account.pk
    return own or may(account, "data.operate", run.data_class)


def masked(definition: ClassDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a row with every personal one masked: by its element where it has one, else wholly."""
    return {name: _masked(definition, name, value) for name, value in values.items()}


def _masked(definition: ClassDefinition, name: str, value: Any) -> Any:
    column = definition.by_name.get(name)
    if value in (None, "") or column is None or not column.is_personal:
        return value
    return vocabulary.mask(column.element, str(value)) if column.element else "＊" * min(len(str(value)), 6)


def look(
    account: Account, data_class: DataClass, definition: ClassDefinition, purpose: str, id_number: str = ""
) -> None:
    """Record that personal values of the class were seen in clear, and what for.

    `id_number`: of whom, where one person was asked for; she finds the look in her own record.
    """
    record_look(actor_of(account), data_class, definition, purpose, id_number)


def asked_person(definition: ClassDefinition, key: Mapping[str, Any]) -> str:
    """The identity number among the values that a row is asked for by, or empty."""
    numbers = (key.get(name) for name in definition.key if definition.by_name[name].element == "person.id_number")
    return next((str(number) for number in numbers if number), "")


def record_look(
    actor: audit.Actor, data_class: DataClass, definition: ClassDefinition, purpose: str, id_number: str
) -> None:
    """`look`, by whoever it was: the terminal has no account."""
    person = people.find_person(id_number) if id_number else None
    subject = ("person", person.pk) if person else ("data_class", data_class.pk)
    if person:
        purpose = f"{purpose}（数据“{data_class.name}”）"
    elements = sorted({column.element for column in definition.columns if column.is_personal and column.element})
    audit.record(actor, "view", subject=subject, elements=elements, purpose=purpose)
