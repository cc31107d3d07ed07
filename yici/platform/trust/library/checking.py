"""What the public hears of a code, an identifier or a file: authentic or not, and why. Never raises, keeps nothing."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import Invalid
from yici.platform.trust import rules, signing
from yici.platform.trust.library.held import Held, by_check_code, find, from_issued
from yici.platform.trust.models import Certificate

__all__ = ["Outcome", "Verdict", "verdict_on", "verify_file"]

_ALTERED = gettext_lazy("文件内容与核发时不一致，已被改动，请不要采信。")
_UNREADABLE = gettext_lazy("这不是 PDF 格式的电子证照，请上传下载到的原文件，不要用照片或截图。")
_UNSEALED = gettext_lazy("文件上没有本市的数字签名，不是本市核发的电子证照。")


class Outcome(enum.StrEnum):
    GENUINE = "genuine"
    NOT_IN_FORCE = "not_in_force"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Verdict:
    """What the public hears. `certificate` is set where it is known and unaltered.

    `shows_face`: false for an identifier alone, which can be counted up; the face is for who holds the code or file.
    """

    genuine: bool
    reason: str
    certificate: Held | None
    outcome: Outcome
    shows_face: bool = True


def verdict_on(text: str) -> Verdict:
    """Check by code or identifier. A malformed or unknown one is a verdict, too: the public asked a fair question."""
    by_identifier = text.strip().startswith(rules.PREFIX)
    try:
        held = find(text) if by_identifier else by_check_code(text)
    except Invalid as error:
        return Verdict(False, str(error.message), None, Outcome.UNKNOWN)
    if held is not None:
        return _in_force(held, shows_face=not by_identifier)
    if by_identifier:
        reason = _("没有查到这个电子证照标识。标识的写法是对的，但不在本市的证照库里，请不要采信。")
    else:
        reason = _("没有查到这个查验码。请核对后再输入；仍查不到的，请不要采信这份证照。")
    return Verdict(False, reason, None, Outcome.UNKNOWN)


def verify_file(content: bytes) -> Verdict:
    """Check a file byte by byte: the library's hash, the city's signature, the state. Never raises.

    Only bytes that the library knows are read as PDF. Anybody may upload here, and a few kilobytes of hostile PDF
    unpack to gigabytes; of any other file it is enough to see whether it carries the city's seal.
    """
    known = Certificate.objects.select_related("issuer", "holder")
    certificate = known.filter(file__sha256=hashlib.sha256(content).hexdigest()).first()
    if certificate is not None:
        judgement = signing.judge(content)
        if judgement.outcome == "intact" and judgement.identifier == certificate.identifier:
            return _in_force(from_issued(certificate))
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    seal = signing.seal_on(content)
    if seal is None:
        return Verdict(False, str(_UNREADABLE), None, Outcome.UNREADABLE)
    if not seal.is_ours:
        return Verdict(False, str(_UNSEALED), None, Outcome.UNKNOWN)
    if known.filter(identifier__in=seal.identifiers).exists():
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    return Verdict(False, _("证照库中没有这份证照，请不要采信。"), None, Outcome.UNKNOWN)


def _in_force(held: Held, *, shows_face: bool = True) -> Verdict:
    state = held.state
    if state == "valid":
        return Verdict(True, _("证照真实、有效。"), held, Outcome.GENUINE, shows_face)
    return Verdict(False, not_in_force(state), held, Outcome.NOT_IN_FORCE, shows_face)


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
