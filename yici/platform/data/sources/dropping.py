"""Taking files from a folder that somebody else writes to: which are whole, which are new, and fetching them.

Knows no protocol (`Remote` does) and reads no file's content. What counts as taken stands in the cursor.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import Field, field_validator

from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.errors import DiskFull, Refused, SourceInconsistent
from yici.platform.data.sources.base import Options, Pace, Pull, Pulled, local_name
from yici.platform.data.sources.defaults import usual_take

_UNFINISHED = (".part", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", ".writing")
_CHECKSUMS = {".sha256": "sha256", ".md5": "md5"}
_DATE = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_KEPT_OF_THE_PAST = 500
_BLOCK = 1 << 20  # bytes


class FolderOptions(Options):
    """Options of every folder.

    `settle`: how a whole file is known: its size did not change between two looks at least `settle_seconds` apart,
    or a marker file (`name` + `marker`) stands beside it. `checksum`: `name.md5` or `name.sha256` is compared when
    it is there, must be there, or is not looked at. `take`: only the newest file (what is a full copy each time;
    the default for classes with `load: full`) or every new one. `done`: folder to which taken files are moved, at
    the pull after the one that took them.
    """

    folder: str = ""
    pattern: str = "*"
    settle: Literal["stable", "marker"] = "stable"
    marker: str = Field(default=".ok", min_length=2)
    settle_seconds: float = Field(default=3, ge=0)
    checksum: Literal["when_there", "required", "ignore"] = "when_there"
    take: Literal["", "newest", "all"] = ""
    done: str = ""

    @field_validator("folder", "done")
    @classmethod
    def _stays_below(cls, value: str) -> str:
        if ".." in value.split("/") or "\\" in value or "\0" in value:
            raise ValueError("a folder below the connection's own")
        return value.strip("/")

    @field_validator("pattern")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not value or "/" in value or "\0" in value:
            raise ValueError("a pattern of file names, without folders")
        return value


@dataclass(frozen=True)
class Entry:
    """A file as the folder's listing shows it. `mtime`: whole seconds, by the source's clock."""

    name: str
    size: int
    mtime: int

    @property
    def look(self) -> list[int]:
        return [self.size, self.mtime]


class Remote(Protocol):
    """A folder elsewhere. Every call raises `SourceUnavailable` or `SourceAccessDenied` in its own time.

    `same_clock`: files' times are by our own clock, so that one look at an old file is enough.
    """

    same_clock: bool

    def entries(self) -> list[Entry]:
        """Plain files of the folder, in any order."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The first `limit` bytes of a small file."""
        ...

    def download(self, name: str, target: Path, offset: int, pace: Pace) -> None:
        """Append to `target` what the file holds from `offset` on."""
        ...

    def move(self, name: str, folder: str) -> None:
        """Move a file into a folder beside the others, made when missing; replaces one of the same name."""
        ...


@dataclass
class _Taken:
    """The cursor: files taken (name → [size, mtime, sha256]), the latest content, and what the last look saw."""

    files: dict[str, list[Any]] = field(default_factory=dict)
    latest: str = ""
    seen: dict[str, list[int]] = field(default_factory=dict)
    seen_at: float = 0.0

    @classmethod
    def of(cls, cursor: dict[str, Any]) -> _Taken:
        return cls(
            dict(cursor.get("files", {})),
            cursor.get("latest", ""),
            dict(cursor.get("seen", {})),
            float(cursor.get("seen_at", 0)),
        )

    def has(self, entry: Entry) -> bool:
        return self.files.get(entry.name, [])[:2] == entry.look

    def add(self, entry: Entry, sha256: str) -> None:
        self.files.pop(entry.name, None)
        self.files[entry.name] = [*entry.look, sha256]

    def knows(self, sha256: str) -> bool:
        return any(one[2] == sha256 for one in self.files.values())

    def cursor(self, present: Iterable[str]) -> dict[str, Any]:
        """Files still there are all remembered; of those gone only the last few hundred."""
        there = set(present)
        gone = [name for name in self.files if name not in there][:-_KEPT_OF_THE_PAST]
        files = {name: one for name, one in self.files.items() if name not in gone}
        return {"files": files, "latest": self.latest, "seen": self.seen, "seen_at": self.seen_at}


