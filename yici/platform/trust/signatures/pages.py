"""Signing on the phone: one's own documents under `/my/signing/`, one's own key under `/my/signing-key/` (citizens).

A document is read page by page before it can be signed; the session remembers which pages were seen. Thin: everything
is decided in `envelopes`, `keys`, `consent`. Root certificates and the revocation list are public.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from yici.base.errors import Invalid, NotFound
from yici.base.requests import whole_number
from yici.core.files import pages as file_pages
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.people.auth import account_of, assurance_of, citizen_required
from yici.core.people.models import Account
from yici.core.people.services import actor_of, confirmed_person
from yici.platform.trust.models import Envelope, EnvelopeSigner, SigningKey
from yici.platform.trust.signatures import (
    consent,
    envelope_queries,
    envelopes,
    evidence,
    keys,
    keystore,
    pades,
    picturing,
    revocation,
)
from yici.platform.trust.signatures.envelopes import SignerDraft

PAGE_SIZE = 20
ROWS = 6  # of signers on the page; an application may name more
_READ = "signing_read"


@require_safe
def revocation_list(request: HttpRequest) -> HttpResponse:
    """Which signing certificates are revoked, for every reader that checks a signature. Public."""
    response = HttpResponse(revocation.revocation_list(), content_type=revocation.MEDIA_TYPE)
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def root(request: HttpRequest, name: str) -> HttpResponse:
    """A root certificate (PEM) that evidence and signatures rest on. Public."""
    city, people = evidence.roots()
    return HttpResponse({"city": city, "people": people}[name], content_type="application/x-pem-file")


@require_GET
@citizen_required
def my_signing(request: HttpRequest) -> HttpResponse:
    page = Paginator(envelope_queries.envelopes_for(account_of(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "trust/signing/list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@citizen_required
def new(request: HttpRequest) -> HttpResponse:
    """Send one's own PDF round."""
    errors: dict[str, str] = {}
    posted = request.POST
    if request.method == "POST":
        try:
            envelope = _create(request)
            messages.success(request, _("已发起签署，轮到的人会收到消息。"))
            return redirect("signing", number=envelope.number)
        except Invalid as error:
            errors = {key: str(text) for key, text in error.fields.items()} or {"file": str(error.message)}
    rows = [
        {name: posted.get(f"{name}_{number}", "") for name in ("name", "id_number", "role", "order")}
        | {"number": number, "error": errors.get(f"signer_{number}", "")}
        for number in range(1, ROWS + 1)
    ]
    context = {"rows": rows, "errors": errors, "title": posted.get("title", ""), "days": posted.get("days", "7")}
    return render(request, "trust/signing/new.html", context, status=422 if errors else 200)


def _create(request: HttpRequest) -> Envelope:
    account, upload = account_of(request), request.FILES.get("file")
    errors = {} if isinstance(upload, UploadedFile) else {"file": _("请选择要签署的 PDF 文件。")}
    drafts = _drafts(request, errors)
    if errors or not isinstance(upload, UploadedFile):
        raise Invalid(fields=errors)
    stored = files.store(upload, upload.name or "文件.pdf", holder=account.person, account=account)
    if stored.media_type != "application/pdf":
        raise Invalid(fields={"file": _("只能签署 PDF 文件，请先另存为 PDF。")})
    days = whole_number(request.POST.get("days", ""), 0, typed=True)
    return envelopes.create(request.POST.get("title", ""), stored, drafts, account, days=days)


def _drafts(request: HttpRequest, errors: dict[str, str]) -> list[SignerDraft]:
    drafts = []
    for number in range(1, ROWS + 1):
        name, id_number, role, order = (
            request.POST.get(f"{part}_{number}", "").strip() for part in ("name", "id_number", "role", "order")
        )
        if not (name or id_number):
            continue
        try:
            person = confirmed_person(name, id_number)
        except Invalid as error:
            errors[f"signer_{number}"] = str(next(iter(error.fields.values()), error.message))
            continue
        drafts.append(SignerDraft(person, role[:40], whole_number(order, number, digits=2, typed=True)))
    if not drafts and not any(field.startswith("signer_") for field in errors):
        errors["signers"] = _("请至少填写一位签署人。")
    return drafts


