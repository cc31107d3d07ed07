"""What every channel can do: try its configuration, and pull what is new into a folder.

A channel never writes to the lake nor to the database; where it stopped is the cursor, which the caller keeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, ConfigDict, ValidationError

from yici.base.errors import Conflict, Misconfigured
from yici.base.faults import faults_of
from yici.platform.data.errors import SourceUnavailable

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

# The name would end up outside of its folder, or could not be written on every file system.
_UNSAFE = frozenset('/\\\0:*?"<>|')


class SourceMisconfigured(Misconfigured):
    """The options or the connection are wrong; trying again does not help, somebody must mend them."""

    slug = "source-misconfigured"
    message = gettext_lazy("数据源配置有误，请管理员按提示修改；现有数据不受影响。")


class SourceAccessDenied(SourceUnavailable):
    """The source is there but does not let us in: password, key, host key or permission."""

    slug = "source-access-denied"
    message = gettext_lazy("数据源拒绝访问，请核对账号、密码和授权；现有数据不受影响。")


class PullStopped(Conflict):
    """`stop` said so. What was fetched stays in the folder and the next pull goes on from it."""

    slug = "pull-stopped"
    message = gettext_lazy("取数已按要求停止。")


class Progress(Protocol):
    """Told how far the pull is, in bytes (files) or rows (tables, interfaces). May raise to end the pull."""

    def __call__(self, done: int, total: int | None = None, /) -> None: ...


Stop = Callable[[], bool]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration: what, in which option, and what to do. `str()` says both."""

    code: str
    message: str
    remedy: str
    field: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.message}{self.remedy}"


@dataclass(frozen=True)
class Pulled:
    """One object fetched: `path` in the folder given, `name` as the source calls it."""

    path: Path
    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Pull:
    """What one pull brought; no `objects` means nothing new.

    `complete`: what came is the whole class, not only what changed. `total`: rows (tables, interfaces) or bytes
    (files) that the source stated for it. `cursor`: to be given to the next pull, once the objects are safe.
    """

    objects: list[Pulled]
    cursor: dict[str, Any]
    complete: bool
    total: int | None = None
    notes: list[str] = field(default_factory=list)


class Options(BaseModel):
    """Base of the options of every channel. What is not known is refused: a slip of the pen shows at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Protocol):
    """A channel. Options that the definition implies (see `defaults`) need not be given where it is.

    `pull` raises `SourceUnavailable` (no answer in time, or given up), `SourceAccessDenied`, `SourceInconsistent`
    (the source contradicts itself within the pull), `PullStopped`, or what `progress` raises. Given the same
    folder `into` again after a failure it goes on where it was cut, where the protocol allows. Pulling twice with
    the same cursor brings the same objects.
    """

    kind: str
    label: str | Promise
    Options: type[Options]

    def check_config(self, options: dict[str, Any], *, definition: ClassDefinition | None = None) -> list[Problem]:
        """Really connect and look. Says everything that is wrong at once, as far as it can see; empty: usable."""
        ...

    def pull(
        self,
        options: dict[str, Any],
        cursor: dict[str, Any],
        into: Path,
        *,
        definition: ClassDefinition | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Pull: ...


class Pace:
    """Counts what came, tells `progress`, and ends the pull on `stop` or when `seconds` in all are over."""

    def __init__(self, progress: Progress | None, stop: Stop | None, seconds: float) -> None:
        self._progress, self._stop = progress, stop
        self._deadline = time.monotonic() + seconds
        self._limit = seconds
        self.done = 0
        self.total: int | None = None

    def advance(self, amount: int = 0) -> None:
        """So many bytes or rows more. Raises `PullStopped`, `SourceUnavailable`, or what `progress` raises."""
        self.done += amount
        if self._progress is not None:
            self._progress(self.done, self.total)
        if self._stop is not None and self._stop():
            raise PullStopped
        if time.monotonic() > self._deadline:
            raise SourceUnavailable(
                _("取数超过 %(minutes)d 分钟仍未完成，已中止，稍后会自动重试。") % {"minutes": self._limit // 60}
            )

    def wait(self, seconds: float) -> None:
        """Wait so long, still listening to `stop`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.advance()
            time.sleep(min(left, 0.2))


AnyOptions = TypeVar("AnyOptions", bound=Options)


def read_options(model: type[AnyOptions], options: dict[str, Any]) -> AnyOptions:
    """The options as the channel's model. Raises `SourceMisconfigured` naming each faulty field."""
    try:
        return model.model_validate(options)
    except ValidationError as error:
        said = "；".join(f"{where}: {message}" for where, message in faults_of(error))
        raise SourceMisconfigured(_("对接参数有误：%(faults)s。请修改后重试。") % {"faults": said}) from None


def local_name(name: str) -> str:
    """`name` as it may stand in a folder of ours: one plain component, at most 120 characters."""
    plain = "".join("_" if sign in _UNSAFE or ord(sign) < 32 else sign for sign in name).lstrip(".")
    if len(plain) > 120:
        stem, dot, suffix = plain.rpartition(".")
        plain = f"{stem[:100]}{dot}{suffix[-15:]}"
    return plain or "_"
