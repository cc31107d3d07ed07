"""Lives of certificates, issued or made in bulk: suspend, resume, revoke, cancel, expire; every step an event.

A state is changed nowhere else, but for making, which replaces what its source has changed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.platform.trust.library.held import Held, find, record
from yici.platform.trust.making.counting import move
from yici.platform.trust.models import Certificate, CertificateEvent, MadeCertificate

__all__ = ["ACTIONS", "Action", "act", "expire", "history_of", "note"]

State = Certificate.State


@dataclass(frozen=True)
class Action:
    """What may be done from which states, and where it leads."""

    label: str
    allowed: frozenset[str]
    state: str


ACTIONS = {
    "suspend": Action(gettext_lazy("暂停"), frozenset({"valid"}), "suspended"),  # type: ignore[arg-type]
    "resume": Action(gettext_lazy("恢复"), frozenset({"suspended"}), "valid"),  # type: ignore[arg-type]
    "revoke": Action(gettext_lazy("撤销"), frozenset({"valid", "suspended"}), "revoked"),  # type: ignore[arg-type]
    "cancel": Action(gettext_lazy("注销"), frozenset({"valid", "suspended", "expired"}), "cancelled"),  # type: ignore[arg-type]
}


@transaction.atomic
def act(identifier: str, action: str, reason: str, actor: audit.Actor, case_number: str = "") -> Held:
    """Carry out one of `ACTIONS`. Raises `Invalid` without a reason, `Conflict` where the state does not allow it."""
    step, reason = ACTIONS[action], reason.strip()
    if not reason:
        raise Invalid(_("请写明理由。"), fields={"reason": _("请写明理由。")})
    issued = Certificate.objects.select_for_update().filter(identifier=identifier).first()
    made = None if issued else MadeCertificate.objects.select_for_update().filter(pk=identifier).first()
    row = issued or made
    if row is None:
        raise NotFound
    if row.state not in step.allowed:
        raise Conflict(_("证照现在的状态是“%(state)s”，不能这样操作。") % {"state": str(State(row.state).label)})
    before, row.state = row.state, step.state
    if issued is not None:
        issued.state_reason = "" if step.state == "valid" else reason
        issued.save(update_fields=["state", "state_reason"])
    elif made is not None:
        made.save(update_fields=["state"])
        move(made.type, {before: -1, step.state: 1})
    note(_found(identifier), action, step.state, reason, actor, case_number)
    return _found(identifier)


def _found(identifier: str) -> Held:
    held = find(identifier)
    if held is None:
        raise NotFound
    return held


def note(
    held: Held, action: str, state: str, reason: str, actor: audit.Actor, case_number: str = "", successor: str = ""
) -> None:
    """The event, and the entry in the record of each holder."""
    CertificateEvent.objects.create(
        identifier=held.identifier, action=action, state=state, reason=reason, successor=successor,
        actor_name=f"{actor.organisation} {actor.name}".strip(), case_number=case_number, at=clock.now(),
    )  # fmt: skip
    record(
        actor, held, "issue" if action in ("issue", "hold") else "change",
        f"{State(state).label}证照《{held.name.zh}》：{reason}", ["certificate.number"], case_number,
    )  # fmt: skip


def history_of(identifier: str) -> list[CertificateEvent]:
    """What happened to it, newest first."""
    return list(CertificateEvent.objects.filter(identifier=identifier).order_by("-id")[:200])


@transaction.atomic
def expire(day: dt.date) -> int:
    """Let everything expire whose last day is before this day; how many. Both kinds, an event each, in two statements."""
    now = clock.now()
    total = 0
    with connection.cursor() as cursor:
        for table, key, column in (
            ("trust_certificate", "identifier", ", state_reason = ''"),
            ("trust_madecertificate", "identifier", ""),
        ):
            cursor.execute(
                f"""WITH gone AS (
                        UPDATE {table} SET state = 'expired'{column}
                        WHERE state = 'valid' AND valid_to < %s RETURNING {key}, type),
                    noted AS (
                        INSERT INTO trust_certificateevent
                            (identifier, action, state, reason, successor, actor_name, case_number, at)
                        SELECT {key}, 'expire', 'expired', '有效期届满', '', '系统', '', %s FROM gone)
                    SELECT type, count(*) FROM gone GROUP BY type""",  # noqa: S608 - names from above
                [day, now],
            )
            for type, count in cursor.fetchall():
                total += count
                if table == "trust_madecertificate":
                    move(type, {"valid": -count, "expired": count})
    return total