@never_cache
@require_GET
@citizen_required
def signing(request: HttpRequest, number: str) -> HttpResponse:
    """One document: who signed, whose turn it is, what I may do."""
    account = account_of(request)
    envelope = envelope_queries.envelope_for(account, number)
    signers = list(envelope.signers.select_related("person"))
    mine = next((signer for signer in signers if signer.person_id == account.person_id), None)
    is_open = envelope.state == Envelope.State.OPEN
    context = {
        "envelope": envelope,
        "signers": signers,
        "mine": mine,
        "events": envelope.events.select_related("person"),
        "is_mine": envelope.created_by_id == account.pk,
        "is_open": is_open,
        "is_my_turn": is_open and mine is not None and mine.state == EnvelopeSigner.State.ASKED,
        "may_read": _may_read(envelope, account),
        "may_change": is_open and envelope.created_by_id == account.pk and not envelope.case_number,
    }
    return render(request, "trust/signing/envelope.html", context)


@never_cache
@require_GET
@citizen_required
def read(request: HttpRequest, number: str, page: int) -> HttpResponse:
    """One page of the document; after the last one it can be signed."""
    account = account_of(request)
    envelope = _readable(account, number)
    count = pades.page_count(_content(envelope.original))
    if not 1 <= page <= count:
        raise NotFound
    has_pictures = picturing.is_available()
    seen = set(request.session.get(_READ, {}).get(number, []))
    seen |= {page} if has_pictures else set(range(1, count + 1))
    request.session[_READ] = {**request.session.get(_READ, {}), number: sorted(seen)}
    mine = envelope.signers.filter(person_id=account.person_id or 0).first()
    if mine is not None and mine.state == EnvelopeSigner.State.ASKED:
        envelopes.note_opened(number, account)
    context = {
        "envelope": envelope, "number": page, "count": count, "has_pictures": has_pictures,
        "is_my_turn": mine is not None and mine.state == EnvelopeSigner.State.ASKED,
        "is_last": page == count or not has_pictures,
    }  # fmt: skip
    return render(request, "trust/signing/read.html", context)


@require_safe
@citizen_required
def page_picture(request: HttpRequest, number: str, page: int) -> HttpResponse:
    """A page as a picture, for who sent and who signs it."""
    envelope = _readable(account_of(request), number)
    response = HttpResponse(picturing.picture(_content(envelope.original), page), content_type="image/png")
    response["Cache-Control"] = "private, max-age=3600"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@citizen_required
def sign(request: HttpRequest, number: str) -> HttpResponse:
    """The last step: everything was read, identity is proven, and she agrees."""
    account = account_of(request)
    envelope = _readable(account, number)
    signer = envelope.signers.select_related("person").filter(person_id=account.person_id or 0).first()
    if signer is None:
        raise NotFound
    count = pades.page_count(_content(envelope.original))
    unread = set(range(1, count + 1)) - set(request.session.get(_READ, {}).get(number, []))
    if unread:
        messages.warning(request, _("请先看完全文再签。还没有看第 %(page)s 页。") % {"page": min(unread)})
        return redirect("signing-read", number=number, page=min(unread))
    proof = consent.demand(account, assurance_of(request))
    error = ""
    if request.method == "POST":
        if request.POST.get("agree") == "1":
            token = consent.proof_for(account, assurance_of(request))
            ended = envelopes.sign(number, account, token, request.POST.get("document", ""))
            text = _("已签署，全部签署人都已签完。") if ended.state == Envelope.State.COMPLETED else _("已签署。")
            messages.success(request, text)
            return redirect("signing", number=number)
        error = _("同意的请勾选；不同意的可以拒签。")
    context = {
        "envelope": envelope, "signer": signer, "count": count, "error": error, "proof": proof,
        "key": keys.active_key(signer.person),
    }  # fmt: skip
    return render(request, "trust/signing/sign.html", context, status=422 if error else 200)


@require_http_methods(["GET", "POST"])
@citizen_required
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """A signer refuses, with a reason."""
    return _with_reason(
        request, number, _("拒绝签署"), lambda account, reason: envelopes.decline(number, account, reason)
    )


