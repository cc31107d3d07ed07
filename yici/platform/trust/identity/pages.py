"""Raising a session: one's own pages under `/my/identity/` (citizens), vouching at a window (`identity.vouch`).

Each way ends in `_raised`: the session gets a new key and its level, and the person comes back to where she was.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base import clock
from yici.base.errors import Invalid, NotAllowed, YiciError, told
from yici.core.people import assurance, sign_in
from yici.core.people.auth import account_of, assurance_of, citizen_required, staff_required
from yici.core.people.errors import CodeRejected, TooManyRequests
from yici.core.people.models import Account, Person
from yici.core.people.rules import plain_line
from yici.core.people.services import actor_of, second_factor
from yici.platform.trust.identity import assertions, checking, face, outcomes, window
from yici.platform.trust.identity.assertions import AssertionRefused
from yici.platform.trust.models import Assertion, FaceReference

_CHALLENGE, _CHALLENGE_SECONDS = "face_challenge", 600


def _own(request: HttpRequest) -> tuple[Account, Person]:
    account = account_of(request)
    assert account.person is not None  # a citizen's account is made with its person
    return account, account.person


def _wanted(request: HttpRequest) -> int:
    """The level that something demanded, 0 where nobody did."""
    text = request.POST.get("level") or request.GET.get("level") or ""
    return int(text) if text in ("2", "3") else 0


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    target, wanted = sign_in.safe_next(request), _wanted(request)
    query = urlencode({"level": str(wanted), "next": target}) if target or wanted else ""
    return {
        "next": target,
        "wanted": wanted,
        "query": f"?{query}" if query else "",
        **told(None),
        **more,
    }


def _raised(request: HttpRequest, level: int) -> HttpResponse:
    """The session is raised, under a new key; back to where the level was demanded."""
    ends = assurance.raise_to(request.session, level)
    request.session.cycle_key()
    minutes = max(1, round((ends - clock.now()).total_seconds() / 60))
    text = _("身份已核验到“%(level)s”，%(n)d 分钟内有效，请继续办理。")
    messages.success(request, text % {"level": assurance.level(level).label, "n": minutes})
    return HttpResponseRedirect(sign_in.safe_next(request, reverse("identity")))


@never_cache
@citizen_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """How well this session knows who is there, how to prove more, and what was proven before. The citizen's own."""
    account, person = _own(request)
    levels = [
        {
            "number": number, "level": assurance.level(number), "is_reached": number <= assurance_of(request),
            "until": assurance.until(request.session, number),
        }
        for number in assurance.NAMES
    ]  # fmt: skip
    context = _context(
        request,
        levels=levels,
        wanted_level=assurance.level(_wanted(request)) if _wanted(request) else None,
        has_passkey=second_factor.has_passkey(account),
        has_reference=FaceReference.objects.filter(person=person).exists(),
        rows=[(row, outcomes.words(row.outcome)) for row in assertions.recent(person)],
    )
    return render(request, "trust/identity.html", context)


@never_cache
@citizen_required
@require_http_methods(["GET", "POST"])
def by_face(request: HttpRequest) -> HttpResponse:
    """A capture of now against the photo the police keep. The citizen's own; works with a taken photo, without script."""
    account, person = _own(request)
    if request.method == "GET":
        return _face_page(request)
    upload = request.FILES.get("picture")
    if not _spend_challenge(request):
        return _face_page(request, outcomes.words("stale"))
    if not isinstance(upload, UploadedFile):
        return _face_page(request, _("请先拍照或选择照片。"))
    if (upload.size or 0) > face.BYTES_LIMIT:
        return _face_page(request, outcomes.words("bad_file"))
    try:
        checked = checking.check_face(
            account, upload.read(), actor_of(account, request), liveness=_share(request.POST.get("liveness", ""))
        )
        if not checked.succeeded:
            return _face_page(request, checked.words)
        assertions.use_for_session(checked.token, person)
    except (AssertionRefused, TooManyRequests) as error:
        return _face_page(request, str(error.message), error.status)
    except YiciError as error:
        if error.status != 503:
            raise
        return _face_page(request, str(error.message), error.status)
    return _raised(request, 2)


def _share(text: str) -> float | None:
    """A number between 0 and 1 as the browser reports it, or None."""
    try:
        value = float(text[:12])
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _spend_challenge(request: HttpRequest) -> bool:
    """Whether the form was made for this session, not long ago, and was not sent before."""
    kept = request.session.pop(_CHALLENGE, None)
    given = request.POST.get("challenge", "")
    return bool(
        kept
        and secrets.compare_digest(kept["value"].encode(), given.encode())
        and clock.now().timestamp() - kept["at"] < _CHALLENGE_SECONDS
    )


