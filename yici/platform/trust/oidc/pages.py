"""The provider's own doors, stricter than allauth's: exact redirect addresses, PKCE with S256 for everybody, `acr`.

`/identity/o/authorize` is for whoever is signed in (others sign in first), the token endpoint for registered clients,
`/desk/clients/` needs client.manage.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.core.internal.httpkit import add_query_params
from allauth.idp.oidc.models import Client
from allauth.idp.oidc.views import AuthorizationView, TokenView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base import clock
from yici.base.errors import Invalid, NotAllowed, YiciError, told
from yici.core.audit import services as audit
from yici.core.people import assurance
from yici.core.people import queries as people
from yici.core.people.auth import account_of, assurance_of, staff_required, to_step_up
from yici.core.people.rules import plain_line
from yici.core.people.services import actor_of
from yici.platform.trust.oidc import clients, grants, proofs

ERROR_PAGE = "idp/oidc/error.html"  # what allauth itself shows; ours, by the same name


class RequestRefused(YiciError):
    """Told on our page: the address to go back to cannot be trusted."""

    status = 403
    slug = "oidc-request-refused"
    message = gettext_lazy(
        "这个登录请求有误，可能来自不可信的网页。请回到原来的系统重新登录；仍不成功请联系该系统的管理单位。"
    )


def _asked(request: HttpRequest) -> dict[str, str]:
    """The parameters, each at most once (RFC 6749 §3.1)."""
    if any(len(values) > 1 for _key, values in request.GET.lists()):
        raise RequestRefused()
    return {key: str(value) for key, value in request.GET.items()}


def _client_of(asked: dict[str, str]) -> Client:
    """The registered client; its redirect address must be one of those registered, character by character."""
    client = Client.objects.filter(pk=asked.get("client_id", "")[:100], party__isnull=False).first()
    if client is None or asked.get("redirect_uri") not in client.get_redirect_uris():
        raise RequestRefused()
    return client


def _back(asked: dict[str, str], error: str, description: str) -> HttpResponse:
    """To the client, with an error (RFC 6749 §4.1.2.1)."""
    told = {"error": error, "error_description": description, "iss": settings.SITE_URL.rstrip("/")}
    if asked.get("state"):
        told["state"] = asked["state"]
    response = HttpResponse(status=HTTPStatus.FOUND)
    response["Location"] = add_query_params(asked["redirect_uri"], told)
    return response


@method_decorator(never_cache, name="dispatch")
class Authorize(AuthorizationView):  # type: ignore[misc]
    """Ask the person whether a system may know who she is; raise her session first where it asks for more."""

    template_name = "trust/oidc_consent.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = _asked(request)
        client = _client_of(asked)
        if len(asked.get("code_challenge", "")) != 43 or asked.get("code_challenge_method") != "S256":
            return _back(asked, "invalid_request", "PKCE with S256 is required")
        if asked.get("response_type") != "code":
            return _back(asked, "unsupported_response_type", "only code")
        prompts = asked.get("prompt", "").split()
        if "none" in prompts and (not request.user.is_authenticated or not assurance_of(request)):
            return _back(asked, "login_required", "nobody is signed in")
        if "login" in prompts and request.user.is_authenticated:
            logout(request)
        if "login" in prompts or not assurance_of(request):
            rest = {**asked, "prompt": " ".join(one for one in prompts if one != "login")}
            again = f"{request.path}?{urlencode({key: value for key, value in rest.items() if value})}"
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': again})}")
        wanted = assurance.level_of_acr(asked.get("acr_values", ""))
        if wanted > assurance_of(request):
            if "none" in prompts:
                return _back(asked, "interaction_required", "the session must be raised")
            return to_step_up(request, wanted)
        response = super().get(request, *args, **kwargs)
        if response.status_code == HTTPStatus.OK:
            origin = urlsplit(asked["redirect_uri"])
            # Browsers hold the redirect after the form to form-action too; on this page alone, for this client alone.
            response._csp_update = {"form-action": [f"{origin.scheme}://{origin.netloc}"]}
        return self._noted(request, client, response)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.POST.get("request"):
            raise RequestRefused()
        if not assurance_of(request):
            return HttpResponseRedirect(settings.LOGIN_URL)
        return self._noted(request, None, super().post(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        client = Client.objects.select_related("party__organisation").get(pk=self._request_info["client_id"])
        told = [(one, clients.SCOPES[one]) for one in self._scopes if one in clients.SCOPES]
        kwargs.setdefault("form", self.get_form())
        return {**kwargs, "client": client, "party": client.party, "told": told}

    def _noted(self, request: HttpRequest, client: Client | None, response: HttpResponse) -> HttpResponse:
        """Where a code was given: keep how well the person is known, and record the sign-in."""
        if response.status_code != HTTPStatus.FOUND:
            return response
        code = parse_qs(urlsplit(response["Location"]).query).get("code", [""])[0]
        if not code:
            return response
        account = account_of(request)
        known = client or Client.objects.get(pk=self._request_info["client_id"])
        level = assurance_of(request)
        auth_time = int(request.session.get("signed_in_at") or clock.now().timestamp())
        proofs.keep(known.pk, code, assurance.ACR[level], auth_time)
        response["Location"] = add_query_params(response["Location"], {"iss": settings.SITE_URL.rstrip("/")})
        subject = ("person", account.person_id) if account.person_id else ("account", account.pk)
        audit.record(actor_of(account, request), "sign-in", subject=subject, purpose=f"登录其他系统：{known.name}")
        return response


@method_decorator(csrf_exempt, name="dispatch")
class Token(TokenView):  # type: ignore[misc]
    @transaction.atomic
    def post(self, request: HttpRequest) -> HttpResponse:
        """A code or refresh token is redeemed by one request at a time, and once; again, and all it gave is revoked."""
        code, refresh_token = request.POST.get("code", ""), request.POST.get("refresh_token", "")
        family = grants.family_of(code=code, refresh_token=refresh_token)
        if family:
            grants.lock(family)
        response: HttpResponse = super().post(request)
        if response.status_code == HTTPStatus.OK:
            grants.mark(family, json.loads(response.content), spent=refresh_token)
        elif family and json.loads(response.content).get("error") == "invalid_grant":
            grants.revoke(family)
        response["Cache-Control"] = "no-store"
        return response


@require_GET
def metadata(request: HttpRequest) -> JsonResponse:
    """OpenID Connect Discovery 1.0: what this provider can. For everybody."""
    base = settings.SITE_URL.rstrip("/")

    def at(name: str) -> str:
        return base + reverse(f"idp:oidc:{name}")

    methods = ["client_secret_basic", "client_secret_post"]
    response = JsonResponse(
        {
            "issuer": base,
            "authorization_endpoint": at("authorization"),
            "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"),
            "introspection_endpoint": at("introspect"),
            "revocation_endpoint": at("revoke"),
            "jwks_uri": at("jwks"),
            "scopes_supported": list(clients.SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [*methods, "none"],
            "introspection_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": list(assurance.ACR.values()),
            "claims_supported": ["sub", "acr", "auth_time", "name", "phone_number", "id_number"],
            "authorization_response_iss_parameter_supported": True,
        }
    )
    response["Access-Control-Allow-Origin"] = "*"
    return response


# The registry


@never_cache
@staff_required("client.manage")
@require_http_methods(["GET", "POST"])
def registry(request: HttpRequest) -> HttpResponse:
    """Systems that let people sign in here, within scope; registering one more. Needs client.manage."""
    account = account_of(request)
    if request.method == "GET":
        return _registry_page(request)
    values = {key: plain_line(request.POST.get(key, ""), 100) for key in ("name", "organisation")}
    given = request.POST.get("redirect_uris", "")[:2000]
    chosen = request.POST.getlist("scopes")
    try:
        party, secret = clients.register(
            account, values["name"], people.organisation(values["organisation"]), given, chosen,
            actor_of(account, request), public=request.POST.get("public") == "1",
        )  # fmt: skip
    except (Invalid, NotAllowed) as error:
        return _registry_page(request, error, {**values, "redirect_uris": given, "scopes": chosen})
    return _registry_page(request, secret=secret, made=party)


def _registry_page(
    request: HttpRequest, error: YiciError | None = None, values: dict[str, Any] | None = None, **more: Any
) -> HttpResponse:
    context = {
        "parties": clients.parties_for(account_of(request)), "values": values or {"scopes": ["profile"]},
        "scopes": {key: words for key, words in clients.SCOPES.items() if key != "openid"},
        "issuer": settings.SITE_URL.rstrip("/"), **told(error), **more,
    }  # fmt: skip
    return render(request, "trust/oidc_registry.html", context, status=error.status if error else 200)


@staff_required("client.manage")
@require_POST
def change(request: HttpRequest, client_id: str) -> HttpResponse:
    """A new secret, or an end, for one system. Needs client.manage over it."""
    account = account_of(request)
    party, actor = clients.party_for(account, client_id), actor_of(account, request)
    try:
        if request.POST.get("action") == "secret":
            return _registry_page(request, secret=clients.new_secret(party, actor), made=party)
        clients.withdraw(party, plain_line(request.POST.get("reason", ""), 200), actor)
    except Invalid as error:
        return _registry_page(request, Invalid(next(iter(error.fields.values()), str(error.message))))
    messages.success(request, _("已撤销，该系统即刻不能再登录。"))
    return redirect("oidc-registry")