class Dropping:
    """One pull from one folder."""

    def __init__(self, remote: Remote, options: FolderOptions, cursor: dict[str, Any], pace: Pace) -> None:
        self.remote, self.options, self.pace = remote, options, pace
        self.taken = _Taken.of(cursor)
        self.notes: list[str] = []

    def pull(self, into: Path, definition: ClassDefinition | None) -> Pull:
        """Fetch what is whole and new. Raises `Refused` where all that is new has a wrong checksum."""
        newest_only = (self.options.take or usual_take(definition)) == "newest"
        self._tidy_away()
        entries = self.remote.entries()
        chosen = self._whole(entries)
        if newest_only:
            chosen = self._newest(chosen)
        self.pace.total = sum(entry.size for entry in chosen)
        objects, faults = [], []
        for entry in chosen:
            try:
                if (found := self._fetch(entry, into, {one.name for one in entries}, newest_only)) is not None:
                    objects.append(found)
            except Refused as fault:
                faults.append(str(fault.message))
        if faults and not objects:
            raise Refused("；".join(faults))
        total = sum(one.bytes for one in objects)
        cursor = self.taken.cursor(entry.name for entry in entries)
        return Pull(objects, cursor, newest_only, total, self.notes + faults)

    def _tidy_away(self) -> None:
        """Move what an earlier pull took: by now its bytes are safe with us."""
        if not self.options.done:
            return
        listed = {entry.name: entry for entry in self.remote.entries()}
        for entry in [one for one in listed.values() if self.taken.has(one)]:
            beside = [entry.name + suffix for suffix in (self.options.marker, *_CHECKSUMS)]
            for name in [entry.name, *(one for one in beside if one in listed)]:
                self.remote.move(name, self.options.done)
                self.pace.advance()

    def _whole(self, entries: Sequence[Entry]) -> list[Entry]:
        """Matching files that are new and not being written any more, oldest first."""
        new = [one for one in entries if self._matches(one.name) and not self.taken.has(one)]
        whole = self._marked(new, entries) if self.options.settle == "marker" else self._stable(new)
        left = len(new) - len(whole)
        if left:
            self.notes.append(
                ngettext("%(n)d 个文件还没有传完，留待下次。", "%(n)d 个文件还没有传完，留待下次。", left) % {"n": left}
            )
        return sorted(whole, key=_age(whole))

    def _matches(self, name: str) -> bool:
        lower = name.lower()
        beside = (self.options.marker.lower(), *_CHECKSUMS, *_UNFINISHED)
        return (
            fnmatchcase(name, self.options.pattern) and not name.startswith((".", "~$")) and not lower.endswith(beside)
        )

    def _marked(self, new: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
        """Those whose marker is not older than themselves: a marker of an earlier upload says nothing."""
        markers = {one.name: one.mtime for one in entries}
        return [one for one in new if markers.get(one.name + self.options.marker, -1) >= one.mtime]

    def _stable(self, new: Sequence[Entry]) -> list[Entry]:
        now = time.time()
        rested = now - self.taken.seen_at >= self.options.settle_seconds
        before = dict(self.taken.seen) if rested else {}
        if self.remote.same_clock:
            before |= {one.name: one.look for one in new if now - one.mtime > self.options.settle_seconds + 1}
        if any(before.get(one.name) != one.look for one in new):
            self.pace.wait(self.options.settle_seconds)
            before = {one.name: one.look for one in new}
            new = [one for one in self.remote.entries() if one.name in before]
            now = time.time()
        self.taken.seen, self.taken.seen_at = {one.name: one.look for one in new}, now
        return [one for one in new if before.get(one.name) == one.look]

    def _newest(self, chosen: list[Entry]) -> list[Entry]:
        """The last one; none where a file of a later day was taken before: an old copy must not come back."""
        latest = max((_day(name) for name, one in self.taken.files.items() if one[2]), default="")
        for entry in [one for one in chosen if "" < _day(one.name) < latest]:
            chosen.remove(entry)
            self.taken.add(entry, "")
            self.notes.append(_("“%(name)s”比已读取的文件旧，不再读取。") % {"name": entry.name})
        for entry in chosen[:-1]:
            self.taken.add(entry, "")
            self.notes.append(_("“%(name)s”已有更新的文件，不再读取。") % {"name": entry.name})
        return chosen[-1:]

    def _fetch(self, entry: Entry, into: Path, listed: set[str], newest_only: bool) -> Pulled | None:
        target = into / local_name(entry.name)
        stated = self._stated(entry.name, listed)
        partial = into / f"{target.name}.{_fingerprint(entry)}.part"
        self._download(entry, partial)
        if entry.look not in [one.look for one in self.remote.entries() if one.name == entry.name]:
            partial.unlink()
            self.notes.append(_("“%(name)s”在读取时又被改动，留待下次。") % {"name": entry.name})
            return None
        sha256, md5 = _digests(partial, wanted="md5" in stated)
        if (stated.get("sha256") or sha256) != sha256 or (stated.get("md5") or md5) != md5:
            partial.unlink()
            raise Refused(
                _("“%(name)s”的校验值与校验文件不符，可能没有传完整。请提供单位重新上传数据文件和校验文件。")
                % {"name": entry.name}
            )
        repeated = sha256 == self.taken.latest if newest_only else self.taken.knows(sha256)
        self.taken.add(entry, sha256)
        self.taken.seen.pop(entry.name, None)
        if repeated:
            partial.unlink()
            self.notes.append(_("“%(name)s”与已读取的文件内容相同，不重复入库。") % {"name": entry.name})
            return None
        self.taken.latest = sha256
        partial.replace(target)
        return Pulled(target, entry.name, sha256, entry.size)

    def _download(self, entry: Entry, partial: Path) -> None:
        """Goes on where an earlier attempt was cut: the partial file's name says size and time of what it is of."""
        offset = partial.stat().st_size if partial.exists() else 0
        if offset > entry.size:
            partial.unlink()
            offset = 0
        self.pace.advance(offset)
        partial.touch()
        if offset < entry.size:
            try:
                with disk_full_is_told():
                    self.remote.download(entry.name, partial, offset, self.pace)
            except DiskFull:
                partial.unlink()
                raise
        if (size := partial.stat().st_size) != entry.size:
            if size > entry.size:
                partial.unlink()
            raise SourceInconsistent(
                _("“%(name)s”应为 %(stated)d 字节，实际收到 %(size)d 字节；稍后会自动重试。")
                % {"name": entry.name, "stated": entry.size, "size": size}
            )

    def _stated(self, name: str, listed: set[str]) -> dict[str, str]:
        """Checksums that stand beside the file, by algorithm."""
        if self.options.checksum == "ignore":
            return {}
        found = {}
        for suffix, algorithm in _CHECKSUMS.items():
            if name + suffix in listed:
                text = self.remote.read(name + suffix, 4096).decode("ascii", "replace").lower()
                length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
                match = re.search(rf"(?<![0-9a-f])[0-9a-f]{{{length}}}(?![0-9a-f])", text)
                if match is None:
                    raise Refused(_("校验文件“%(name)s”中没有校验值。请提供单位重新上传。") % {"name": name + suffix})
                found[algorithm] = match.group()
        if not found and self.options.checksum == "required":
            raise Refused(_("“%(name)s”缺少校验文件（.sha256 或 .md5）。请提供单位补传。") % {"name": name})
        return found


def _age(entries: Sequence[Entry]) -> Any:
    """Order by the date in the names where all have one: files copied in one go have times that mean nothing."""
    dated = all(_day(one.name) for one in entries)
    return lambda one: (_day(one.name) if dated else "", one.mtime, one.name)


def _day(name: str) -> str:
    """YYYYMMDD as the name says, or empty."""
    match = _DATE.search(name)
    return "".join(match.groups()) if match else ""


def _fingerprint(entry: Entry) -> str:
    return hashlib.sha256(json.dumps([entry.name, *entry.look]).encode()).hexdigest()[:12]


def _digests(path: Path, *, wanted: bool) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            sha256.update(block)
            if wanted:
                md5.update(block)
    return sha256.hexdigest(), md5.hexdigest() if wanted else ""
