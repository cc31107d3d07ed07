"""PAdES signatures (ETSI EN 319 142-1, level B-T): putting one on a certificate, and judging one on any file."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from yici.platform.trust import rules
from yici.platform.trust.authority import KeyFiles, key_files
from yici.platform.trust.making import keys
from yici.platform.trust.signatures import issuing, stamping

FIELD = "CitySeal"
SEALS_READ = 20  # identifiers looked up of one foreign file
_IDENTIFIER = re.compile(re.escape(rules.PREFIX.encode()) + rb"[.0-9A-Z]{1,100}")


@lru_cache(maxsize=2)
def _certificates(files: KeyFiles) -> tuple[Any, SimpleCertificateStore]:
    chain = SimpleCertificateStore()
    chain.register(load_cert_from_pemder(str(files.root_certificate)))
    return load_cert_from_pemder(str(files.signer_certificate)), chain


@lru_cache(maxsize=2)
def _roots(files: KeyFiles) -> tuple[Any, ...]:
    return (load_cert_from_pemder(str(files.root_certificate)),)


def _time_stamp_roots() -> list[Any]:
    return [asn1_x509.Certificate.load(issuing.stamper().issuer.public_bytes(serialization.Encoding.DER))]


def sign(pdf: bytes, *, identifier: str, issuer: str) -> bytes:
    """The file with an invisible signature over all of it, time-stamped; the identifier stands in the signed dictionary.

    Raises `ClockWrong`: what has no time has no signature.
    """
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        name=issuer,
        reason=identifier,
    )
    certificate, chain = _certificates(key_files())
    return stamping.sign_pdf(pdf, metadata, certificate, chain, keys.sign)


@dataclass(frozen=True)
class Judgement:
    """What cryptography says of a file. `identifier` is empty unless the signature holds."""

    outcome: str  # "intact", "altered", "unsigned", "foreign", "unreadable"
    identifier: str = ""


@dataclass(frozen=True)
class Seal:
    """What stands on a PDF, seen without unpacking it. `is_ours`: the city's root certificate is in a signature."""

    is_signed: bool
    is_ours: bool
    identifiers: tuple[str, ...]


@lru_cache(maxsize=2)
def _root_as_written(files: KeyFiles) -> bytes:
    """The city's root certificate as it stands in every signature: hexadecimal DER."""
    certificate: bytes = _roots(files)[0].dump()
    return certificate.hex().encode()


def seal_on(content: bytes) -> Seal | None:
    """A look at the bytes alone, in time linear in their number; None for what is no PDF. Proves nothing."""
    if not content.startswith(b"%PDF-") or b"startxref" not in content:
        return None
    found = {match.decode() for match in _IDENTIFIER.findall(content)}
    return Seal(
        b"/ByteRange" in content, _root_as_written(key_files()) in content.lower(), tuple(sorted(found))[:SEALS_READ]
    )


def judge(content: bytes) -> Judgement:
    """Is this a file that the city signed, whole and unchanged? Never raises.

    Unpacks what it is given: only for bytes that the library knows, see `queries.verify_file`.
    """
    if not content.startswith(b"%PDF-"):
        return Judgement("unreadable")
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=True)
        signatures = reader.embedded_signatures
    except Exception:
        return Judgement("altered" if rules.PREFIX.encode() in content else "unreadable")
    if len(signatures) != 1:
        return Judgement("altered" if signatures else "unsigned")
    try:
        return _judge_signature(signatures[0])
    except Exception:
        return Judgement("altered")


def _judge_signature(signature: Any) -> Judgement:
    context = ValidationContext(trust_roots=list(_roots(key_files())), allow_fetching=False)
    stamps = ValidationContext(trust_roots=_time_stamp_roots(), allow_fetching=False)
    status = validate_pdf_signature(signature, context, ts_validation_context=stamps)
    if not (status.intact and status.valid) or status.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        return Judgement("altered")
    if not status.trusted:
        return Judgement("foreign")
    if not status.bottom_line:
        return Judgement("altered")
    return Judgement("intact", str(signature.sig_object.get("/Reason", "")))