def _face_page(request: HttpRequest, problem: str = "", status: int = 422) -> HttpResponse:
    challenge = secrets.token_urlsafe(16)
    request.session[_CHALLENGE] = {"value": challenge, "at": clock.now().timestamp()}
    context = _context(
        request,
        challenge=challenge,
        errors={"picture": problem} if problem else {},
        library=static("vendor/human/human.esm.js"),
        models=f"{settings.STATIC_URL}vendor/human/models/",
        guidance=_guidance(),
    )
    response = render(request, "trust/identity_face.html", context, status=status if problem else 200)
    response["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return response


def _guidance() -> dict[str, str]:
    """What the page says while the camera runs."""
    return {
        "loading": _("正在准备，请稍候……"),
        "none": _("没有看到脸，请正对镜头。"),
        "many": _("画面里不止一个人，请让旁边的人离开。"),
        "far": _("请靠近一些。"),
        "near": _("请离远一些。"),
        "dark": _("光线太暗，请到亮一些的地方。"),
        "side": _("请正对镜头，不要侧脸。"),
        "spoof": _("请本人对着镜头，不要用照片或屏幕。"),
        "hold": _("很好，请保持不动。"),
        "sending": _("正在核验……"),
        "refused": _("没有得到摄像头的使用许可。请在浏览器里允许使用摄像头，或者用下面的“拍照”，也可以到窗口核验。"),
        "missing": _("这台设备没有可用的摄像头。请用下面的“拍照”，或者到窗口核验。"),
        "failed": _("这个浏览器不能做拍摄引导。请用下面的“拍照”，或者到窗口核验。"),
    }


@never_cache
@sensitive_post_parameters("code")
@citizen_required
@require_http_methods(["GET", "POST"])
def by_window(request: HttpRequest) -> HttpResponse:
    """The code that an official or agent gave after seeing the person. The citizen's own."""
    _account, person = _own(request)
    if request.method == "GET":
        return render(request, "trust/identity_window.html", _context(request))
    try:
        code = window.read_code(request.POST.get("code", ""))
        assertions.use_for_session(code, person)
    except AssertionRefused as error:
        text = _("核验码不正确、已用过或已过期。请核对，或请工作人员重新核验。")
        context = _context(request, errors={"code": text})
        return render(request, "trust/identity_window.html", context, status=error.status)
    return _raised(request, 2)


@never_cache
@citizen_required
@require_http_methods(["GET", "POST"])
def by_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey bound to the person: used to reach the third level, added only while the face is proven. Her own."""
    account, person = _own(request)
    if request.method == "GET":
        return _passkey_page(request, account)
    credential, actor = request.POST.get("credential", "")[:20_000], actor_of(account, request)
    try:
        if request.POST.get("action") == "add":
            if assurance_of(request) < 2:
                raise NotAllowed(_("添加通行密钥前，请先完成人脸核验或窗口核验。"))
            second_factor.add_passkey(account, credential, actor)
            messages.success(request, _("通行密钥已添加，现在可以用它核验。"))
            return HttpResponseRedirect(reverse("identity-passkey") + _context(request)["query"])
        second_factor.verify_passkey(account, credential)
    except (CodeRejected, NotAllowed) as error:
        return _passkey_page(request, account, str(error.message), error.status)
    token = assertions.record(person, assertions.CREDENTIAL, Assertion.Method.PASSKEY, account=account)
    assertions.use_for_session(token, person, assertions.CREDENTIAL)
    return _raised(request, 3)


def _passkey_page(request: HttpRequest, account: Account, problem: str = "", status: int = 200) -> HttpResponse:
    has_passkey, may_add = second_factor.has_passkey(account), assurance_of(request) >= 2
    options: dict[str, Any] = {}
    adding = may_add and not has_passkey
    if adding:
        options["creation_options"] = second_factor.begin_passkey_registration(account)
    elif has_passkey:
        options["request_options"] = second_factor.begin_passkey(account)
    context = _context(request, has_passkey=has_passkey, adding=adding, passkey=options, general=problem)
    return render(request, "trust/identity_passkey.html", context, status=status)


@citizen_required
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Delete what is kept of one's own face. The citizen's own."""
    account, person = _own(request)
    checking.forget_reference(person, actor_of(account, request))
    messages.success(request, _("您的人脸特征已删除。下次核验时会重新向公安调取证件照。"))
    return HttpResponseRedirect(reverse("identity"))


@never_cache
@staff_required("identity.vouch")
@require_http_methods(["GET", "POST"])
def vouch(request: HttpRequest) -> HttpResponse:
    """窗口核验: having seen a person and her card, give her a code. Needs identity.vouch."""
    if request.method == "GET":
        return _vouch_page(request, values={})
    by = account_of(request)
    values = {key: plain_line(request.POST.get(key, ""), 100) for key in ("name", "id_number", "document")}
    try:
        person, code = window.vouch(by, actor=actor_of(by, request), **values)
    except (Invalid, NotAllowed, YiciError) as error:
        if error.status >= 500:
            raise
        return _vouch_page(request, error, values=values)
    shown = f"{code[:5]} {code[5:]}"
    return _vouch_page(request, values={}, code=shown, person=person, minutes=window.LIFE.seconds // 60)


def _vouch_page(request: HttpRequest, error: YiciError | None = None, **context: Any) -> HttpResponse:
    status = error.status if error else 200
    return render(request, "trust/identity_vouch.html", {**context, **told(error)}, status=status)
