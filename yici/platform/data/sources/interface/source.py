"""The interface channel: a department's REST interface, pulled page by page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import YiciError
from yici.platform.data.disk import disk_full_is_told, sha256_of
from yici.platform.data.sources import base
from yici.platform.data.sources.base import (
    Pace,
    Problem,
    Progress,
    Pull,
    Pulled,
    SourceMisconfigured,
    Stop,
    local_name,
    read_options,
)
from yici.platform.data.sources.connections import connection
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.failures import clock_problems, failure, problem_of
from yici.platform.data.sources.interface.client import Client
from yici.platform.data.sources.interface.options import InterfaceOptions
from yici.platform.data.sources.interface.paging import Paging, State
from yici.platform.data.sources.writing import Row, TableWriter, short_digest

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

_BATCH_ROWS = 10_000


class Interface:
    """Implements `Source`."""

    kind = "interface"
    label: str | Promise = gettext_lazy("数据接口对接")
    Options: type[base.Options] = InterfaceOptions

    def check_config(self, options: dict[str, Any], *, definition: ClassDefinition | None = None) -> list[Problem]:
        try:
            chosen = read_options(InterfaceOptions, completed(self.kind, options, definition))
            with _client(chosen.model_copy(update={"attempts": 1}), Pace(None, None, 60)) as client:
                Paging(client, chosen, "", Path(), Pace(None, None, 60)).look()
                return _clock_problems(client.ahead)
        except YiciError as error:
            return [problem_of(error)]

    def pull(
        self,
        options: dict[str, Any],
        cursor: dict[str, Any],
        into: Path,
        *,
        definition: ClassDefinition | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Pull:
        chosen = read_options(InterfaceOptions, completed(self.kind, options, definition))
        into.mkdir(parents=True, exist_ok=True)
        at = connection(chosen.connection, ("rest",))
        pace = Pace(progress, stop, at.timeouts.total)
        shape = _shape(chosen)
        known = cursor if cursor.get("shape") == shape else {}
        since = str(known.get("as_of", "")) if chosen.since_parameter else ""
        draft = into / f"{local_name(chosen.path.strip('/'))}.{short_digest([shape, since])}.part"
        with _client(chosen, pace) as client:
            state = Paging(client, chosen, since, draft, pace).run()
        moved_on = {"shape": shape, "as_of": _as_of(chosen, state), "digest": state.digest}
        if (since and not state.rows) or state.digest == known.get("digest"):
            draft.unlink()
            return Pull([], moved_on, not since, state.total)
        name = f"{chosen.path.strip('/').replace('/', '_')}.{chosen.format}"
        target = into / local_name(name)
        with disk_full_is_told():
            _finish(draft, target, state.columns, chosen.format)
        pulled = Pulled(target, name, sha256_of(target), target.stat().st_size)
        return Pull([pulled], moved_on, not since, state.total)


def _client(options: InterfaceOptions, pace: Pace) -> Client:
    at = connection(options.connection, ("rest",))
    return Client(at, options.path, options.attempts, options.retry_pause, pace)


def _as_of(options: InterfaceOptions, state: State) -> str:
    if options.since_parameter and not state.as_of:
        raise failure(
            SourceMisconfigured,
            "no-as-of",
            _("数据接口的应答中，“%(as_of)s”处没有时刻，无法增量取数。") % {"as_of": options.as_of},
            _("请核对参数 as_of，或去掉 since_parameter 改为全量。"),
            "as_of",
        )
    return state.as_of


def _finish(draft: Path, target: Path, columns: Sequence[str], format_: str) -> None:
    """JSON lines are ready as they are; CSV has the columns of all rows, which are known only at the end."""
    if format_ == "csv":
        table = target.with_name(target.name + ".part")
        with draft.open(encoding="utf-8") as lines, TableWriter(table, columns, "csv") as writer:
            rows: list[Row] = []
            for line in lines:
                row = json.loads(line)
                rows.append(tuple(row.get(name) for name in columns))
                if len(rows) == _BATCH_ROWS:
                    writer.write(rows)
                    rows = []
            writer.write(rows)
        draft.unlink()
        draft = table
    draft.replace(target)


def _shape(options: InterfaceOptions) -> str:
    return short_digest([options.path, options.parameters, options.rows, options.since_parameter])


def _clock_problems(ahead: float) -> list[Problem]:
    return clock_problems(
        ahead,
        _("数据接口的时钟比平台%(said)s %(seconds)d 秒。"),
        _("相差超过 5 分钟时签名会被拒绝，请提供单位校时。"),
    )
