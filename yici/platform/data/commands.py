"""`yici data …`: what the data desk does, from a terminal. Every command calls the same services as the pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from yici.web.database import set_up_django

app = typer.Typer(no_args_is_help=True, help="Data classes: sources, loads, quarantine, versions, quality.")
console = Console()
ClassId = Annotated[str, typer.Argument(help="class, e.g. public_security.resident")]
RunId = Annotated[int, typer.Argument(help="number of a run")]
_OK = 0
_FAULTY = 1


@app.command("classes")
def classes(
    department: Annotated[str, typer.Option(help="function of a department, e.g. public_security")] = "",
    described: Annotated[bool, typer.Option("--described", help="only classes whose columns are written")] = False,
) -> None:
    """List classes with channel, freshness light, rows in the lake and the last run."""
    set_up_django()
    from yici.base import clock
    from yici.platform.data.models import DataClass
    from yici.platform.data.quality.freshness import light

    rows = DataClass.objects.filter(withdrawn_at=None).select_related("department", "current")
    if department:
        rows = rows.filter(department__function=department)
    if described:
        rows = rows.filter(is_described=True)
    table = Table("类", "名称", "单位", "更新周期", "对接", "新鲜度", "入库行数")
    for row in rows.prefetch_related("channels"):
        channels = [channel for channel in row.channels.all() if channel.withdrawn_at is None]
        newest = max((one.last_success_at for one in channels if one.last_success_at), default=None)
        table.add_row(
            row.slug,
            row.name,
            row.department.short_name,
            row.get_cycle_display(),
            "、".join(str(one.get_kind_display()) for one in channels),
            light(row.cycle, newest, clock.now()),
            f"{row.current.row_count:,}" if row.current else "—",
        )
    console.print(table)


@app.command("generate")
def generate(
    population: Annotated[int, typer.Option(help="people of the city")] = 20_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same city")] = 341600,
    into: Annotated[Path | None, typer.Option(help="folder; default: data home/generated")] = None,
    deliver: Annotated[bool, typer.Option(help="hand the files to the demo departments' servers")] = False,
) -> None:
    """Generate what 55 departments know about a city of any size; the truth is kept apart."""
    set_up_django()
    from django.conf import settings

    from yici.platform.data.generating import delivering
    from yici.platform.data.generating import generate as make

    target = into or Path(settings.DATA_HOME) / "generated"
    with _progress("生成数据") as update:
        report = make(population, seed, target, progress=update)
    console.print(f"[green]{target}[/green]  {report}")
    if deliver:
        with _progress("交付到各部门") as update:
            console.print(str(delivering.deliver(target, progress=update)))


@app.command("check-source")
def check_source(class_id: ClassId) -> None:
    """Try the channels of a class: says what is wrong with each and what to do."""
    set_up_django()
    from yici.platform.data.catalogue import reading
    from yici.platform.data.sources.registry import source

    found = 0
    data_class = _class(class_id)
    definition = reading.definition_of(data_class)
    for channel in data_class.channels.filter(withdrawn_at=None):
        problems = source(channel.kind).check_config(channel.options, definition=definition)
        errors = [problem for problem in problems if problem.level == "error"]
        console.print(f"{channel.get_kind_display()}  {channel.unit.name}: {'' if errors else '可用'}")
        for problem in problems:
            found += problem.level == "error"
            console.print(f"  [{'red' if problem.level == 'error' else 'yellow'}]{problem}[/]")
    raise SystemExit(_FAULTY if found else _OK)


@app.command("run")
def run(
    class_id: ClassId,
    channel: Annotated[str, typer.Option(help="file_drop, exchange, interface or static; default: the first")] = "",
) -> None:
    """Pull a class from its source now, here, and wait for the end."""
    set_up_django()
    from yici.base.errors import NotFound
    from yici.platform.data.runs.starting import channel_of, start

    chosen = channel_of(_class(class_id), channel)
    if chosen is None:
        raise NotFound(f"{class_id} 没有这种对接方式。")
    _carry_out(start(chosen).pk)


@app.command("upload")
def upload(
    class_id: ClassId,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX", exists=True, dir_okay=False)],
    confirm: Annotated[bool, typer.Option("--yes", help="take the proposed mapping without asking")] = False,
) -> None:
    """Load a file: shows how its columns map, asks, runs, and reports."""
    set_up_django()
    from yici.platform.data.runs import starting
    from yici.platform.data.runs.previewing import preview

    data_class = _class(class_id)
    begun = starting.upload(data_class, file, file.name, None)
    seen = preview(begun)
    table = Table("表头", "列", "把握", "理由")
    for proposal in seen.proposals:
        table.add_row(proposal.header, proposal.column or "（不入库）", f"{proposal.confidence:.0%}", str(proposal.why))
    console.print(table)
    for problem in seen.problems:
        console.print(f"[yellow]{problem}[/yellow]")
    if not confirm and not typer.confirm("按以上对应入库？"):
        starting.cancel(begun, None)
        raise SystemExit(_FAULTY)
    starting.decide(begun, {one.header: one.column or "" for one in seen.proposals}, None, "命令行确认")
    _carry_out(begun.pk)


@app.command("runs")
def runs(
    class_id: Annotated[str, typer.Argument(help="only of this class")] = "",
    count: Annotated[int, typer.Option(help="how many")] = 20,
) -> None:
    """List the latest runs."""
    set_up_django()
    from yici.platform.data.models import Run

    found = Run.objects.select_related("data_class")
    if class_id:
        found = found.filter(data_class_id=class_id)
    table = Table("编号", "类", "来由", "状态", "读入", "接受", "隔离", "说明")
    for one in found.order_by("-id")[:count]:
        table.add_row(
            str(one.pk), one.data_class_id, str(one.get_trigger_display()), str(one.get_state_display()),
            f"{one.rows_read:,}", f"{one.rows_accepted:,}", f"{one.rows_quarantined:,}", one.message,
        )  # fmt: skip
    console.print(table)


@app.command("show")
def show(run_id: RunId) -> None:
    """One run: phases, seconds, drift, and the rules that failed, worst first."""
    set_up_django()
    _report(run_id)


@app.command("quarantine")
def show_quarantine(
    run_id: RunId,
    reason: Annotated[str, typer.Option(help="id of a rule")] = "",
    count: Annotated[int, typer.Option(help="rows")] = 20,
    clear: Annotated[bool, typer.Option("--clear", help="show personal values; the look is recorded")] = False,
) -> None:
    """Rows that were not accepted, with their reasons. Personal values are masked unless --clear."""
    set_up_django()
    from yici.core.audit import services as audit
    from yici.core.vocabulary import rules as vocabulary
    from yici.platform.data.catalogue import reading
    from yici.platform.data.rules.deriving import rules_by_id
    from yici.platform.data.runs.quarantine import held_rows, message_of

    found = _run(run_id)
    definition = reading.definition_of(found.data_class)
    rules = rules_by_id(definition)
    table = Table("行", "原因", "内容")
    for row in held_rows(found, reason, limit=count):
        shown = [
            f"{column.headers[0]}={value if clear or not column.is_personal else vocabulary.mask(column.element, value)}"
            for column in definition.columns
            if (value := row.values.get(column.name)) and (clear or not column.is_personal or column.element)
        ]
        table.add_row(
            str(row.row), "；".join(message_of(one, rules) for one in row.reasons), "  ".join(shown) or row.line
        )
    if clear:
        subject = ("data_class", found.data_class_id)
        audit.record(_terminal(), "view", subject=subject, purpose=f"命令行查看隔离行（运行 {run_id}）")
    console.print(table)


@app.command("mend")
def mend(
    run_id: RunId,
    row: Annotated[int, typer.Argument(help="row number in the source")],
    values: Annotated[list[str], typer.Argument(help="column=value …")],
    note: Annotated[str, typer.Option(help="why")] = "",
) -> None:
    """Put a quarantined row right."""
    set_up_django()
    from yici.platform.data.runs import mending

    given = dict(value.split("=", 1) for value in values if "=" in value)
    mending.mend(_run(run_id), row, given, None, note)
    console.print(f"第 {row} 行已修正，用 yici data replay {run_id} 重放。")


@app.command("replay")
def replay(run_id: RunId) -> None:
    """Load the mended rows of a run."""
    set_up_django()
    from yici.platform.data.runs import mending

    _carry_out(mending.replay(_run(run_id), None).pk)


@app.command("versions")
def versions(class_id: ClassId) -> None:
    """Versions of a class that are kept."""
    set_up_django()
    data_class = _class(class_id)
    table = Table("版本", "方式", "状态", "数据日期", "行数", "新增", "变更", "减少", "字节", "发布")
    for one in data_class.snapshots.order_by("-number"):
        current = " ←" if one.pk == data_class.current_id else ""
        table.add_row(
            f"{one.number}{current}", str(one.get_mode_display()), str(one.get_state_display()), f"{one.data_date}",
            f"{one.row_count:,}", f"{one.added:,}", f"{one.changed:,}", f"{one.removed:,}", f"{one.byte_count:,}",
            f"{one.published_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    console.print(table)


@app.command("roll-back")
def roll_back(
    class_id: ClassId, number: Annotated[int, typer.Argument(help="version to go back to")],
    reason: Annotated[str, typer.Option(help="why; recorded", prompt="原因")],
) -> None:  # fmt: skip
    """Show an earlier version again."""
    set_up_django()
    from yici.platform.data.lake import upkeep

    snapshot = upkeep.roll_back(_class(class_id), number, None, reason)
    console.print(f"现在显示版本 {snapshot.number}（内容同版本 {number}）。")


@app.command("verify")
def verify(class_id: Annotated[str, typer.Argument(help="only this class")] = "") -> None:
    """Compare every file of every kept version with its checksum. Exit code 1 when something is wrong."""
    set_up_django()
    from yici.platform.data.lake import upkeep

    faults = upkeep.verify(_class(class_id) if class_id else None)
    for fault in faults:
        console.print(f"[red]{fault}[/red]")
    console.print("数据湖完整，没有发现问题。" if not faults else f"发现 {len(faults)} 处问题。")
    raise SystemExit(_FAULTY if faults else _OK)


@app.command("look-after")
def look_after() -> None:
    """What the night does: merge small files, let old versions expire, remove orphans, verify."""
    set_up_django()
    from yici.platform.data.runs.scheduling import look_after as upkeep

    console.print(upkeep())


@app.command("catalogue")
def catalogue(
    target: Annotated[Path, typer.Argument(help="file to write: .csv (national guide) or .jsonld (DCAT-AP)")],
) -> None:
    """Write the whole catalogue for another platform."""
    set_up_django()
    from yici.platform.data.catalogue import exporting

    exporting.write(target)
    console.print(f"{target}")


def _class(slug: str) -> Any:
    from yici.base.errors import NotFound
    from yici.platform.data.models import DataClass

    found = DataClass.objects.filter(pk=slug, withdrawn_at=None).first()
    if found is None:
        raise NotFound(f"目录里没有 {slug}；用 yici data classes 查看。")
    return found


def _run(number: int) -> Any:
    from yici.base.errors import NotFound
    from yici.platform.data.models import Run

    found = Run.objects.select_related("data_class", "channel").filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有编号 {number} 的运行。")
    return found


def _carry_out(run_id: int) -> None:
    """Load here and now; whoever comes first does it, this process or the worker."""
    import threading

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
    _report(run_id)


def _report(run_id: int) -> None:
    from yici.platform.data.catalogue import reading
    from yici.platform.data.models import Run
    from yici.platform.data.rules.deriving import rules_by_id
    from yici.platform.data.runs.quarantine import message_of

    run = _run(run_id)
    console.print(
        f"运行 {run.pk}  {run.data_class_id}  [bold]{run.get_state_display()}[/bold]  "
        f"读入 {run.rows_read:,}  接受 {run.rows_accepted:,}  隔离 {run.rows_quarantined:,}"
    )
    if run.message:
        console.print(run.message)
    for note in [*run.detail.get("notes", []), *run.detail.get("landing", {}).get("warnings", [])]:
        console.print(f"· {note}")
    for note in run.detail.get("drift", {}).get("explanations", []):
        console.print(f"· {note}")
    if run.detail.get("seconds"):
        console.print(
            "  ".join(f"{Run.Phase(name).label} {value:.2f} 秒" for name, value in run.detail["seconds"].items())
        )
    rules = rules_by_id(reading.definition_of(run.data_class))
    table = Table("不合格的规则", "行数", "说明")
    for rule, count in sorted(run.detail.get("failed", {}).items(), key=lambda pair: -pair[1]):
        table.add_row(rule, f"{count:,}", message_of(rule, rules))
    if table.row_count:
        console.print(table)
    if run.state in Run.FAULTY:
        sys.exit(_FAULTY)


def _terminal() -> Any:
    from yici.core.audit.services import Actor

    return Actor(None, f"命令行（{os.environ.get('USER', 'root')}）")


class _progress:  # noqa: N801 - reads as a function
    """A bar for a generator of (done, total): `with _progress("…") as update: work(progress=update)`."""

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
