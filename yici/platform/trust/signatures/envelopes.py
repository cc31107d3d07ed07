"""Envelopes: a document that several people sign in an order, each on their own phone.

Every change locks the envelope, so two phones at once sign one after the other. What happened is kept as events, which
only grow; the last signature closes the envelope and makes its evidence. Deadlines are the city's time, signatures and
certificates physical time.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.messages import services as messages
from yici.core.people.models import Account, Person
from yici.core.people.services import actor_of
from yici.platform.trust import ports
from yici.platform.trust.models import Envelope, EnvelopeEvent, EnvelopeSigner
from yici.platform.trust.signatures import evidence, keys, pades
from yici.platform.trust.signatures.errors import NotYourTurn

__all__ = [
    "LONGEST_DAYS",
    "MOST_SIGNERS",
    "SignerDraft",
    "cancel",
    "create",
    "decline",
    "expire_due",
    "note_opened",
    "remind",
    "remind_due",
    "remove_signer",
    "replace_signer",
    "sign",
]

MOST_SIGNERS = 50
LONGEST_DAYS = 90
REMIND_AFTER = dt.timedelta(days=1)  # and not more often than this
State, SignerState, Kind = Envelope.State, EnvelopeSigner.State, EnvelopeEvent.Kind


@dataclass(frozen=True)
class SignerDraft:
    """Who shall sign, as what, and when: those of a lower `order` first, those of the same in any sequence."""

    person: Person
    role: str = ""
    order: int = 1


@transaction.atomic
def create(
    title: str,
    document: StoredFile,
    signers: Sequence[SignerDraft],
    account: Account,
    *,
    days: int = 7,
    case_number: str = "",
) -> Envelope:
    """Send a document round. `days`: until when everybody must have signed. Raises `Invalid`."""
    _check(title, signers, days)
    with files.open_file(document) as stream:
        pades.page_count(stream.read())
    now = clock.now()
    envelope = Envelope.objects.create(
        number=f"QS{clock.today():%Y%m%d}{secrets.randbelow(10**8):08d}",
        title=title.strip(),
        case_number=case_number,
        created_by=account,
        original=document,
        current=document,
        created_at=now,
        expires_at=now + dt.timedelta(days=days),
    )
    EnvelopeSigner.objects.bulk_create(
        EnvelopeSigner(envelope=envelope, person=draft.person, role=draft.role.strip(), order=draft.order)
        for draft in signers
    )
    _note(envelope, Kind.CREATED, account.name, detail=document.sha256)
    audit.record(
        actor_of(account), "create", subject=("envelope", envelope.number), purpose=f"发起签署《{envelope.title}》",
        case_number=case_number,
    )  # fmt: skip
    _ask_next(envelope)
    return envelope


def _check(title: str, signers: Sequence[SignerDraft], days: int) -> None:
    fields: dict[str, str] = {}
    if not title.strip() or len(title) > 100:
        fields["title"] = _("请填写文件名称，不超过 100 字。")
    if not 1 <= days <= LONGEST_DAYS:
        fields["days"] = _("签署期限应为 1 到 %(most)s 天。") % {"most": LONGEST_DAYS}
    if not 1 <= len(signers) <= MOST_SIGNERS:
        fields["signers"] = _("签署人应为 1 到 %(most)s 人。") % {"most": MOST_SIGNERS}
    if len({draft.person.pk for draft in signers}) != len(signers):
        fields["signers"] = _("同一个人只能签署一次，请删去重复的签署人。")
    if fields:
        raise Invalid(fields=fields)


@transaction.atomic
def note_opened(number: str, account: Account) -> None:
    """Write down, once, that a signer opened the document."""
    envelope, signer = _mine(number, account)
    if not envelope.events.filter(kind=Kind.OPENED, person=signer.person).exists():
        _note(envelope, Kind.OPENED, account.name, signer.person)


@transaction.atomic
def sign(number: str, account: Account, assertion_token: str, document_sha256: str) -> Envelope:
    """The account's person signs. `document_sha256`: of the original, as it stood on the page she agreed to.

    Raises `NotFound`, `NotYourTurn`, `Conflict` (ended, signed already), `Invalid` (another document), `ClockWrong`,
    `KeyNotUsable`, `AssertionRefused`; nothing is kept then.
    """
    envelope, signer = _mine(number, account)
    _demand_open(envelope)
    _demand_turn(signer)
    if document_sha256 != envelope.original.sha256:
        raise Invalid(_("您看到的不是这份文件，请重新打开文件再签。"))
    key = keys.ensure_key(signer.person, actor_of(account))
    with files.open_file(envelope.current) as stream:
        before = stream.read()
    signed = pades.sign(
        before, key, assertion_token, field=f"Signer{signer.pk}", reason=f"{envelope.number} {signer.role}".strip()
    )
    superseded = envelope.current
    envelope.current = files.store(
        signed.content, f"{envelope.title}.pdf", account=envelope.created_by, trust="B",
        case_number=envelope.case_number,
    )  # fmt: skip
    envelope.save(update_fields=["current"])
    if superseded.pk != envelope.original_id:
        files.release(superseded)  # the newer file begins with all of its bytes
    signer.state, signer.key, signer.authorisation = SignerState.SIGNED, key, signed.authorisation
    signer.document_hash, signer.signed_at = signed.sha256, clock.physical()
    signer.save(update_fields=["state", "key", "authorisation", "document_hash", "signed_at"])
    _note(envelope, Kind.SIGNED, account.name, signer.person, signed.sha256)
    audit.record(
        actor_of(account), "sign", subject=("person", signer.person_id), elements=["person.signature"],
        purpose=f"签署《{envelope.title}》", case_number=envelope.case_number,
    )  # fmt: skip
    _go_on(envelope)
    return envelope


@transaction.atomic
def decline(number: str, account: Account, reason: str) -> Envelope:
    """A signer refuses: nobody signs any more. Raises `Invalid` without a reason."""
    envelope, signer = _mine(number, account)
    _demand_open(envelope)
    _demand_turn(signer)
    signer.state, signer.reason = SignerState.DECLINED, _reason(reason)
    signer.save(update_fields=["state", "reason"])
    _note(envelope, Kind.DECLINED, account.name, signer.person, signer.reason)
    _end(envelope, State.DECLINED, f"{signer.person.name}拒签：{signer.reason}", "envelope.declined")
    return envelope


@transaction.atomic
def cancel(number: str, account: Account, reason: str) -> Envelope:
    """Whoever sent it round takes it back."""
    envelope = _created(number, account)
    _demand_open(envelope)
    text = _reason(reason)
    _note(envelope, Kind.CANCELLED, account.name, detail=text)
    _end(envelope, State.CANCELLED, text, "envelope.cancelled")
    return envelope


@transaction.atomic
def remove_signer(number: str, signer_id: int, account: Account, reason: str) -> Envelope:
    """Somebody no longer signs (left the company, was named by mistake). Those who signed are told.

    Raises `Conflict` for who signed already, for the last one, and in an application, whose document names its people.
    """
    envelope = _created(number, account)
    _remove(envelope, signer_id, account, _reason(reason))
    _go_on(envelope)
    return envelope


@transaction.atomic
def replace_signer(number: str, signer_id: int, person: Person, account: Account, reason: str) -> Envelope:
    """Another person signs in somebody's place, in the same turn. Those who signed are told."""
    envelope = _created(number, account)
    if envelope.signers.filter(person=person).exists():
        raise Conflict(_("这个人已经在签署人名单里，或已被移出，不能再加入。"))
    gone = _remove(envelope, signer_id, account, _reason(reason), is_replaced=True)
    EnvelopeSigner.objects.create(envelope=envelope, person=person, role=gone.role, order=gone.order)
    _note(envelope, Kind.ADDED, account.name, person, f"接替{gone.person.name}")
    _go_on(envelope)
    return envelope


