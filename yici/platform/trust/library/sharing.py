"""亮证 and 授权用证: the holder lets somebody see agreed fields of one certificate, by a code, for a time.

The code is kept as its hash. Every use and every refused attempt is written down for the holder; what a reader gets is
read from the library at that moment, so that a certificate revoked since is not shown.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.encrypted import index_of
from yici.base.errors import Conflict, Invalid, NotFound
from yici.base.text import Text
from yici.core.audit import services as audit
from yici.core.people.errors import TooManyRequests
from yici.core.people.models import Account, Organisation
from yici.core.people.services import actor_of
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust import definitions, rules
from yici.platform.trust.library.checking import not_in_force
from yici.platform.trust.library.held import FaceLine, Held, checked_elements, face_lines, find, record
from yici.platform.trust.models import Share, ShareUse, WrongCode

__all__ = [
    "LONGEST",
    "SHOWN_FOR",
    "Opened",
    "Reader",
    "Terms",
    "end",
    "forget_wrong_codes",
    "open_share",
    "share",
    "shared_by",
    "show",
    "terms_of",
    "told",
]

SHOWN_FOR = dt.timedelta(minutes=2)
LONGEST = dt.timedelta(days=366)
DIGITS = 8  # of the code that is shown: a hundred million, good for two minutes
WRONG_CODES, WRONG_FOR = 20, dt.timedelta(minutes=10)  # tries of one address, and how long they count


@dataclass(frozen=True)
class Reader:
    """Who opens a share: somebody signed in, or whoever says a name; `address` is the network's."""

    name: str
    account: Account | None = None
    address: str = ""


@dataclass(frozen=True)
class Terms:
    """What may be told of a share before it is opened: nothing of the certificate but what it is called."""

    kind: str
    purpose: str
    recipient: str
    expires_at: dt.datetime
    single_use: bool


@dataclass(frozen=True)
class Told:
    """A share as its holder reads it. `words`: what it lets see; `state`: running, ended, expired or used."""

    share: Share
    name: Text
    words: Sequence[str]
    state: str
    uses: Sequence[tuple[ShareUse, Sequence[str]]]


@dataclass(frozen=True)
class Opened:
    """What a reader gets. `refused`: why not, for programs; `reason` for people. `held` is set only where it is shown."""

    share: Share
    refused: str
    reason: str
    held: Held | None
    lines: Sequence[FaceLine]
    reader: str
    at: dt.datetime


def show(account: Account, held: Held, *, single_use: bool = False) -> tuple[Share, str]:
    """亮证: a code of eight digits for two minutes, for whoever stands before the holder. The whole face.

    A showing that still runs is ended by the next one. Raises `Conflict` for a certificate that is not in force.
    """
    now = clock.now()
    running = Share.objects.filter(identifier=held.identifier, made_by=account, kind=Share.Kind.SHOW, revoked_at=None)
    running.filter(expires_at__gt=now).update(revoked_at=now)
    return _make(
        account, held, Share.Kind.SHOW, list(held.face), purpose="亮证", recipient="", organisation=None,
        now=now,
        expires_at=now + SHOWN_FOR, single_use=single_use,
    )  # fmt: skip


def share(
    account: Account,
    held: Held,
    *,
    elements: Sequence[str],
    purpose: str,
    recipient: str,
    until: dt.date | None,
    single_use: bool = False,
) -> tuple[Share, str]:
    """授权用证: these fields, for this purpose and recipient, to the end of a day. Returns the code, told once.

    A recipient that is an organisation of the platform must open it signed in. Raises `Invalid` field by field.
    """
    faults: dict[str, str] = {}
    purpose, recipient = purpose.strip(), recipient.strip()
    if not 2 <= len(purpose) <= 200:
        faults["purpose"] = _("请写明用途，例如“办理住房贷款”。")
    if not 2 <= len(recipient) <= 100:
        faults["recipient"] = _("请填写对方的单位名称或姓名。")
    today = clock.today()
    if until is None or not today <= until <= today + LONGEST:
        faults["until"] = _("请选择今天起一年以内的日期。")
    try:
        wanted = checked_elements(held, elements)
    except Invalid as error:
        faults |= error.fields
    if faults or until is None:
        raise Invalid(fields=faults)
    return _make(
        account, held, Share.Kind.SHARE, wanted, purpose=purpose, recipient=recipient,
        organisation=Organisation.objects.filter(name=recipient).first(),
        now=clock.now(),
        expires_at=timezone.make_aware(dt.datetime.combine(until, dt.time(23, 59, 59))),
        single_use=single_use,
    )  # fmt: skip


