"""Packing an OFD file: a zip of XML parts, each under an SM3 reference, the references under one seal."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import uuid
import zipfile
from xml.sax.saxutils import escape, quoteattr

from yici.platform.trust.ofd.drawing import FONTS, HEIGHT, WIDTH, draw
from yici.platform.trust.ofd.sealing import Sealer
from yici.platform.trust.rendering import Sheet

__all__ = ["MEDIA_TYPE", "SIGNATURE", "SIGNATURES", "VALUE", "pack"]

MEDIA_TYPE = "application/ofd"
SIGNATURES = "Doc_0/Signs/Signatures.xml"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
_WORTH_PACKING = 3000  # bytes; below that, starting to compress takes longer than it saves
_SM3 = "1.2.156.10197.1.401"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_PROVIDER = 'ProviderName="Yici" Version="1.0" Company="Yici"'

_DOCUMENT = f"""{_HEAD}<ofd:Document {_SPACE}><ofd:CommonData><ofd:MaxUnitID>100000</ofd:MaxUnitID>\
<ofd:PageArea><ofd:PhysicalBox>0 0 {WIDTH} {HEIGHT}</ofd:PhysicalBox></ofd:PageArea>\
<ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>\
<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>"""
_RESOURCES = f"""{_HEAD}<ofd:Res {_SPACE} BaseLoc="Res"><ofd:Fonts>\
{"".join(f'<ofd:Font ID="{number}" FontName="{name}" FamilyName="{name}"/>' for number, name in FONTS.items())}\
</ofd:Fonts></ofd:Res>"""
_LIST = f"""{_HEAD}<ofd:Signatures {_SPACE}><ofd:MaxSignId>1</ofd:MaxSignId>\
<ofd:Signature ID="1" Type="Sign" BaseLoc="/{SIGNATURE}"/></ofd:Signatures>"""
_FIXED = {"Doc_0/Document.xml": _DOCUMENT.encode(), "Doc_0/PublicRes.xml": _RESOURCES.encode()}


def _check_value(content: bytes) -> str:
    return base64.b64encode(hashlib.new("sm3", content).digest()).decode()


_FIXED_VALUES = {name: _check_value(content) for name, content in _FIXED.items()}


def pack(sheet: Sheet, sealer: Sealer, moment: dt.datetime) -> bytes:
    """One page, sealed. `moment`: aware; the seal's time. The identifier stands under the seal."""
    content = (
        f"{_HEAD}<ofd:Page {_SPACE}><ofd:Area><ofd:PhysicalBox>0 0 {WIDTH} {HEIGHT}</ofd:PhysicalBox></ofd:Area>"
        f'<ofd:Content><ofd:Layer ID="4" Type="Body">{draw(sheet)}</ofd:Layer></ofd:Content></ofd:Page>'
    )
    parts = {"OFD.xml": _entrance(sheet, moment), **_FIXED, "Doc_0/Pages/Page_0/Content.xml": content.encode()}
    signature = _signature(sheet.identifier, parts, sealer.method, moment)
    parts[SIGNATURES] = _LIST.encode()
    parts[SIGNATURE] = signature
    parts[VALUE] = sealer.seal(signature)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compresslevel=1) as archive:
        for name, part in parts.items():
            method = zipfile.ZIP_DEFLATED if len(part) > _WORTH_PACKING else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), part, method)
    return out.getvalue()


def _entrance(sheet: Sheet, moment: dt.datetime) -> bytes:
    custom = {"identifier": sheet.identifier, "number": sheet.number, "checkCode": sheet.check_code}
    data = "".join(
        f"<ofd:CustomData Name={quoteattr(name)}>{escape(value)}</ofd:CustomData>" for name, value in custom.items()
    )
    return (
        f'{_HEAD}<ofd:OFD {_SPACE} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{uuid.uuid5(uuid.NAMESPACE_OID, sheet.identifier).hex}</ofd:DocID>"
        f"<ofd:Title>{escape(sheet.title)}</ofd:Title><ofd:Author>{escape(sheet.issuer)}</ofd:Author>"
        f"<ofd:CreationDate>{moment:%Y-%m-%d}</ofd:CreationDate><ofd:Creator>Yici</ofd:Creator>"
        f"<ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
        f"<ofd:Signatures>{SIGNATURES}</ofd:Signatures></ofd:DocBody></ofd:OFD>"
    ).encode()


def _signature(identifier: str, parts: dict[str, bytes], method: str, moment: dt.datetime) -> bytes:
    references = "".join(
        f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>{_FIXED_VALUES.get(name) or _check_value(part)}'
        "</ofd:CheckValue></ofd:Reference>"
        for name, part in parts.items()
    )
    return (
        f"{_HEAD}<ofd:Signature {_SPACE}><ofd:SignedInfo><ofd:Provider {_PROVIDER}/>"
        f"<ofd:SignatureMethod>{method}</ofd:SignatureMethod>"
        f"<ofd:SignatureDateTime>{moment.astimezone(dt.UTC):%Y%m%d%H%M%SZ}</ofd:SignatureDateTime>"
        f'<ofd:Parameters><ofd:Parameter Name="identifier">{escape(identifier)}</ofd:Parameter></ofd:Parameters>'
        f'<ofd:References CheckMethod="{_SM3}">{references}</ofd:References></ofd:SignedInfo>'
        f"<ofd:SignedValue>/{VALUE}</ofd:SignedValue></ofd:Signature>"
    ).encode()