def _remove(
    envelope: Envelope, signer_id: int, account: Account, reason: str, *, is_replaced: bool = False
) -> EnvelopeSigner:
    _demand_open(envelope)
    if envelope.case_number:
        raise Conflict(_("申请材料写明了签署人，不能更换。请撤销签署，修改申请后重新发起。"))
    signer = envelope.signers.select_related("person__account").filter(pk=signer_id).first()
    if signer is None:
        raise NotFound
    if signer.state not in (SignerState.WAITING, SignerState.ASKED):
        raise Conflict(_("这位签署人已经签署或已移出，不能再更换。"))
    others = envelope.signers.exclude(pk=signer.pk).exclude(state=SignerState.REMOVED)
    if not is_replaced and not others.exists():
        raise Conflict(_("至少要有一位签署人。不再需要签署的，请撤销。"))
    signer.state, signer.reason = SignerState.REMOVED, reason
    signer.save(update_fields=["state", "reason"])
    _note(envelope, Kind.REMOVED, account.name, signer.person, reason)
    told = {"title": envelope.title, "name": signer.person.name, "reason": reason}
    for one in envelope.signers.filter(state=SignerState.SIGNED).select_related("person__account"):
        _tell(one.person, "envelope.changed", told, envelope)
    _tell(signer.person, "envelope.changed", told, envelope)
    return signer


