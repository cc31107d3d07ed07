"""The revocation list of people's signing certificates (X.509 CRL v2, RFC 5280 §5), made afresh when asked for."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from yici.base import clock
from yici.platform.trust.models import SigningKey
from yici.platform.trust.signatures import issuing
from yici.platform.trust.signatures.keystore import P256

__all__ = ["LIFE", "MEDIA_TYPE", "revocation_list"]

MEDIA_TYPE = "application/pkix-crl"
LIFE = dt.timedelta(days=1)
_BACK = dt.timedelta(minutes=5)


def revocation_list() -> bytes:
    """DER. Revoked certificates stay on it until they would have expired; replaced ones are not on it."""
    authority = issuing.issuer()
    now = clock.physical().replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _BACK)
        .next_update(now + LIFE)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    revoked = SigningKey.objects.filter(state=SigningKey.State.REVOKED, algorithm=P256, valid_to__gt=now)
    for certificate, at in revoked.order_by("pk").values_list("certificate", "ended_at"):
        entry = x509.RevokedCertificateBuilder().serial_number(_serial(certificate)).revocation_date(at or now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@lru_cache(maxsize=10_000)
def _serial(certificate: str) -> int:
    return x509.load_pem_x509_certificate(certificate.encode("ascii")).serial_number
