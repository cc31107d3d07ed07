"""The endpoints: each for the person whose bearer token comes with it, and for her own keys alone; `info` is public.

A proof of identity (`identity.assertions`) goes into `OTP` of `credentials/authorize`; the authorisation it gives is
good for those hashes and once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from asn1crypto import x509
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yici.base.errors import Invalid, YiciError
from yici.base.requests import whole_number
from yici.core.people.models import Account, Person
from yici.core.people.services import resolve_token
from yici.platform.trust.identity.assertions import AssertionRefused
from yici.platform.trust.models import SigningKey
from yici.platform.trust.signatures import authorising, keys, keystore, timestamping
from yici.platform.trust.signatures.csc.rules import ALGORITHMS, SHA256, CscError, hashes_of, optional_text, text
from yici.platform.trust.signatures.errors import AuthorisationRefused, ClockWrong, KeyNotUsable
from yici.platform.trust.signatures.keystore import DIGEST_BYTES

SPECS = "1.0.4.0"
LONGEST_BODY = 64 * 1024  # bytes
PAGE = 100  # credentials
METHODS = [
    "credentials/list",
    "credentials/info",
    "credentials/authorize",
    "signatures/signHash",
    "signatures/timestamp",
]
_STATUS = {"active": "valid", "suspended": "suspended", "revoked": "revoked", "rotated": "revoked"}

Body = dict[str, Any]
Endpoint = Callable[[Body, Person], Body]


def endpoint(view: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """JSON in, JSON out, a bearer token of a citizen; refusals as the specification words them."""

    @csrf_exempt
    @never_cache
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(view(_body(request), _person(request)))
        except CscError as error:
            return _refused(error)
        except AuthorisationRefused as error:
            return _refused(CscError(_SAD.get(error.reason, "Invalid parameter SAD")))
        except AssertionRefused as error:
            return _refused(CscError(f"The OTP is invalid: {error.reason}", "invalid_otp"))
        except KeyNotUsable:
            return _refused(CscError("Credential is disabled or expired"))
        except ClockWrong as error:
            return _refused(CscError(str(error.message), "server_error", 503))

    return answer


_SAD = {"other_hash": "Hash is not authorized by the SAD", "expired": "SAD expired"}


def _refused(error: CscError) -> JsonResponse:
    response = JsonResponse({"error": error.error, "error_description": error.description}, status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def _body(request: HttpRequest) -> Body:
    if len(request.body) > LONGEST_BODY:
        raise CscError("Request is too large", status=413)
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise CscError("The request is no JSON") from None
    if not isinstance(body, dict):
        raise CscError("The request is no JSON object")
    return body


def _person(request: HttpRequest) -> Person:
    header = request.headers.get("Authorization", "")
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CscError("Malformed authorization header", status=400 if header else 401)
    found = resolve_token(token.strip())
    if found is None:
        raise CscError("The access token is invalid or expired", "invalid_token", 401)
    account = found[0]
    if account.kind != Account.Kind.CITIZEN or account.person is None:
        raise CscError("The account has no credentials of its own", "access_denied", 403)
    return account.person


@csrf_exempt
@require_POST
def info(request: HttpRequest) -> HttpResponse:
    """About the service (§11.1). Public. Its description says what the keys are kept in."""
    try:
        optional_text(_body(request), "lang")
    except CscError as error:
        return _refused(error)
    try:
        kept = keystore.for_new_key().description
    except YiciError as error:
        kept = str(error.message)
    return JsonResponse(
        {
            "specs": SPECS,
            "name": _("城市云签名服务"),
            "logo": request.build_absolute_uri("/static/mark.svg"),
            "region": "CN",
            "lang": "zh-CN",
            "description": _("无介质电子签名。签名密钥：%(kept)s。") % {"kept": kept},
            "authType": ["external"],
            "methods": METHODS,
        }
    )


@endpoint
def credentials_list(body: Body, person: Person) -> Body:
    """The person's own credentials (§11.4). The token says who she is, so `userID` may be left out."""
    if "userID" in body and body["userID"] is not None:
        raise CscError("userID parameter MUST be null")
    most = body.get("maxResults", PAGE)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise CscError("Invalid parameter maxResults")
    after = optional_text(body, "pageToken")
    start = whole_number(after or "0", -1, digits=18)
    if start < 0:
        raise CscError("Invalid parameter pageToken")
    most = min(most, PAGE)
    rows = SigningKey.objects.filter(person=person, pk__gt=start).order_by("pk")
    listed = list(rows.values_list("pk", "credential_id")[: most + 1])
    answer: Body = {"credentialIDs": [credential for _pk, credential in listed[:most]]}
    if len(listed) > most:
        answer["nextPageToken"] = str(listed[most - 1][0])
    return answer


