"""What may go wrong around people, each with words a person can act on."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Invalid, Misconfigured, NotAllowed, YiciError


class NoResponsibleOrganisation(Misconfigured):
    """No organisation of the city folder has the function at that level for that place."""

    slug = "no-responsible-organisation"


class TooManyRequests(YiciError):
    """Asked too often. `extra["seconds"]`: how long to wait."""

    status = 429
    slug = "too-many-requests"
    message = _("操作太频繁，请稍后再试。")  # type: ignore[assignment]


class IdentityNotConfirmed(Invalid):
    """Never says whether name or ID number is wrong."""

    slug = "identity-not-confirmed"


class CodeRejected(Invalid):
    """The sign-in code is wrong, used, expired, or tried too often."""

    slug = "code-rejected"


class SignInRequired(YiciError):
    status = 401
    slug = "sign-in-required"
    message = _("请先登录。")  # type: ignore[assignment]


class AssuranceTooLow(NotAllowed):
    """The session's identity assurance is below what is demanded (`extra["required"]`)."""

    slug = "assurance-too-low"
    message = _("这项操作需要更高等级的身份核验。")  # type: ignore[assignment]
