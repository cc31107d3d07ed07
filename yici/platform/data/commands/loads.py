"""Commands about runs: start, upload, decide, watch, and what became of the rows that were not accepted."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yici.platform.data.commands.terminal import (
    FAULTY,
    ClassId,
    RunId,
    carry_out,
    class_of,
    column_of,
    console,
    parted,
    report,
    run_of,
    table,
    terminal,
)
from yici.web.database import set_up_django

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

app = typer.Typer()
MapOption = Annotated[list[str], typer.Option("--map", help="header=column; header= leaves it out; may be repeated")]
YesOption = Annotated[bool, typer.Option("--yes", help="take the mapping without asking")]


@app.command("run")
def run(
    class_id: ClassId,
    channel: Annotated[str, typer.Option(help="file_drop, exchange, interface or static; default: the first")] = "",
) -> None:
    """Pull a class from its source now, here, and wait for the end."""
    set_up_django()
    from yici.base.errors import NotFound
    from yici.platform.data.runs.starting import channel_of, start

    chosen = channel_of(class_of(class_id), channel)
    if chosen is None:
        raise NotFound(f"{class_id} 没有这种对接方式。")
    carry_out(start(chosen).pk)


@app.command("upload")
def upload(
    class_id: ClassId,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX", exists=True, dir_okay=False)],
    mapping: MapOption = [],  # noqa: B006 - typer reads it and makes a list of its own
    is_sure: YesOption = False,
) -> None:
    """Load a file: shows how its columns map, asks, runs, and reports."""
    set_up_django()
    from yici.platform.data.runs import starting

    _settle(starting.upload(class_of(class_id), file, file.name, None), mapping, is_sure, is_upload=True)


@app.command("decide")
def decide(
    run_id: RunId,
    mapping: MapOption = [],  # noqa: B006 - as above
    is_sure: YesOption = False,
) -> None:
    """Settle a run that waits because the layout changed: shows how its columns map, asks, loads, and reports."""
    set_up_django()
    from yici.base.errors import Conflict

    waiting = run_of(run_id)
    if waiting.state != waiting.State.WAITING:
        raise Conflict(f"运行 {run_id} 不在等待决定（{waiting.get_state_display()}）。")
    _settle(waiting, mapping, is_sure, is_upload=False)


def _settle(run: Any, mapping: list[str], is_sure: bool, *, is_upload: bool) -> None:
    """Show the mapping, take over what was said about it, ask, and load. An upload that is not confirmed is cancelled."""
    from yici.platform.data.catalogue import reading
    from yici.platform.data.errors import Refused
    from yici.platform.data.runs import starting
    from yici.platform.data.runs.previewing import preview_or_refuse

    try:
        seen = preview_or_refuse(run)
        chosen = {one.header: one.column or "" for one in seen.proposals}
        said = _said(mapping, reading.definition_of(run.data_class), list(chosen))
    except Exception as error:
        if is_upload and not isinstance(error, Refused):
            starting.cancel(run, None)
        raise
    found = table("表头", "列", "把握", "理由", whole=0)
    for one in seen.proposals:
        if one.header in said:
            found.add_row(one.header, said[one.header] or "（不入库）", "", "命令中指定")
        else:
            found.add_row(one.header, one.column or "（不入库）", f"{one.confidence:.0%}", str(one.why))
    console.print(found)
    for problem in seen.problems:
        console.print(f"[yellow]{problem}[/yellow]")
    is_confirmed = is_sure
    try:
        is_confirmed = is_sure or typer.confirm("按以上对应入库？")
    finally:
        if not is_confirmed and is_upload:
            starting.cancel(run, None)
    if not is_confirmed:
        raise SystemExit(FAULTY)
    starting.decide(run, {**chosen, **said}, None, "命令行确认")
    carry_out(run.pk)


def _said(mapping: list[str], definition: ClassDefinition, headers: list[str]) -> dict[str, str]:
    """Header → column, of `header=column`; a column goes by its name, its label or a header. Raises `Invalid`."""
    from yici.base.errors import Invalid

    said = {}
    for header, column in map(parted, mapping):
        if header not in headers:
            raise Invalid(f"文件里没有表头“{header}”。表头有：{'、'.join(headers)}。")
        said[header] = column_of(definition, column) if column else ""
    return said


@app.command("cancel")
def cancel(run_id: RunId) -> None:
    """End a run that waits or runs; what readers see stays."""
    set_up_django()
    from yici.platform.data.runs import starting

    starting.cancel(run_of(run_id), None)
    console.print(f"运行 {run_id} 已取消。")


@app.command("retry")
def retry(
    run_id: RunId,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="the class really became that much smaller")
    ] = False,
) -> None:
    """The same again: from the bytes that were kept, else from the source."""
    set_up_django()
    from yici.platform.data.runs import starting

    carry_out(starting.retry(run_of(run_id), None, allow_shrink=allow_shrink).pk)


@app.command("runs")
def runs(
    class_id: Annotated[str, typer.Argument(help="only of this class")] = "",
    state: Annotated[
        str, typer.Option(help="queued, running, waiting, published, unchanged, refused, failed, cancelled")
    ] = "",
    count: Annotated[int, typer.Option(help="how many")] = 20,
) -> None:
    """List the latest runs."""
    set_up_django()
    from yici.platform.data.models import Run

    rows = Run.objects.select_related("data_class")
    if class_id:
        rows = rows.filter(data_class_id=class_id)
    if state:
        rows = rows.filter(state=state)
    found = table("编号", "类", "来由", "状态", "读入", "接受", "隔离", "说明", whole=2)
    for one in rows.order_by("-id")[:count]:
        found.add_row(
            str(one.pk), one.data_class_id, str(one.get_trigger_display()), str(one.get_state_display()),
            f"{one.rows_read:,}", f"{one.rows_accepted:,}", f"{one.rows_quarantined:,}", one.message,
        )  # fmt: skip
    console.print(found)


@app.command("show")
def show(run_id: RunId) -> None:
    """One run: phases, seconds, drift, and the rules that failed, worst first."""
    set_up_django()
    report(run_id)


@app.command("quarantine")
def show_quarantine(
    run_id: RunId,
    reason: Annotated[str, typer.Option(help="id of a rule")] = "",
    count: Annotated[int, typer.Option(help="rows")] = 20,
    clear: Annotated[bool, typer.Option("--clear", help="show personal values; the look is recorded")] = False,
    into: Annotated[Path | None, typer.Option(help="XLSX to write all of them to, for mend-table with --clear")] = None,
) -> None:
    """Rows that were not accepted, with their reasons. Personal values are masked unless --clear."""
    set_up_django()
    from yici.core.audit import services as audit
    from yici.platform.data.catalogue import reading
    from yici.platform.data.reading.access import masked
    from yici.platform.data.rules.deriving import rules_by_id
    from yici.platform.data.runs.mending_tables import export_table
    from yici.platform.data.runs.quarantine import held_rows, message_of

    run = run_of(run_id)
    definition = reading.definition_of(run.data_class)
    rules = rules_by_id(definition)
    if into is not None:
        with into.open("wb") as out:
            written = export_table(run, out, None if clear else partial(masked, definition))
        console.print(f"{into}：{written} 行")
    found = table("行", "原因", "内容")
    for row in [] if into is not None else held_rows(run, reason, limit=count):
        values = dict(row.values) if clear else masked(definition, row.values)
        shown = [f"{name}={values[name]}" for name in definition.by_name if values.get(name)]
        line = row.line if clear else "＊" * min(len(row.line), 12)
        found.add_row(str(row.row), "；".join(message_of(one, rules) for one in row.reasons), line or "  ".join(shown))
    if clear:
        audit.record(
            terminal(), "view", subject=("data_class", run.data_class_id), purpose=f"命令行查看隔离行（运行 {run_id}）"
        )
    if into is None:
        console.print(found)


@app.command("mend-table")
def mend_table(
    run_id: RunId,
    file: Annotated[Path, typer.Argument(help="the XLSX of quarantine --clear --into, put right", exists=True)],
    note: Annotated[str, typer.Option(help="why")] = "",
) -> None:
    """Put many quarantined rows right at once, in a spreadsheet."""
    set_up_django()
    from yici.platform.data.runs.mending_tables import mend_table as take_back

    with file.open("rb") as stream:
        done = take_back(run_of(run_id), stream, file.name, None, note)
    for row, why in done.refused.items():
        console.print(f"[yellow]第 {row} 行：{why}[/yellow]")
    console.print(f"已修正 {done.mended} 行，没有改动 {done.unchanged} 行，仍不合格 {len(done.refused)} 行。")


@app.command("mend")
def mend(
    run_id: RunId,
    row: Annotated[int, typer.Argument(help="row number in the source")],
    values: Annotated[list[str], typer.Argument(help="column=value …")],
    note: Annotated[str, typer.Option(help="why")] = "",
) -> None:
    """Put a quarantined row right."""
    set_up_django()
    from yici.platform.data.catalogue import reading
    from yici.platform.data.runs import mending

    run = run_of(run_id)
    definition = reading.definition_of(run.data_class)
    given = {column_of(definition, name): value for name, value in map(parted, values)}
    mending.mend(run, row, given, None, note)
    console.print(f"第 {row} 行已修正，用 yici data replay {run_id} 重放。")


@app.command("discard")
def discard(
    run_id: RunId,
    rows: Annotated[list[int], typer.Argument(help="row numbers in the source")],
    note: Annotated[str, typer.Option(help="why; recorded", prompt="原因")],
) -> None:
    """Settle quarantined rows that will not be loaded."""
    set_up_django()
    from yici.platform.data.runs import mending

    console.print(f"已作废 {mending.discard(run_of(run_id), rows, None, note)} 行。")


@app.command("replay")
def replay(run_id: RunId) -> None:
    """Load the mended rows of a run."""
    set_up_django()
    from yici.platform.data.runs import mending

    carry_out(mending.replay(run_of(run_id), None).pk)
