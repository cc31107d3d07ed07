"""What the commands share: tables, a bar of progress, classes and runs by their names, a run told whole."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

__all__ = [
    "FAULTY",
    "OK",
    "ClassId",
    "RunId",
    "carry_out",
    "class_of",
    "column_of",
    "console",
    "parted",
    "progress",
    "report",
    "run_of",
    "table",
    "terminal",
]

OK, FAULTY = 0, 1
_UNBOUNDED = 240  # characters a line where no terminal says how wide it is: a file, another program
console = Console(width=None if sys.stdout.isatty() else _UNBOUNDED)
ClassId = Annotated[str, typer.Argument(help="class, e.g. public_security.resident")]
RunId = Annotated[int, typer.Argument(help="number of a run")]


def table(*headers: str, whole: int = 1) -> Table:
    """A table that cuts nothing off; the first `whole` columns, which other commands take, stand on one line."""
    made = Table()
    for place, header in enumerate(headers):
        made.add_column(header, overflow="fold", no_wrap=place < whole)
    return made


def class_of(slug: str) -> Any:
    from yici.base.errors import NotFound
    from yici.platform.data.models import DataClass

    found = DataClass.objects.filter(pk=slug, withdrawn_at=None).first()
    if found is None:
        raise NotFound(f"目录里没有 {slug}；用 yici data classes 查看。")
    return found


def run_of(number: int) -> Any:
    from yici.base.errors import NotFound
    from yici.platform.data.models import Run

    found = Run.objects.select_related("data_class", "channel", "raw").filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有编号 {number} 的运行。")
    return found


def parted(text: str) -> tuple[str, str]:
    """`name=value` → both. Raises `Invalid`."""
    from yici.base.errors import Invalid

    name, sign, value = text.partition("=")
    if not sign:
        raise Invalid(f"“{text}”应写成 名称=值。")
    return name.strip(), value.strip()


def column_of(definition: ClassDefinition, text: str) -> str:
    """The column that goes by this name, label or header. Raises `Invalid`."""
    from yici.base.errors import Invalid

    for column in definition.columns:
        if text in (column.name, column.label.zh, *column.headers):
            return column.name
    raise Invalid(f"{definition.id} 没有“{text}”这一列；有：{'、'.join(definition.by_name)}。")


def carry_out(run_id: int) -> None:
    """Load here and now; whoever comes first does it, this process or the worker."""
    from yici.platform.data.models import Run
    from yici.platform.data.runs.carrying_out import load

    worker = threading.Thread(target=load, args=(run_id,))
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("排队", total=None)
        worker.start()
        while worker.is_alive() or Run.objects.filter(pk=run_id, state__in=Run.OPEN).exists():
            worker.join(0.5)
            now = Run.objects.get(pk=run_id)
            bar.update(task, description=str(now.get_phase_display() or now.get_state_display()),
                       completed=now.progress_done, total=now.progress_total)  # fmt: skip
    report(run_id)


def report(run_id: int) -> None:
    """The run with its phases, what landing found, and the rules that failed, worst first; exit code 1 for a faulty one."""
    from yici.platform.data.catalogue import reading
    from yici.platform.data.models import Run
    from yici.platform.data.rules.deriving import rules_by_id
    from yici.platform.data.runs.quarantine import message_of

    run = run_of(run_id)
    console.print(
        f"运行 {run.pk}  {run.data_class_id}  [bold]{run.get_state_display()}[/bold]  "
        f"读入 {run.rows_read:,}  接受 {run.rows_accepted:,}  隔离 {run.rows_quarantined:,}"
    )
    if run.message:
        console.print(run.message)
    landing, drift = run.detail.get("landing", {}), run.detail.get("drift", {})
    for note in [*run.detail.get("notes", []), *landing.get("warnings", []), *drift.get("explanations", [])]:
        console.print(f"· {note}")
    seconds = run.detail.get("seconds", {})
    if seconds:
        console.print("  ".join(f"{one.label} {seconds[one]:.2f} 秒" for one in Run.Phase if one in seconds))
    rules = rules_by_id(reading.definition_of(run.data_class)) if run.data_class.is_described else {}
    failed = table("不合格的规则", "行数", "说明")
    for rule, count in sorted(run.detail.get("failed", {}).items(), key=lambda pair: -pair[1]):
        failed.add_row(rule, f"{count:,}", message_of(rule, rules))
    if failed.row_count:
        console.print(failed)
    if run.rows_quarantined:
        console.print(f"隔离的行：yici data quarantine {run.pk}")
    if run.state == Run.State.WAITING:
        console.print(f"等待确认列的对应：yici data decide {run.pk}")
    if run.state in Run.FAULTY:
        sys.exit(FAULTY)


def terminal() -> Any:
    """Who acts, for the access log."""
    from yici.core.audit.services import Actor

    return Actor(None, f"命令行（{os.environ.get('USER', 'root')}）")


class progress:  # noqa: N801 - reads as a function
    """A bar for a generator of (done, total): `with progress("…") as update: work(progress=update)`."""

    def __init__(self, label: str) -> None:
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console)
        self._label = label

    def __enter__(self) -> Callable[..., None]:
        self._bar.start()
        task = self._bar.add_task(self._label, total=None)

        def update(done: int, total: int | None = None, *_rest: object) -> None:
            self._bar.update(task, completed=done, total=total)

        return update

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
