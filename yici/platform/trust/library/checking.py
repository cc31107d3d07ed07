"""What the public hears of a code, an identifier or a file: authentic or not, and why. Never raises, keeps nothing.

Files: PDF, OFD, SD-JWT credentials, and the evidence of certificates made in bulk.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import Invalid, Misconfigured
from yici.platform.trust import rules, signing
from yici.platform.trust.credentials import issuing
from yici.platform.trust.library.held import Held, by_check_code, find, from_issued
from yici.platform.trust.making.reading import evidence_of, judge_evidence
from yici.platform.trust.making.reading import find as find_made
from yici.platform.trust.models import Certificate, RenderedFile
from yici.platform.trust.ofd import judging
from yici.platform.trust.ofd.sealing import sealer

__all__ = ["Outcome", "Verdict", "read_code", "verdict_on", "verify_file"]

_ALTERED = gettext_lazy("文件内容与核发时不一致，已被改动，请不要采信。")
_UNREADABLE = gettext_lazy(
    "这不是电子证照文件。请上传下载到的原文件（PDF、OFD、可验证凭证或 JSON 凭据），不要用照片或截图。"
)
_UNSEALED = gettext_lazy("文件上没有本市的数字签名，不是本市核发的电子证照。")
_FOREIGN = gettext_lazy("文件是用别处的密钥签名的，不是本市核发的电子证照。")
_NOT_IN_LIBRARY = gettext_lazy("证照库中没有这份证照，请不要采信。")


class Outcome(enum.StrEnum):
    GENUINE = "genuine"
    NOT_IN_FORCE = "not_in_force"
    ALTERED = "altered"
    FOREIGN = "foreign"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Verdict:
    """What the public hears. `certificate` is set where it is known and unaltered.

    `elements`: what of the face may be told, masked; None: all of it. Nothing for an identifier alone, which can be
    counted up: the face is for who holds the code or the file; of a credential what its holder disclosed.
    """

    genuine: bool
    reason: str
    certificate: Held | None
    outcome: Outcome
    elements: Collection[str] | None = None

    @property
    def shows_face(self) -> bool:
        return self.elements is None


def read_code(text: str) -> str:
    """What was typed, or what a QR code says, in its normal form: a check code or an identifier.

    Raises `Invalid` for what is neither, and for a QR code that leads elsewhere.
    """
    typed = text.strip()
    if typed.lower().startswith(("http://", "https://")):
        address = urlsplit(typed)
        parts = [part for part in address.path.split("/") if part]
        if address.netloc != urlsplit(settings.SITE_URL).netloc or len(parts) != 2 or parts[0] != "verify":
            raise Invalid(
                _("这个二维码指向 %(host)s，不是本市证照的二维码，请不要采信。") % {"host": address.netloc[:100]}
            )
        typed = parts[1]
    return str(rules.parse_identifier(typed)) if typed.startswith("1.2.") else rules.read_check_code(typed)


def verdict_on(text: str) -> Verdict:
    """Check by code or identifier. A malformed or unknown one is a verdict, too: the public asked a fair question."""
    try:
        code = read_code(text)
        by_identifier = code.startswith(rules.PREFIX)
        held = find(code) if by_identifier else by_check_code(code)
    except Invalid as error:
        return Verdict(False, str(error.message), None, Outcome.UNKNOWN)
    if held is not None:
        return _in_force(held, () if by_identifier else None)
    if by_identifier:
        reason = _("没有查到这个电子证照标识。标识的写法是对的，但不在本市的证照库里，请不要采信。")
    else:
        reason = _("没有查到这个查验码。请核对后再输入；仍查不到的，请不要采信这份证照。")
    return Verdict(False, reason, None, Outcome.UNKNOWN)


def verify_file(content: bytes, code: str = "") -> Verdict:
    """Check a file byte by byte, and against the code of the QR beside it where one is given. Never raises."""
    verdict = _of_file(content)
    if not code.strip() or verdict.certificate is None:
        return verdict
    beside = verdict_on(code)
    if beside.certificate is not None and beside.certificate.identifier == verdict.certificate.identifier:
        return verdict
    reason = (
        _("文件是真的，但二维码属于另一份证照，两者不是一套，请不要采信。") if beside.certificate else beside.reason
    )
    return Verdict(False, reason, None, Outcome.DIFFERENT)


def _of_file(content: bytes) -> Verdict:
    if judging.is_ofd(content):
        return _of_ofd(content)
    if content.startswith(b"%PDF-"):
        return _of_pdf(content)
    start = content[:200].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"{"):
        return _of_evidence(content)
    if start.startswith(b"ey") and b"~" in content:
        return _of_credential(content)
    return Verdict(False, str(_UNREADABLE), None, Outcome.UNREADABLE)


def _of_pdf(content: bytes) -> Verdict:
    """The library's hash, the city's signature, the state.

    Only bytes that the library knows are read as PDF. Anybody may upload here, and a few kilobytes of hostile PDF
    unpack to gigabytes; of any other file it is enough to see whether it carries the city's seal.
    """
    held = _known_by_hash(content)
    if held is not None:
        judgement = signing.judge(content)
        if judgement.outcome == "intact" and judgement.identifier == held.identifier:
            return _in_force(held)
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    seal = signing.seal_on(content)
    if seal is None:
        return Verdict(False, str(_UNREADABLE), None, Outcome.UNREADABLE)
    if not seal.is_ours:
        if seal.is_signed:
            return Verdict(False, str(_FOREIGN), None, Outcome.FOREIGN)
        return Verdict(False, str(_UNSEALED), None, Outcome.UNKNOWN)
    if any(_is_ours(identifier) for identifier in seal.identifiers):
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    return Verdict(False, str(_NOT_IN_LIBRARY), None, Outcome.UNKNOWN)


def _known_by_hash(content: bytes) -> Held | None:
    digest = hashlib.sha256(content)
    known = Certificate.objects.select_related("issuer", "holder")
    issued = known.filter(file__sha256=digest.hexdigest()).first()
    if issued is not None:
        return from_issued(issued)
    rendered = RenderedFile.objects.filter(pk=digest.digest()).first()
    return find(rendered.identifier) if rendered else None


def _is_ours(identifier: str) -> bool:
    try:
        return find(identifier) is not None
    except Invalid:
        return False


def _of_ofd(content: bytes) -> Verdict:
    try:
        judgement = judging.judge(content, sealer())
    except Misconfigured as error:
        return Verdict(False, str(error.message), None, Outcome.UNREADABLE)
    known = _found(judgement.identifier)
    if judgement.outcome == "intact":
        if known is None:
            return Verdict(False, str(_NOT_IN_LIBRARY), None, Outcome.UNKNOWN)
        return _in_force(known)
    if judgement.outcome == "unsigned":
        return Verdict(False, str(_UNSEALED), None, Outcome.UNKNOWN)
    if judgement.outcome == "foreign" or (judgement.identifier and known is None):
        return Verdict(False, str(_FOREIGN), None, Outcome.FOREIGN)
    reason = str(_ALTERED)
    if judgement.part:
        reason = _("文件内容与核发时不一致，“%(part)s”已被改动，请不要采信。") % {"part": judgement.part[:100]}
    return Verdict(False, reason, None, Outcome.ALTERED)


def _found(identifier: str) -> Held | None:
    try:
        return find(identifier) if identifier else None
    except Invalid:
        return None


def _of_evidence(content: bytes) -> Verdict:
    """A record with its path in the tree and the signature of the root."""
    try:
        evidence = json.loads(content)
        outcome = judge_evidence(evidence) if isinstance(evidence, dict) else "unreadable"
        held = _found(str(json.loads(evidence["record"]).get("identifier", ""))) if outcome == "authentic" else None
    except (ValueError, UnicodeDecodeError, RecursionError, AttributeError):
        outcome, held = "unreadable", None
    if outcome == "authentic" and held and held.is_made and evidence != evidence_of(find_made(held.identifier)):
        outcome = "altered"  # what stands beside the signed parts: when, with what
    if outcome == "authentic":
        return _in_force(held) if held else Verdict(False, str(_NOT_IN_LIBRARY), None, Outcome.UNKNOWN)
    told = {"altered": (_ALTERED, Outcome.ALTERED), "foreign": (_FOREIGN, Outcome.FOREIGN)}
    reason, kind = told.get(outcome, (_UNREADABLE, Outcome.UNREADABLE))
    return Verdict(False, str(reason), None, kind)


def _of_credential(content: bytes) -> Verdict:
    """An SD-JWT: what its holder disclosed, and no more."""
    found = issuing.judge(content.decode("ascii", "replace"), clock.now())
    outcome, claims = str(found["outcome"]), dict(found["claims"])
    if outcome in ("genuine", "not_in_force"):
        held = _found(str(claims["identifier"]["value"]))
        return _in_force(held, list(claims)) if held else Verdict(False, str(_NOT_IN_LIBRARY), None, Outcome.UNKNOWN)
    told = {
        "altered": (_ALTERED, Outcome.ALTERED),
        "foreign": (_FOREIGN, Outcome.FOREIGN),
        "unknown": (_NOT_IN_LIBRARY, Outcome.UNKNOWN),
        "expired": (gettext_lazy("凭证已过期，请持证人重新出示。"), Outcome.NOT_IN_FORCE),
        "not_yet": (gettext_lazy("凭证还没有生效。"), Outcome.NOT_IN_FORCE),
    }
    reason, kind = told.get(outcome, (_UNREADABLE, Outcome.UNREADABLE))
    return Verdict(False, str(reason), None, kind)


def _in_force(held: Held, elements: Collection[str] | None = None) -> Verdict:
    state = held.state
    if state == "valid":
        return Verdict(True, _("证照真实、有效。"), held, Outcome.GENUINE, elements)
    return Verdict(False, not_in_force(state), held, Outcome.NOT_IN_FORCE, elements)


def not_in_force(state: str) -> str:
    """Why an authentic certificate is of no use."""
    return {
        "made": _("证照是真的，但还没有生效。"),
        "changed": _("证照是真的，但内容已变更，请以新版证照为准。"),
        "suspended": _("证照是真的，但已暂停使用。"),
        "cancelled": _("证照是真的，但已注销，不再有效。"),
        "revoked": _("证照是真的，但已被撤销，不再有效。"),
        "expired": _("证照是真的，但已过有效期。"),
    }[state]
