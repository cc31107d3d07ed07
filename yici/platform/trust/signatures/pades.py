"""PAdES signatures by people (ETSI EN 319 142-1, level B-T): incremental, time-stamped, by a key of the keystore.

The signature itself is put in by `signatures.stamping`: leave is asked for when the bytes that it covers are known.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from asn1crypto import x509 as asn1_x509
from django.utils.translation import gettext as _
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from yici.base.errors import Invalid
from yici.platform.trust.models import SigningAuthorisation, SigningKey
from yici.platform.trust.signatures import authorising, keys, stamping

__all__ = ["MOST_PAGES", "Signed", "page_count", "sign"]

MOST_PAGES = 100


@dataclass(frozen=True)
class Signed:
    """A document with one more signature. `sha256` is of the whole file as it left this signature."""

    content: bytes
    sha256: str
    authorisation: SigningAuthorisation


def page_count(pdf: bytes) -> int:
    """Pages of a document that may be signed. Raises `Invalid` with the reason for any other."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        if reader.encrypted:
            raise Invalid(_("这份 PDF 加了密码，请去掉密码后再上传。"))
        if reader.embedded_signatures:
            raise Invalid(_("这份 PDF 已经有电子签名，请上传没有签过的原件。"))
        pages = int(reader.root["/Pages"]["/Count"])
    except Invalid:
        raise
    except Exception:
        raise Invalid(_("这份文件不是完整的 PDF，请用办公软件重新导出后再上传。")) from None
    if not 0 < pages <= MOST_PAGES:
        raise Invalid(_("文件应为 1 到 %(most)s 页。") % {"most": MOST_PAGES})
    return pages


def sign(pdf: bytes, key: SigningKey, assertion_token: str, *, field: str, reason: str, place: str = "") -> Signed:
    """Add one signature. In the caller's transaction, which an exception must end.

    Raises what `authorising` raises, `ClockWrong`, and `Invalid` for a file that cannot be signed.
    """
    signer, chain = _certificates(key)
    metadata = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        name=key.person.name,
        reason=reason,
        location=place or None,
    )
    given: list[SigningAuthorisation] = []

    def signature_over(covered: bytes) -> bytes:
        digest = hashlib.sha256(covered).digest()
        sad, authorisation = authorising.authorise(key, [digest], assertion_token, reason)
        given.append(authorisation)
        [signature] = authorising.redeem(key, sad, [digest])
        return signature

    content = stamping.sign_pdf(pdf, metadata, signer, chain, signature_over)
    [authorisation] = given
    authorisation.refresh_from_db()
    return Signed(content, hashlib.sha256(content).hexdigest(), authorisation)


def _certificates(key: SigningKey) -> tuple[asn1_x509.Certificate, SimpleCertificateStore]:
    loaded = [asn1_x509.Certificate.load(der) for der in keys.certificates_der(key)]
    store = SimpleCertificateStore()
    store.register_multiple(loaded[1:])
    return loaded[0], store