@endpoint
def credentials_info(body: Body, person: Person) -> Body:
    """One credential (§11.5)."""
    key = _key(body, person)
    wanted = optional_text(body, "certificates", ("none", "single", "chain")) or "single"
    chain = keys.certificates_der(key)
    own = x509.Certificate.load(chain[0])
    given = {"none": [], "single": chain[:1], "chain": chain}[wanted]
    status = "expired" if key.state == SigningKey.State.ACTIVE and not keys.is_usable(key) else _STATUS[key.state]
    certificate: Body = {"status": status}
    if given:
        certificate["certificates"] = [base64.b64encode(der).decode("ascii") for der in given]
    if body.get("certInfo") is True:
        certificate |= {
            "issuerDN": own.issuer.human_friendly,
            "serialNumber": f"{own.serial_number:x}",
            "subjectDN": own.subject.human_friendly,
            "validFrom": own.not_valid_before.strftime("%Y%m%d%H%M%SZ"),
            "validTo": own.not_valid_after.strftime("%Y%m%d%H%M%SZ"),
        }
    answer: Body = {
        "description": keystore.named(key.keystore).description,
        "key": {
            "status": "enabled" if keys.is_usable(key) else "disabled",
            "algo": [ALGORITHMS[key.algorithm][0]],
            "len": 256,
            "curve": {"P-256": "1.2.840.10045.3.1.7", "SM2": "1.2.156.10197.1.301"}[key.algorithm],
        },
        "cert": certificate,
        "authMode": "explicit",
        "SCAL": "2",
        "multisign": authorising.MOST,
        "lang": "zh-CN",
    }
    if body.get("authInfo") is True:
        answer["PIN"] = {"presence": "false"}
        answer["OTP"] = {
            "presence": "true",
            "type": "online",
            "format": "A",
            "label": _("身份核验"),
            "description": _("核验身份后得到的一次性凭证"),
            "provider": "identity",
        }
    return answer


@endpoint
def credentials_authorize(body: Body, person: Person) -> Body:
    """Leave to sign these hashes (§11.6): `OTP` is the proof of identity."""
    key = _key(body, person)
    number = body.get("numSignatures")
    if not isinstance(number, int) or isinstance(number, bool):
        raise CscError("Missing (or invalid type) integer parameter numSignatures")
    digests = hashes_of(body, DIGEST_BYTES)
    if not 0 < number <= authorising.MOST or number != len(digests):
        raise CscError("Invalid parameter numSignatures")
    token = text(body, "OTP")
    try:
        sad, _row = authorising.authorise(key, digests, token, optional_text(body, "description"))
    except Invalid:
        raise CscError("Invalid parameter hash") from None
    return {"SAD": sad, "expiresIn": int(authorising.LIFE.total_seconds())}


@endpoint
def sign_hash(body: Body, person: Person) -> Body:
    """Signatures over the authorised hashes (§11.9), Ecdsa-Sig-Value (DER) each."""
    sad = text(body, "SAD")
    key = _key(body, person)
    algorithm, hash_algorithm = ALGORITHMS[key.algorithm]
    digests = hashes_of(body, DIGEST_BYTES)
    if text(body, "signAlgo") != algorithm:
        raise CscError("Invalid parameter signAlgo")
    optional_text(body, "hashAlgo", (hash_algorithm,))
    signatures = authorising.redeem(key, sad, digests)
    return {"signatures": [base64.b64encode(signature).decode("ascii") for signature in signatures]}


@endpoint
def timestamp(body: Body, person: Person) -> Body:
    """An RFC 3161 token over one hash (§11.10)."""
    given, algorithm = text(body, "hash"), text(body, "hashAlgo")
    if algorithm != SHA256:
        raise CscError("Invalid parameter hashAlgo")
    nonce = optional_text(body, "nonce")
    try:
        number = int(nonce, 16) if nonce else None
    except ValueError:
        raise CscError("Invalid parameter nonce") from None
    if number is not None and not 0 <= number < 2**128:
        raise CscError("Invalid parameter nonce")
    try:
        digest = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise CscError("Invalid Base64 hash string parameter") from None
    if len(digest) != DIGEST_BYTES:
        raise CscError("Invalid digest value length")
    token = timestamping.token_for(digest, "sha256", number)
    return {"timestamp": base64.b64encode(token.dump()).decode("ascii")}


def _key(body: Body, person: Person) -> SigningKey:
    """One of the person's own; another person's is as unknown as none."""
    identifier = text(body, "credentialID")
    key = SigningKey.objects.select_related("person").filter(credential_id=identifier[:64], person=person).first()
    if key is None:
        raise CscError("Invalid parameter credentialID")
    return key
