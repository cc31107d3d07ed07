"""Is this an OFD file that the city sealed, whole and unchanged? Reads any bytes, in bounded memory; never raises."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from yici.platform.trust import rules
from yici.platform.trust.ofd.packing import SIGNATURE, SIGNATURES, VALUE
from yici.platform.trust.ofd.sealing import Sealer

__all__ = ["Judgement", "is_ofd", "judge"]

_PARTS, _LARGEST = 12, 1 << 20  # of our own files: seven parts, none above 100 KB
_REFERENCE = re.compile(
    rb'<ofd:Reference FileRef="/([^"]{1,200})"><ofd:CheckValue>([A-Za-z0-9+/=]{44})</ofd:CheckValue>'
)
_IDENTIFIER = re.compile(rb'<ofd:Parameter Name="identifier">([0-9A-Z.]{1,100})</ofd:Parameter>')
_ANY_IDENTIFIER = re.compile(re.escape(rules.PREFIX.encode()) + rb"[.0-9A-Z]{1,100}")


@dataclass(frozen=True)
class Judgement:
    """`outcome`: intact, altered, unsigned, foreign or unreadable. `identifier`: as sealed if it is intact, else as
    it stands there; `part`: the first part of the file that was changed."""

    outcome: str
    identifier: str = ""
    part: str = ""


def is_ofd(content: bytes) -> bool:
    """A zip that has OFD.xml. Reads the directory only."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "OFD.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        return b"OFD.xml" in content  # broken on the way, but it was one


def judge(content: bytes, sealer: Sealer) -> Judgement:
    """Every byte counts: the parts by their references, the references by the seal, the archive by its own checks."""
    parts = _parts(content)
    if parts is None:
        return Judgement("altered")
    named = _ANY_IDENTIFIER.search(parts.get("OFD.xml", b""))
    identifier = named[0].decode() if named else ""
    if SIGNATURE not in parts or VALUE not in parts:
        return Judgement("unsigned", identifier)
    sealed = sealer.judge(parts[SIGNATURE], parts[VALUE])
    if sealed == "altered":
        return Judgement("altered", identifier, SIGNATURE)
    own = _IDENTIFIER.search(parts[SIGNATURE])
    references = dict(_REFERENCE.findall(parts[SIGNATURE]))
    unsealed = {SIGNATURES, SIGNATURE, VALUE}
    for name, part in parts.items():
        if name in unsealed:
            continue
        expected = references.pop(name.encode(), None)
        value = base64.b64encode(hashlib.new("sm3", part).digest())
        if expected is None or not hmac.compare_digest(expected, value):
            return Judgement("altered", own[1].decode() if own else identifier, name)
    if references:
        return Judgement("altered", identifier, next(iter(references)).decode())
    if sealed == "foreign":
        return Judgement("foreign", identifier)
    return Judgement("intact", own[1].decode()) if own else Judgement("altered", identifier, SIGNATURE)


def _parts(content: bytes) -> dict[str, bytes] | None:
    """Every part; None for an archive that is broken, too large unpacked, or has a name twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if len(entries) > _PARTS or len(names) != len(entries) or sum(one.file_size for one in entries) > _LARGEST:
                return None
            return {entry.filename: _read(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, ValueError, OverflowError, EOFError, NotImplementedError, RuntimeError):
        return None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Raises `ValueError` for more than the directory says."""
    with archive.open(entry) as stream:
        part = stream.read(_LARGEST + 1)
    if len(part) > _LARGEST:
        raise ValueError(entry.filename)
    return part