@require_http_methods(["GET", "POST"])
@citizen_required
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Whoever sent it takes it back, with a reason."""
    return _with_reason(
        request, number, _("撤销签署"), lambda account, reason: envelopes.cancel(number, account, reason)
    )


def _with_reason(request: HttpRequest, number: str, heading: str, act: Any) -> HttpResponse:
    account = account_of(request)
    envelope = envelope_queries.envelope_for(account, number)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            act(account, request.POST.get("reason", ""))
            messages.success(request, _("已处理，相关的人会收到消息。"))
            return redirect("signing", number=number)
        except Invalid as error:
            errors = error.fields
    context = {"envelope": envelope, "heading": heading, "errors": errors, "reason": request.POST.get("reason", "")}
    return render(request, "trust/signing/reason.html", context, status=422 if errors else 200)


@require_POST
@citizen_required
def remind(request: HttpRequest, number: str) -> HttpResponse:
    reminded = envelopes.remind(number, account_of(request))
    text = _("已提醒 %(count)s 人。") % {"count": reminded} if reminded else _("今天已经提醒过了，明天可以再提醒。")
    messages.success(request, text)
    return redirect("signing", number=number)


@require_http_methods(["GET", "POST"])
@citizen_required
def change_signer(request: HttpRequest, number: str, signer_id: int) -> HttpResponse:
    """Whoever sent it removes a signer, or lets another person sign instead."""
    account = account_of(request)
    envelope = envelope_queries.envelope_for(account, number)
    signer = envelope.signers.select_related("person").filter(pk=signer_id).first()
    if signer is None or envelope.created_by_id != account.pk:
        raise NotFound
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _changed(request, number, signer_id, account)
        except Invalid as error:
            errors = {key: str(text) for key, text in error.fields.items()} or {"name": str(error.message)}
    context = {"envelope": envelope, "signer": signer, "errors": errors, "posted": request.POST}
    return render(request, "trust/signing/change.html", context, status=422 if errors else 200)


def _changed(request: HttpRequest, number: str, signer_id: int, account: Account) -> HttpResponse:
    name, id_number = (request.POST.get(part, "").strip() for part in ("name", "id_number"))
    reason = request.POST.get("reason", "")
    if name or id_number:
        envelopes.replace_signer(number, signer_id, confirmed_person(name, id_number), account, reason)
    else:
        envelopes.remove_signer(number, signer_id, account, reason)
    messages.success(request, _("签署人已变更，相关的人会收到消息。"))
    return redirect("signing", number=number)


@require_safe
@citizen_required
def document(request: HttpRequest, number: str) -> HttpResponse:
    """The document with the signatures so far, as an attachment."""
    account = account_of(request)
    return file_pages.send(_readable(account, number).current, account, request)  # type: ignore[return-value]


@require_safe
@citizen_required
def evidence_file(request: HttpRequest, number: str) -> HttpResponse:
    """The evidence package of a document that everybody signed."""
    account = account_of(request)
    envelope = _readable(account, number)
    if envelope.evidence is None:
        raise NotFound
    return file_pages.send(envelope.evidence, account, request)  # type: ignore[return-value]


def _may_read(envelope: Envelope, account: Account) -> bool:
    return envelope_queries.reads_own_envelope(account, envelope.original)


def _readable(account: Account, number: str) -> Envelope:
    envelope = envelope_queries.envelope_for(account, number)
    if not _may_read(envelope, account):
        raise NotFound
    return envelope


def _content(stored: StoredFile) -> bytes:
    with files.open_file(stored) as stream:
        return stream.read()


# One's own key


@never_cache
@require_http_methods(["GET", "POST"])
@citizen_required
def my_key(request: HttpRequest) -> HttpResponse:
    """One's own signing keys: what they are kept in, until when, and replacing or revoking one."""
    account = account_of(request)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            _act_on_key(request, account)
            return HttpResponseRedirect(request.path)
        except Invalid as error:
            errors = error.fields
    rows = [
        {
            "key": key,
            "serial": f"{_certificate(key).serial_number:x}" if key.algorithm == keystore.P256 else "",
            "is_usable": keys.is_usable(key),
        }
        for key in SigningKey.objects.filter(person_id=account.person_id or 0).order_by("-pk")[:PAGE_SIZE]
    ]
    context = {"rows": rows, "errors": errors, "kept_in": keystore.for_new_key().description}
    return render(request, "trust/signing/key.html", context, status=422 if errors else 200)


def _act_on_key(request: HttpRequest, account: Account) -> None:
    key = SigningKey.objects.filter(
        person_id=account.person_id or 0, credential_id=request.POST.get("credential", "")[:64]
    ).first()
    if key is None:
        raise NotFound
    acts = {"rotate": keys.rotate, "revoke": keys.revoke, "suspend": keys.suspend, "resume": keys.resume}
    act = acts.get(request.POST.get("action", ""))
    if act is None:
        raise NotFound
    if request.POST.get("action") in ("rotate", "resume"):
        consent.demand(account, assurance_of(request))
    act(key, request.POST.get("reason", ""), actor_of(account, request))
    messages.success(request, _("已处理。"))


def _certificate(key: SigningKey) -> x509.Certificate:
    return x509.load_pem_x509_certificate(key.certificate.encode("ascii"))
