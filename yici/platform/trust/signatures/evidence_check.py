#!/usr/bin/env python3
"""Checks an evidence package of an envelope, offline:

    python3 verify.py PACKAGE [--city-root FILE --people-root FILE]

Needs Python 3.9 and openssl, nothing else, and no network. It is in the package itself and is the same file that the
platform runs. Says for each signature who, when and over what; refuses a package in which a byte was changed. The city's
root vouches for the package, the people's root for signatures and time stamps, and neither for the other's. Without
the two it trusts those in the package and prints their fingerprints: compare them with those that the city publishes.
"""

from __future__ import annotations

import argparse
import calendar
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MANIFEST, SEAL, STAMP = "manifest.json", "manifest.p7s", "manifest.tst"
LONGEST = 200 * 1024 * 1024  # bytes of one member
MOST_MEMBERS = 500
CITY, PEOPLE = "roots/city.crt", "roots/people.crt"
Files = dict[str, bytes]
TOKEN_ATTRIBUTE = bytes.fromhex("060b2a864886f70d010910020e")  # id-aa-timeStampToken


class Refused(Exception):
    """What is wrong, for people."""


def check(package: str | Path, city_root: str | Path = "", people_root: str | Path = "") -> dict[str, Any]:
    """A report. `city_root`, `people_root`: PEM files to trust; empty: those of the package. Raises `Refused`."""
    with tempfile.TemporaryDirectory() as folder:
        files, work, told = _unpack(package), Path(folder), {}
        try:
            for name, given in ((CITY, city_root), (PEOPLE, people_root)):
                root = Path(given).read_bytes() if given else files[name]
                told[name] = _fingerprint(root)
                if told[name] != _fingerprint(files[name]):
                    raise Refused("证据包不是由所信任的机构出具的")
                (work / Path(name).name).write_bytes(root)
            sealed_at = _manifest(files, work)
            record = _json(files, "evidence.json")
            signatures = _signatures(files, record, work)
            return {
                "number": record["number"],
                "title": record["title"],
                "sealed_at": sealed_at,
                "roots": told,
                "signatures": signatures,
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise Refused("证据包不完整") from error


def _unpack(package: str | Path) -> Files:
    try:
        with zipfile.ZipFile(package) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(names) > MOST_MEMBERS or len(set(names)) != len(names):
                raise Refused("证据包里的文件重复或太多")
            if any(member.file_size > LONGEST for member in members):
                raise Refused("证据包里的文件太大")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise Refused("证据包损坏，无法打开") from error


def _manifest(files: Files, work: Path) -> str:
    """Every file is listed with its hash, nothing else is there, the list is sealed and stamped. When it was stamped."""
    for name in (MANIFEST, SEAL, STAMP):
        if name not in files:
            raise Refused("证据包缺少 " + name)
    listed = _json(files, MANIFEST).get("files")
    if not isinstance(listed, dict) or set(listed) != set(files) - {MANIFEST, SEAL, STAMP}:
        raise Refused("证据包里的文件与清单不一致")
    for name, expected in listed.items():
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise Refused("文件 " + name + " 被改动")
    when = _stamped(files[STAMP], files[MANIFEST], work)
    _cms(files[SEAL], files[MANIFEST], when, work / "city.crt", "清单的签章")
    return when["text"]


def _signatures(files: Files, record: dict[str, Any], work: Path) -> list[dict[str, Any]]:
    document = files["document.pdf"]
    if hashlib.sha256(files["original.pdf"]).hexdigest() != record["original_sha256"]:
        raise Refused("原文件与记录不一致")
    if not document.startswith(files["original.pdf"]):
        raise Refused("签署后的文件不是在原文件上签署的")
    found = _ranges(document)
    signed = [one for one in record["signers"] if one["state"] == "signed"]
    if len(found) != len(signed) or not found:
        raise Refused("文件上的签名数与记录不一致")
    if found[-1]["end"] != len(document):
        raise Refused("最后一个签名之后，文件又被改动")
    by_hash = {one["document_sha256"]: one for one in signed}
    revoked = _revoked(files["people.crl"], work)
    return [_signature(document, one, by_hash, files, revoked, work) for one in found]


def _signature(
    document: bytes, place: dict[str, int], by_hash: dict[str, Any], files: Files, revoked: dict[str, int], work: Path
) -> dict[str, Any]:
    first, gap, resume, end = place["first"], place["gap"], place["resume"], place["end"]
    signer = by_hash.pop(hashlib.sha256(document[:end]).hexdigest(), None)
    if signer is None:
        raise Refused("有一个签名不在记录中")
    container = bytes.fromhex(document[gap + 1 : resume - 1].decode("ascii"))
    value, token = _inside(container)
    container = container[: _length(container)]  # the rest of the place is padding
    when = _stamped(token, value, work)
    certificate = _cms(
        container, document[first:gap] + document[resume:end], when, work / "people.crt", signer["name"] + "的签名"
    )
    if _fingerprint(certificate) != _fingerprint(files[signer["certificate"]]):
        raise Refused(signer["name"] + "的签名不是用记录中的证书签的")
    serial = _openssl(["x509", "-noout", "-serial"], certificate).decode().strip().partition("=")[2].lstrip("0")
    if serial in revoked and revoked[serial] <= when["epoch"]:
        raise Refused(signer["name"] + "的证书在签署前已吊销")
    return {
        "name": signer["name"],
        "role": signer["role"],
        "assurance": signer["assurance"],
        "method": signer["method"],
        "at": when["text"],
        "document_sha256": signer["document_sha256"],
        "certificate": _fingerprint(certificate),
    }


def _ranges(document: bytes) -> list[dict[str, int]]:
    """Signatures of a PDF in their order: each covers everything from the first byte to its own end but itself."""
    found = []
    for match in re.finditer(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", document):
        first, length, resume, rest = map(int, match.groups())
        gap, end = first + length, resume + rest
        if first or not gap < resume < end <= len(document):
            raise Refused("签名的范围不正确")
        if document[gap : gap + 1] != b"<" or document[resume - 1 : resume] != b">":
            raise Refused("签名的范围不正确")
        if re.search(rb"[^0-9a-fA-F]", document[gap + 1 : resume - 1]):
            raise Refused("签名的范围不正确")
        found.append({"first": first, "gap": gap, "resume": resume, "end": end})
    return sorted(found, key=lambda one: one["end"])


# What openssl judges


def _cms(container: bytes, content: bytes, when: dict[str, Any], root: Path, what: str) -> bytes:
    """The signer's certificate (PEM) of a detached CMS that verifies at the stamped time."""
    work = root.parent
    (work / "cms.der").write_bytes(container)
    (work / "content").write_bytes(content)
    try:
        _openssl(
            [
                *("cms", "-verify", "-binary", "-inform", "DER", "-in", str(work / "cms.der")),
                *("-content", str(work / "content"), "-CAfile", str(root), "-purpose", "any"),
                *("-attime", str(when["epoch"]), "-signer", str(work / "signer.pem"), "-out", str(work / "out")),
            ]
        )
    except Refused:
        raise Refused(what + "不成立：内容被改动，或证书不可信") from None
    return (work / "signer.pem").read_bytes()


def _stamped(token: bytes, data: bytes, work: Path) -> dict[str, Any]:
    """The time of a stamp over `data`: seconds since 1970 and as text."""
    (work / "token").write_bytes(token)
    try:
        text = _openssl(["ts", "-reply", "-token_in", "-in", str(work / "token"), "-text"]).decode("utf-8", "replace")
        found = re.search(r"Time stamp: (.+) GMT", text)
        stamp = found.group(1) if found else ""
        epoch = _epoch(stamp)
        _openssl(
            [
                *("ts", "-verify", "-token_in", "-in", str(work / "token")),
                *("-digest", hashlib.sha256(data).hexdigest()),
                *("-CAfile", str(work / "people.crt"), "-attime", str(epoch)),
            ]
        )
    except (Refused, ValueError):
        raise Refused("时间戳不成立") from None
    return {"epoch": epoch, "text": stamp + " GMT"}


def _revoked(listed: bytes, work: Path) -> dict[str, int]:
    """Serial number (hexadecimal) → when revoked, of a list that bears its authority's signature."""
    (work / "people.crl").write_bytes(listed)
    command = ["crl", "-inform", "DER", "-in", str(work / "people.crl"), "-CAfile", str(work / "people.crt")]
    text = _openssl([*command, "-noout", "-text"], errors=True).decode("utf-8", "replace")
    if "verify OK" not in text:
        raise Refused("吊销列表不成立")
    found = re.findall(r"Serial Number: ([0-9A-F]+)\s+Revocation Date: (.+) GMT", text)
    return {serial.lstrip("0"): _epoch(when) for serial, when in found}


def _epoch(text: str) -> int:
    text = re.sub(r"\.\d+", "", " ".join(text.split()))
    return calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y"))


def _openssl(arguments: Sequence[str], given: bytes | None = None, errors: bool = False) -> bytes:
    try:
        ran = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise SystemExit("没有安装 openssl，无法核验") from None
    if ran.returncode:
        raise Refused("openssl " + arguments[0])
    return ran.stdout + ran.stderr if errors else ran.stdout


def _fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate's DER, in hexadecimal."""
    return hashlib.sha256(_openssl(["x509", "-outform", "DER"], pem)).hexdigest()


def _json(files: Files, name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name])
    except (KeyError, ValueError):
        raise Refused("证据包缺少 " + name) from None
    if not isinstance(found, dict):
        raise Refused(name + " 的格式不正确")
    return found


# The parts of a CMS that openssl does not give: the signature value and the time stamp over it


def _inside(container: bytes) -> tuple[bytes, bytes]:
    """(signature value, time-stamp token) of a ContentInfo with one signer (RFC 5652 §5)."""
    try:
        content = _children(_children(container[: _length(container)])[0][1])[1][1]
        signed_data = _children(_children(content)[0][1])
        infos = [body for tag, body in signed_data if tag == 0x31][-1]
        parts = _children(_children(infos)[0][1])
        value = [body for tag, body in parts if tag == 0x04][-1]
        unsigned = next(body for tag, body in parts if tag == 0xA1)
        for _tag, attribute in _children(unsigned):
            if attribute.startswith(TOKEN_ATTRIBUTE):
                values = _children(attribute[len(TOKEN_ATTRIBUTE) :])[0][1]
                return value, values[: _length(values)]
    except (IndexError, ValueError, StopIteration):
        pass
    raise Refused("签名没有时间戳")


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """[(tag, body)] of DER elements that follow each other."""
    found = []
    while data:
        end = _length(data)
        found.append((data[0], data[_head(data) : end]))
        data = data[end:]
    return found


def _length(data: bytes) -> int:
    """Bytes of the first DER element, its head included."""
    size, head = data[1], _head(data)
    end = head + (int.from_bytes(data[2:head], "big") if size & 0x80 else size)
    if end > len(data):
        raise ValueError
    return end


def _head(data: bytes) -> int:
    return 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="核验签署证据包")
    parser.add_argument("package")
    parser.add_argument("--city-root", default="", help="信任的城市根证书（PEM）")
    parser.add_argument("--people-root", default="", help="信任的个人签名机构证书（PEM）")
    given = parser.parse_args(arguments)
    try:
        report = check(given.package, given.city_root, given.people_root)
    except Refused as refused:
        _say("不通过：" + str(refused))
        return 1
    _say("通过：《" + report["title"] + "》 " + report["number"] + "，出证时间 " + report["sealed_at"])
    for one in report["signatures"]:
        _say("  {name}（{role}） {at} 身份核验等级 {assurance}（{method}）".format(**one))
    if not (given.city_root and given.people_root):
        for name, root in report["roots"].items():
            _say("  " + name + " 的 SHA-256 " + root + "，请与公布的核对")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
