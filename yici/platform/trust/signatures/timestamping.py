"""Time stamps by RFC 3161: that a document existed at a moment, signed by the city's time-stamp service.

Gives the whole DER response for a DER request. What it stamps is recorded; a nonce of the client comes back; an
algorithm that no longer protects is refused with the failure the standard names.
"""

from __future__ import annotations

import datetime as dt

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yici.base import clock
from yici.platform.trust.models import TimeStamp
from yici.platform.trust.signatures import issuing
from yici.platform.trust.signatures.errors import ClockWrong

__all__ = ["MEDIA_TYPE", "POLICY", "respond", "token_for"]

MEDIA_TYPE = "application/timestamp-reply"
POLICY = "1.2.156.3005.2.9.1"  # the city's time-stamp policy
_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64, "sha3_256": 32}
_LONGEST = 10_000  # bytes of a request
_FAILURES = ("bad_alg", "bad_data_format", "unaccepted_policy", "unaccepted_extension", "time_not_available")
_LEEWAY = dt.timedelta(seconds=2)  # between two machines that stamp


def respond(request: bytes) -> bytes:
    """DER TimeStampResp. Never raises for what a client sent: the answer says what was wrong."""
    try:
        asked = tsp.TimeStampReq.load(request[:_LONGEST], strict=True)
        imprint = asked["message_imprint"]
        algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
        digest = bytes(imprint["hashed_message"].native)
        policy, nonce = asked["req_policy"].native, asked["nonce"].native
        extensions = asked["extensions"].native
    except (ValueError, TypeError, KeyError):
        return _refusal("bad_data_format")
    if algorithm not in _LENGTHS:
        return _refusal("bad_alg")
    if len(digest) != _LENGTHS[algorithm]:
        return _refusal("bad_data_format")
    if policy and policy != POLICY:
        return _refusal("unaccepted_policy")
    if extensions:
        return _refusal("unaccepted_extension")
    try:
        token = token_for(digest, algorithm, nonce, bool(asked["cert_req"].native))
    except ClockWrong:
        return _refusal("time_not_available")
    status = tsp.PKIStatusInfo({"status": "granted"})
    return bytes(tsp.TimeStampResp({"status": status, "time_stamp_token": token}).dump())


def token_for(
    digest: bytes, algorithm: str = "sha256", nonce: int | None = None, with_certificates: bool = True
) -> cms.ContentInfo:
    """A time-stamp token over a digest. Physical time in UTC, to the second; the row's number is its serial number.

    Raises `ClockWrong` where the clock is before the newest stamp or outside the service's own certificate.
    """
    now = clock.physical().replace(microsecond=0)
    _demand_time(now)
    row = TimeStamp.objects.create(imprint=digest, algorithm=algorithm, at=now)
    stamper = issuing.stamper()
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest},
            "serial_number": row.pk,
            "gen_time": now,
            "accuracy": {"seconds": 1},
            **({"nonce": nonce} if nonce is not None else {}),
        }
    )
    return _signed(info, stamper, now, with_certificates)


def _demand_time(now: dt.datetime) -> None:
    newest = TimeStamp.objects.order_by("-pk").values_list("at", flat=True).first()
    certificate = issuing.stamper().certificate
    if newest is not None and newest > now + _LEEWAY:
        raise ClockWrong()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ClockWrong()


def _signed(info: tsp.TSTInfo, stamper: issuing.Stamper, now: dt.datetime, with_certificates: bool) -> cms.ContentInfo:
    own = x509.Certificate.load(stamper.certificate.public_bytes(serialization.Encoding.DER))
    above = x509.Certificate.load(stamper.issuer.public_bytes(serialization.Encoding.DER))
    content = info.dump()
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("signing_time", cms.Time({"utc_time": now})),
            _attribute("message_digest", _sha256(content)),
            _attribute("signing_certificate_v2", {"certs": [{"cert_hash": _sha256(own.dump())}]}),
        ]
    )
    signature = stamper.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}}
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
    )
    body: dict[str, object] = {
        "version": "v3",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
        "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
        "signer_infos": [signer],
    }
    if with_certificates:
        body["certificates"] = [own, above]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(body)})


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def _refusal(failure: str) -> bytes:
    assert failure in _FAILURES
    status = tsp.PKIStatusInfo({"status": "rejection", "fail_info": {failure}})
    return bytes(_Refusal({"status": status}).dump())


class _Refusal(core.Sequence):
    """TimeStampResp without a token, RFC 3161 §2.4.2; the library's own demands one."""

    _fields = [("status", tsp.PKIStatusInfo)]
