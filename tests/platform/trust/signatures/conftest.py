"""A person with a signing key, a proof of her identity, a document, and judges that nobody here wrote."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typst
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from yici.core.audit import services as audit
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import Assertion, SigningKey
from yici.platform.trust.signatures import issuing, keys, revocation


@pytest.fixture
def signer(demo: Any) -> Any:
    """The account of who signs."""
    return demo.restaurateur


@pytest.fixture
def key(signer: Any) -> SigningKey:
    return keys.ensure_key(signer.person, audit.SYSTEM)


@pytest.fixture
def prove() -> Callable[..., str]:
    """`prove(person)`: the token of a fresh proof of identity by face."""

    def _prove(person: Any, level: int = assertions.FACE) -> str:
        return assertions.record(person, level, Assertion.Method.FACE)

    return _prove


@pytest.fixture(scope="session")
def document() -> bytes:
    """A PDF of two pages, as somebody would upload it."""
    text = "= Articles of association\n" + "The shareholders agree. " * 40 + "\n#pagebreak()\n= Shares\nHalf each."
    made = typst.Compiler(text.encode()).compile(format="pdf")
    assert isinstance(made, bytes)
    return made


def root_pem() -> bytes:
    return issuing.issuer().certificate.public_bytes(serialization.Encoding.PEM)


def judged(pdf: bytes) -> list[Any]:
    """pyHanko's verdict on every signature, trusting the people's authority only and demanding its revocation list."""
    root = asn1_x509.Certificate.load(issuing.issuer().certificate.public_bytes(serialization.Encoding.DER))
    context = ValidationContext(
        trust_roots=[root], allow_fetching=False, crls=[revocation.revocation_list()], revocation_mode="hard-fail"
    )
    stamps = ValidationContext(trust_roots=[root], allow_fetching=False)
    return [
        validate_pdf_signature(one, context, ts_validation_context=stamps)
        for one in PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    ]


def pdfsig(pdf: bytes, folder: Path) -> str:
    """What poppler says; it knows no root of ours, so it judges the mathematics and what is covered."""
    (folder / "judged.pdf").write_bytes(pdf)
    command = ["pdfsig", "-nocert", "judged.pdf"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def openssl_judges(pdf: bytes, folder: Path) -> list[bool]:
    """Whether openssl verifies each signature's CMS over the bytes it covers, with the authority's root."""
    (folder / "root.crt").write_bytes(root_pem())
    verdicts = []
    for one in PdfFileReader(io.BytesIO(pdf)).embedded_signatures:
        first, length, second, rest = (int(part) for part in one.byte_range)
        (folder / "covered").write_bytes(pdf[first : first + length] + pdf[second : second + rest])
        (folder / "signature").write_bytes(bytes(one.pkcs7_content))
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "covered"]
        done = subprocess.run(
            [*command, "-CAfile", "root.crt", "-purpose", "any", "-out", "out"],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        verdicts.append(done.returncode == 0)
    return verdicts