def _make(
    account: Account, held: Held, kind: str, elements: list[str], *, purpose: str, recipient: str,
    organisation: Organisation | None, now: dt.datetime, expires_at: dt.datetime, single_use: bool,
) -> tuple[Share, str]:  # fmt: skip
    if held.state != "valid":
        raise Conflict(_("证照现在不在有效状态，不能出示。"))
    if held.holder_id is None:
        raise Conflict(_("这份证照没有登记到个人名下，不能出示。"))
    while True:
        code = _new_code(kind)
        try:
            with transaction.atomic():
                made = Share.objects.create(
                    kind=kind, code_hash=_hash(code), identifier=held.identifier, holder_id=held.holder_id,
                    made_by=account, elements=elements, purpose=purpose, recipient=recipient,
                    recipient_organisation=organisation, single_use=single_use, created_at=now,
                    expires_at=expires_at,
                )  # fmt: skip
                words = f"{made.get_kind_display()}《{held.name.zh}》：{purpose}"
                record(actor_of(account), held, "share", words, elements)
            return made, code
        except IntegrityError:  # the digits were drawn before: draw again
            continue


def end(account: Account, share_id: int) -> Share:
    """End one of one's own before its time. Raises `NotFound`, or `Conflict` where it has ended already."""
    with transaction.atomic():
        found = _own(account).select_for_update().filter(pk=share_id).first()
        if found is None:
            raise NotFound
        if found.revoked_at or found.expires_at <= clock.now():
            raise Conflict(_("这项授权已经结束。"))
        found.revoked_at = clock.now()
        found.save(update_fields=["revoked_at"])
        audit.record(
            actor_of(account), "share", subject=("person", found.holder_id), elements=found.elements,
            purpose=f"收回授权：{found.purpose}",
        )  # fmt: skip
    return found


def _own(account: Account) -> QuerySet[Share]:
    """Shares of the account's own certificates, and those it made for people it acts for."""
    if account.person_id is None:
        return Share.objects.none()
    return Share.objects.filter(holder=account.person_id) | Share.objects.filter(made_by=account)


def shared_by(account: Account) -> QuerySet[Share]:
    """What the holder allowed, newest first, with every use. Showings count only where somebody looked."""
    uses = Prefetch("uses", ShareUse.objects.order_by("-id"))
    seen = ShareUse.objects.values("share")
    relevant = _own(account).filter(kind=Share.Kind.SHARE) | _own(account).filter(pk__in=seen)
    return relevant.distinct().prefetch_related(uses).order_by("-id")


def told(shares: Iterable[Share]) -> list[Told]:
    """In words, without a query: the type is in the identifier, the uses come with `shared_by`."""
    now = clock.now()
    rows = []
    for one in shares:
        uses = list(one.uses.all())
        kind = definitions.type_of_code(rules.parse_identifier(one.identifier).type_code)
        if one.revoked_at:
            state = "ended"
        elif one.expires_at <= now:
            state = "expired"
        elif one.single_use and any(not use.refused for use in uses):
            state = "used"
        else:
            state = "running"
        name = kind.name if kind else Text(zh=one.identifier)
        rows.append(Told(one, name, _labels(one.elements), state, [(use, _labels(use.elements)) for use in uses]))
    return rows


def _labels(elements: Iterable[str]) -> list[str]:
    return [str(vocabulary.element(one).label) for one in elements if vocabulary.has_element(one)]


def terms_of(code: str, address: str = "") -> Terms:
    """What a share is for, before it is opened. Raises `NotFound` for an unknown code, see `_by_code`."""
    found = _by_code(code, address)
    return Terms(found.kind, found.purpose, found.recipient, found.expires_at, found.single_use)


