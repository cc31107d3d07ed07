"""A PDF signature with a time stamp of the city's own service (PAdES B-T), by whatever signs bytes.

In two halves: the document is prepared and the bytes that the signature covers are known; then they are signed, the
signature is stamped, and both are put in.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from asn1crypto import cms, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import CertificateStore

from yici.platform.trust.signatures import timestamping

__all__ = ["sign_pdf"]

_RESERVED = 16_384  # hexadecimal digits for the CMS object: chain of two, time stamp with its chain: about 9,000
_PLACEHOLDER = 72  # bytes of the longest P-256 signature
_T = TypeVar("_T")


class _Given(TimeStamper):  # type: ignore[misc]
    """A time stamp that was made before: pyHanko asks within an event loop, where no database may be read."""

    def __init__(self, token: cms.ContentInfo) -> None:
        super().__init__()
        self._token = token

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        return self._token


def sign_pdf(
    pdf: bytes,
    metadata: signers.PdfSignatureMetadata,
    certificate: x509.Certificate,
    chain: CertificateStore,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """The document with one more signature, incremental. `sign`: the signed attributes → an ECDSA signature over them.

    Raises `ClockWrong`.
    """
    outline = signers.ExternalSigner(certificate, chain, signature_value=bytes(_PLACEHOLDER))
    prepared, output, attributes = _run(_prepare(pdf, metadata, outline))
    signature = sign(attributes.dump())
    token = timestamping.token_for(hashlib.sha256(signature).digest())
    final = signers.ExternalSigner(certificate, chain, signature_value=signature)
    prepared.fill_with_cms(output, _run(_package(final, attributes, token)))
    return output.getvalue()


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` without its signal handler, which in a main thread writes out the task with all it was given: a fifth
    of a signature."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def _prepare(pdf: bytes, metadata: Any, outline: Any) -> tuple[Any, io.BytesIO, cms.CMSAttributes]:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=True)
    output = io.BytesIO()
    prepared, _document, _output = await signers.PdfSigner(metadata, outline).async_digest_doc_for_signing(
        writer, bytes_reserved=_RESERVED, output=output
    )
    attributes = await outline.signed_attrs(prepared.document_digest, "sha256", use_pades=True)
    return prepared, output, attributes


async def _package(signer: Any, attributes: cms.CMSAttributes, token: cms.ContentInfo) -> cms.ContentInfo:
    return await signer.async_sign_prescribed_attributes("sha256", attributes, timestamper=_Given(token))
