"""The evidence package of an envelope: everything a stranger needs to judge it offline, sealed and stamped.

A zip of the document before and after, the record (who, assurance, when, which hash, which key), the events, every
certificate, the revocation list, and the script that checks them (`evidence_check`, put in as `verify.py`). The list
of all files with their hashes is sealed by the city's document-signing key and time-stamped.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from yici.base import clock
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.platform.trust.authority import key_files
from yici.platform.trust.models import Envelope, EnvelopeEvent, EnvelopeSigner
from yici.platform.trust.signatures import evidence_check, issuing, revocation, timestamping

__all__ = ["package", "roots"]

README = """签署证据包

这个压缩包可以离线核验，不需要联网，也不需要本市的系统。需要 Python 3.9 以上和 openssl：

    python3 verify.py 证据包.zip --city-root city.crt --people-root people.crt

两张根证书公布在本市政务服务网 /trust/city.crt 和 /trust/people.crt。不写时信任包内的根证书，并显示它们的 SHA-256，请与公布的核对。

document.pdf     签署完成的文件        original.pdf   签署前的文件
evidence.json    签署人、身份核验、时间、摘要、密钥、事件
certificates/    签署人的证书及其上级    roots/         根证书
people.crl       签署完成时的吊销列表    manifest.*     清单、清单的签章和时间戳
"""


def package(envelope: Envelope) -> bytes:
    """The zip, for an envelope that everybody has signed. In the caller's transaction. Raises `ClockWrong`."""
    signers = list(
        envelope.signers.select_related("person", "key", "authorisation__assertion").order_by("signed_at", "pk")
    )
    content: dict[str, bytes] = {
        "README.txt": README.encode(),
        "verify.py": Path(evidence_check.__file__).read_bytes(),
        "original.pdf": _bytes(envelope.original),
        "document.pdf": _bytes(envelope.current),
        "people.crl": revocation.revocation_list(),
    }
    city, people = roots()
    content |= {evidence_check.CITY: city, evidence_check.PEOPLE: people}
    for signer in signers:
        if signer.key:
            content[_certificate_name(signer)] = signer.key.certificate.encode("ascii")
    content["evidence.json"] = _json(_record(envelope, signers))
    listed = _json({"files": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(content.items())}})
    stamp = timestamping.token_for(hashlib.sha256(listed).digest())
    content |= {
        evidence_check.MANIFEST: listed,
        evidence_check.SEAL: _sealed(listed),
        evidence_check.STAMP: stamp.dump(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return out.getvalue()


def roots() -> tuple[bytes, bytes]:
    """Certificates (PEM) that evidence rests on, published: the city's root for the package, the people's authority for
    signatures and time stamps."""
    people = issuing.issuer().certificate.public_bytes(serialization.Encoding.PEM)
    return key_files().root_certificate.read_bytes(), people


def _record(envelope: Envelope, signers: list[EnvelopeSigner]) -> dict[str, Any]:
    return {
        "number": envelope.number,
        "title": envelope.title,
        "case_number": envelope.case_number,
        "created_by": envelope.created_by.name,
        "created_at": envelope.created_at.isoformat(),
        "completed_at": clock.now().isoformat(),
        "original_sha256": envelope.original.sha256,
        "document_sha256": envelope.current.sha256,
        "signers": [_signer(signer) for signer in signers],
        "events": [_event(event) for event in envelope.events.select_related("person")],
    }


def _signer(signer: EnvelopeSigner) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": signer.person.name,
        "role": signer.role,
        "order": signer.order,
        "state": signer.state,
        "reason": signer.reason,
    }
    if signer.key is None or signer.authorisation is None:
        return told
    proof = signer.authorisation.assertion
    return told | {
        "assurance": proof.level,
        "method": proof.get_method_display(),
        "proven_at": proof.made_at.isoformat(),
        "authorised_at": signer.authorisation.created_at.isoformat(),
        "authorised_hashes": signer.authorisation.hashes,
        "signed_at": signer.signed_at.isoformat() if signer.signed_at else "",
        "document_sha256": signer.document_hash,
        "credential": signer.key.credential_id,
        "keystore": signer.key.keystore,
        "certificate": _certificate_name(signer),
    }


def _event(event: EnvelopeEvent) -> dict[str, str]:
    return {
        "at": event.at.isoformat(),
        "kind": event.kind,
        "label": str(event.get_kind_display()),
        "by": event.actor_name,
        "whom": event.person.name if event.person else "",
        "detail": event.detail,
    }


def _certificate_name(signer: EnvelopeSigner) -> str:
    return f"certificates/{signer.pk}.pem"


def _bytes(stored: StoredFile) -> bytes:
    with files.open_file(stored) as stream:
        return stream.read()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _sealed(content: bytes) -> bytes:
    """A detached CMS signature (DER) by the city's document-signing key."""
    where = key_files()
    key = serialization.load_pem_private_key(where.signer_key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(where.signer_certificate.read_bytes())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)