def open_share(code: str, reader: Reader) -> Opened:
    """Use a share. The attempt is recorded whether it is granted or refused; a single use is granted once only.

    Raises `NotFound` for an unknown code, `TooManyRequests` after many of them, `Invalid` without a reader's name.
    """
    return _use(_by_code(code, reader.address).pk, reader)


@transaction.atomic
def _use(share_id: int, reader: Reader) -> Opened:
    found = Share.objects.select_for_update().get(pk=share_id)
    name = _name_of(reader)
    if not name and found.kind == Share.Kind.SHARE:
        message = _("请填写您的单位或姓名，持证人会看到。")
        raise Invalid(message, fields={"reader": message})
    name = name or _("现场查看")
    held = find(found.identifier)
    refused, reason = _refusal(found, held, reader)
    now = clock.now()
    seen = (
        []
        if refused or held is None
        else [line.element for line in face_lines(held, masked=False, only=found.elements)]
    )
    ShareUse.objects.create(
        share=found, at=now, by=name, account=reader.account, address=reader.address or None, elements=seen,
        refused=refused,
    )  # fmt: skip
    if refused or held is None:
        return Opened(found, refused, reason, None, (), name, now)
    actor = actor_of(reader.account) if reader.account else audit.Actor(None, name, "", reader.address)
    held = replace(held, holder_id=found.holder_id)
    record(actor, held, "read", f"{found.get_kind_display()}：{found.purpose}", seen)
    return Opened(found, "", "", held, face_lines(held, masked=False, only=found.elements), name, now)


def _refusal(found: Share, held: Held | None, reader: Reader) -> tuple[str, str]:
    if found.revoked_at:
        return "revoked", _("持证人已经收回这项授权。需要的话，请对方重新授权。")
    if found.expires_at <= clock.now():
        return "expired", _("授权已经过期。需要的话，请对方重新出示或授权。")
    if found.single_use and found.uses.filter(refused="").exists():
        return "used", _("这项授权只能用一次，已经用过了。")
    if held is None or held.state != "valid":
        return "state", not_in_force(held.state) if held else _("证照库中没有这份证照，请不要采信。")
    wanted = found.recipient_organisation
    if wanted is not None:
        own = reader.account.organisation if reader.account and reader.account.kind == Account.Kind.STAFF else None
        if own is None or not own.path.startswith(wanted.path):
            return "recipient", _("这项授权只给%(name)s，请由该单位的工作人员登录后打开。") % {"name": wanted.name}
    return "", ""


def forget_wrong_codes() -> int:
    """Those that count no more; how many."""
    return WrongCode.objects.filter(at__lte=clock.now() - WRONG_FOR).delete()[0]


def _name_of(reader: Reader) -> str:
    account = reader.account
    if account is None:
        return reader.name.strip()[:100]
    if account.kind == Account.Kind.STAFF and account.organisation:
        return f"{account.organisation.name} {account.name}"
    return account.name


def _new_code(kind: str) -> str:
    if kind == Share.Kind.SHOW:
        return "".join(secrets.choice("0123456789") for _place in range(DIGITS))
    return rules.new_check_code()


def _normal(code: str) -> str:
    plain = re.sub(r"[\s\-—–]", "", code[:60])
    return plain if re.fullmatch(rf"[0-9]{{{DIGITS}}}", plain) else rules.read_check_code(plain)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _by_code(code: str, address: str) -> Share:
    """Raises `NotFound` for an unknown code; after twenty of them from one address, `TooManyRequests` for ten minutes.

    They are counted in the database, for all processes together; the caller must not roll its transaction back.
    """
    key = index_of(address, "trust.address")
    if WrongCode.objects.filter(address=key, at__gt=clock.now() - WRONG_FOR).count() >= WRONG_CODES:
        raise TooManyRequests(_("输错的次数太多，请十分钟后再试。"), seconds=int(WRONG_FOR.total_seconds()))
    try:
        found = Share.objects.select_related("recipient_organisation").filter(code_hash=_hash(_normal(code))).first()
    except Invalid:
        found = None
    if found is None:
        WrongCode.objects.create(address=key)
        raise NotFound(_("没有这个授权码。请核对后再输入，或者请对方重新出示。"))
    return found