@transaction.atomic
def remind(number: str, account: Account) -> int:
    """Remind those whose turn it is; at most once a day each. How many were reminded."""
    envelope = _created(number, account)
    _demand_open(envelope)
    return _remind(envelope, account.name)


def _remind(envelope: Envelope, by: str) -> int:
    since = clock.now() - REMIND_AFTER
    lately = set(
        envelope.events.filter(kind__in=[Kind.ASKED, Kind.REMINDED], at__gt=since).values_list("person_id", flat=True)
    )
    reminded = 0
    for signer in envelope.signers.filter(state=SignerState.ASKED).select_related("person__account"):
        if signer.person_id in lately:
            continue
        _note(envelope, Kind.REMINDED, by, signer.person)
        _tell(signer.person, "envelope.reminder", _asking(envelope), envelope)
        reminded += 1
    return reminded


def remind_due() -> int:
    """Remind in every open envelope whose signers have been asked for a day."""
    return sum(_in_turn(envelope.pk, "remind") for envelope in Envelope.objects.filter(state=State.OPEN).only("pk"))


def expire_due() -> int:
    """Close envelopes whose time is over; how many."""
    due = Envelope.objects.filter(state=State.OPEN, expires_at__lte=clock.now()).only("pk")
    return sum(_in_turn(envelope.pk, "expire") for envelope in due)


@transaction.atomic
def _in_turn(pk: int, what: str) -> int:
    envelope = Envelope.objects.select_for_update().select_related("created_by").get(pk=pk)
    if envelope.state != State.OPEN:
        return 0
    is_over = envelope.expires_at <= clock.now()
    if what == "remind":
        return 0 if is_over else _remind(envelope, "系统")
    if not is_over:
        return 0
    _note(envelope, Kind.EXPIRED, "系统")
    _end(envelope, State.EXPIRED, "到期未签完", "envelope.expired")
    return 1


# The turn of things


def _go_on(envelope: Envelope) -> None:
    """Ask the next ones, or close when everybody signed."""
    left = envelope.signers.filter(state__in=[SignerState.WAITING, SignerState.ASKED])
    if left.exists():
        _ask_next(envelope)
        return
    _note(envelope, Kind.COMPLETED, "系统")
    envelope.evidence = files.store(
        evidence.package(envelope), f"{envelope.title}-{envelope.number}-证据.zip", account=envelope.created_by,
        trust="A", case_number=envelope.case_number, is_own=True,
    )  # fmt: skip
    envelope.save(update_fields=["evidence"])
    _end(envelope, State.COMPLETED, "", "envelope.completed")


