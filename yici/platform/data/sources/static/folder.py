"""A folder on this machine, inside `DATA_HOME/static`."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from yici.platform.data.sources.base import Pace
from yici.platform.data.sources.dropping import Entry
from yici.platform.data.sources.failures import no_permission, unknown_folder

_BLOCK = 1 << 20  # bytes


class LocalFolder:
    """Implements `Remote`. Links that lead out of `root` are not followed."""

    same_clock = True

    def __init__(self, root: Path, folder: str) -> None:
        self._folder = root / folder
        self._root = root

    def __enter__(self) -> LocalFolder:
        if not self._folder.is_dir() or not self._folder.resolve().is_relative_to(self._root.resolve()):
            raise unknown_folder(str(self._folder.relative_to(self._root)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def entries(self) -> list[Entry]:
        try:
            with os.scandir(self._folder) as found:
                files = [one for one in found if one.is_file(follow_symlinks=False)]
            return [Entry(one.name, one.stat().st_size, int(one.stat().st_mtime)) for one in files]
        except PermissionError:
            raise no_permission(self._folder.name) from None

    def read(self, name: str, limit: int) -> bytes:
        with (self._folder / name).open("rb") as handle:
            return handle.read(limit)

    def download(self, name: str, target: Path, offset: int, pace: Pace) -> None:
        with (self._folder / name).open("rb") as source, target.open("ab") as handle:
            source.seek(offset)
            while block := source.read(_BLOCK):
                handle.write(block)
                pace.advance(len(block))

    def move(self, name: str, folder: str) -> None:
        (self._folder / folder).mkdir(parents=True, exist_ok=True)
        (self._folder / name).replace(self._folder / folder / name)
