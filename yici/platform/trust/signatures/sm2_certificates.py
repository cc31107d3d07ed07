"""Certificates for SM2 keys (GM/T 0015): an authority of its own, kept in the software keystore.

Written with asn1crypto, since the usual library knows neither the curve nor the signature.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets

from asn1crypto import algos, core, keys, x509
from django.db import transaction

from yici.base import clock
from yici.platform.trust.models import SealedKey
from yici.platform.trust.signatures import sm2

__all__ = ["SIGNATURE_OID", "authority_der", "certificate_for", "is_signed_by", "pem_blocks"]

SIGNATURE_OID = "1.2.156.10197.1.501"  # SM2 with SM3, GM/T 0006
AUTHORITY_YEARS = 20
_LABEL = "sm2-people-authority"
_BACK = dt.timedelta(minutes=5)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_NAME = x509.Name.build({"country_name": "CN", "common_name": "City Personal Signature Authority SM2"})


def certificate_for(public: bytes, name: str, serial_subject: str, days: int) -> str:
    """PEM of a signing certificate and of the authority's. `public`: SubjectPublicKeyInfo (DER)."""
    authority = _authority_key()
    subject = x509.Name.build({"country_name": "CN", "common_name": name[:64], "serial_number": serial_subject})
    usage = {"digital_signature", "non_repudiation"}
    made = _signed(public, subject, dt.timedelta(days=days), usage, authority, is_authority=False)
    return _pem(made) + _pem(authority_der())


def authority_der() -> bytes:
    """The authority's own certificate, the same each time but for its signature: it is made from its key and name."""
    row = SealedKey.objects.filter(label=f"{_LABEL}-certificate").first()
    if row is None:
        authority = _authority_key()
        public = authority.public_key_info()
        days = dt.timedelta(days=365 * AUTHORITY_YEARS)
        made = _signed(public, _NAME, days, {"key_cert_sign", "crl_sign"}, authority, is_authority=True)
        row, _made = SealedKey.objects.get_or_create(
            label=f"{_LABEL}-certificate", defaults={"algorithm": "X.509", "material": made}
        )
    return bytes(row.material)


def is_signed_by(certificate: bytes, authority: bytes) -> bool:
    """Whether a certificate (DER) bears a good SM2 signature of an authority (DER)."""
    read, above = x509.Certificate.load(certificate), x509.Certificate.load(authority)
    public = above["tbs_certificate"]["subject_public_key_info"].dump()
    return sm2.verify_digest(public, sm2.digest(public, read["tbs_certificate"].dump()), read["signature_value"].native)


def pem_blocks(text: str) -> list[bytes]:
    """Every certificate of a PEM text (DER), in order."""
    return [base64.b64decode(block) for block in _PEM.findall(text)]


@transaction.atomic
def _authority_key() -> sm2.PrivateKey:
    row = SealedKey.objects.filter(label=_LABEL).first()
    if row is None:
        made = sm2.PrivateKey.generate().pkcs8()
        row, _made = SealedKey.objects.get_or_create(label=_LABEL, defaults={"algorithm": "SM2", "material": made})
        row.refresh_from_db()
    return sm2.PrivateKey.load(row.material)


def _signed(
    public: bytes,
    subject: x509.Name,
    life: dt.timedelta,
    usage: set[str],
    authority: sm2.PrivateKey,
    *,
    is_authority: bool,
) -> bytes:
    now = clock.physical().replace(microsecond=0)
    above = authority.public_key_info()
    algorithm = algos.SignedDigestAlgorithm({"algorithm": SIGNATURE_OID})
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(120) | 1,
            "signature": algorithm,
            "issuer": _NAME,
            "validity": {"not_before": _time(now - _BACK), "not_after": _time(now + life)},
            "subject": subject,
            "subject_public_key_info": keys.PublicKeyInfo.load(public),
            "extensions": [
                {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": is_authority}},
                {"extn_id": "key_usage", "critical": True, "extn_value": usage},
                {"extn_id": "key_identifier", "extn_value": keys.PublicKeyInfo.load(public).sha1},
                {
                    "extn_id": "authority_key_identifier",
                    "extn_value": {"key_identifier": keys.PublicKeyInfo.load(above).sha1},
                },
            ],
        }
    )
    signature = authority.sign_digest(sm2.digest(above, body.dump()))
    made = x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": algorithm,
            "signature_value": core.OctetBitString(signature),
        }
    )
    return bytes(made.dump())


def _time(moment: dt.datetime) -> x509.Time:
    """RFC 5280 §4.1.2.5: UTCTime until 2049."""
    kind = "utc_time" if moment.year < 2050 else "general_time"
    return x509.Time({kind: moment})


def _pem(der: bytes) -> str:
    lines = re.findall(".{1,64}", base64.b64encode(der).decode("ascii"))
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(lines) + "\n-----END CERTIFICATE-----\n"