def _ask_next(envelope: Envelope) -> None:
    left = envelope.signers.filter(state__in=[SignerState.WAITING, SignerState.ASKED])
    first = left.order_by("order").values_list("order", flat=True).first()
    waiting = envelope.signers.filter(state=SignerState.WAITING, order=first or 0).select_related("person__account")
    for signer in waiting:
        signer.state = SignerState.ASKED
        signer.save(update_fields=["state"])
        _note(envelope, Kind.ASKED, "系统", signer.person)
        _tell(signer.person, "envelope.asked", _asking(envelope), envelope)


def _end(envelope: Envelope, state: Envelope.State, reason: str, template: str) -> None:
    envelope.state, envelope.reason, envelope.ended_at = state, reason, clock.now()
    envelope.save(update_fields=["state", "reason", "ended_at"])
    told = {"title": envelope.title, "reason": reason}
    people = {signer.person_id: signer.person for signer in _everybody(envelope)}
    creator = envelope.created_by
    if creator.person_id not in people:
        messages.tell(creator, template, told, link=f"/my/signing/{envelope.number}/", case_number=envelope.case_number)
    for person in people.values():
        _tell(person, template, told, envelope)
    ports.envelope_ended(envelope)


def _everybody(envelope: Envelope) -> Sequence[EnvelopeSigner]:
    return list(envelope.signers.exclude(state=SignerState.REMOVED).select_related("person__account"))


def _asking(envelope: Envelope) -> dict[str, str]:
    return {
        "title": envelope.title,
        "name": envelope.created_by.name,
        "date": f"{timezone.localtime(envelope.expires_at):%Y-%m-%d}",
    }


def _tell(person: Person, template: str, context: dict[str, str], envelope: Envelope) -> None:
    """In the app and by SMS; to the phone on record where the person has no account yet."""
    account = getattr(person, "account", None)
    messages.tell(
        account, template, context, phone="" if account else person.phone, link=f"/my/signing/{envelope.number}/",
        case_number=envelope.case_number,
    )  # fmt: skip


def _note(envelope: Envelope, kind: str, by: str, person: Person | None = None, detail: str = "") -> None:
    EnvelopeEvent.objects.create(
        envelope=envelope, kind=kind, at=clock.now(), person=person, actor_name=by, detail=detail
    )


# Who may


def _locked(number: str) -> Envelope:
    envelope = (
        Envelope.objects.select_for_update(of=("self",))
        .select_related("created_by__person", "original", "current")
        .filter(number=number)
        .first()
    )
    if envelope is None:
        raise NotFound
    return envelope


def _mine(number: str, account: Account) -> tuple[Envelope, EnvelopeSigner]:
    envelope = _locked(number)
    signer = envelope.signers.select_related("person").filter(person_id=account.person_id or 0).first()
    if signer is None:
        raise NotFound
    return envelope, signer


def _created(number: str, account: Account) -> Envelope:
    envelope = _locked(number)
    if envelope.created_by_id != account.pk:
        raise NotFound
    return envelope


def _demand_open(envelope: Envelope) -> None:
    if envelope.state != State.OPEN:
        raise Conflict(_("这份文件的签署已经结束（%(state)s）。") % {"state": envelope.get_state_display()})
    if envelope.expires_at <= clock.now():
        raise Conflict(_("签署期限已过，请联系发起人重新发起。"))


def _demand_turn(signer: EnvelopeSigner) -> None:
    if signer.state == SignerState.WAITING:
        raise NotYourTurn()
    if signer.state == SignerState.REMOVED:
        raise Conflict(_("您已不在签署人名单中：%(reason)s") % {"reason": signer.reason})
    if signer.state != SignerState.ASKED:
        raise Conflict(_("您已经处理过这份文件（%(state)s）。") % {"state": signer.get_state_display()})


def _reason(reason: str) -> str:
    text = reason.strip()
    if not text or len(text) > 500:
        raise Invalid(fields={"reason": _("请写明理由，不超过 500 字。")})
    return text
