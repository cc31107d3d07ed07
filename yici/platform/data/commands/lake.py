"""Commands about versions: what is kept, going back, checksums, the night's upkeep."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from yici.platform.data.commands.terminal import (
    FAULTY,
    OK,
    ClassId,
    class_of,
    column_of,
    console,
    parted,
    table,
    terminal,
)
from yici.web.database import set_up_django

app = typer.Typer()


@app.command("versions")
def versions(class_id: ClassId) -> None:
    """Versions of a class that are kept."""
    set_up_django()
    from django.utils import timezone

    data_class = class_of(class_id)
    found = table("版本", "方式", "状态", "数据日期", "行数", "新增", "变更", "减少", "字节", "发布")
    for one in data_class.snapshots.order_by("-number"):
        current = " ←" if one.pk == data_class.current_id else ""
        found.add_row(
            f"{one.number}{current}", str(one.get_mode_display()), str(one.get_state_display()), f"{one.data_date}",
            f"{one.row_count:,}", f"{one.added:,}", f"{one.changed:,}", f"{one.removed:,}", f"{one.byte_count:,}",
            f"{timezone.localtime(one.published_at):%Y-%m-%d %H:%M}",
        )  # fmt: skip
    console.print(found)


@app.command("look-up")
def look_up(
    class_id: ClassId,
    key: Annotated[list[str], typer.Argument(help="column=value …, columns of the key")],
    purpose: Annotated[str, typer.Option(help="what for; recorded", prompt="用途")],
    as_of: Annotated[dt.datetime | None, typer.Option(help="as the class stood then; default: now")] = None,
    version: Annotated[int | None, typer.Option(help="as it stands in this version")] = None,
) -> None:
    """Rows of a class by key, in clear, now or as they stood: recorded with the purpose."""
    set_up_django()
    from django.utils import timezone

    from yici.base.errors import Invalid
    from yici.platform.data.catalogue import reading
    from yici.platform.data.lake import reading as lake
    from yici.platform.data.pages.words import in_words
    from yici.platform.data.reading import access
    from yici.platform.data.rules import reference

    data_class = class_of(class_id)
    definition = reading.definition_of(data_class)
    given = {column_of(definition, name): value for name, value in map(parted, key)}
    wanted = {name: reference.standard(definition.by_name[name], value) for name, value in given.items()}
    if not purpose.strip() or None in wanted.values():
        raise Invalid("请写明用途，并检查各列的写法。")
    access.record_look(terminal(), data_class, definition, purpose, access.asked_person(definition, wanted))
    moment = timezone.make_aware(as_of) if as_of else None
    for row in lake.look_up(data_class, wanted, moment, version):
        found = table("列", "值")
        for column in definition.columns:
            if column.name in row:
                found.add_row(str(column.label), str(in_words(column, row[column.name]) or "—"))
        console.print(found)


@app.command("roll-back")
def roll_back(
    class_id: ClassId, number: Annotated[int, typer.Argument(help="version to go back to")],
    reason: Annotated[str, typer.Option(help="why; recorded", prompt="原因")],
) -> None:  # fmt: skip
    """Show an earlier version again."""
    set_up_django()
    from yici.platform.data.lake import upkeep

    snapshot = upkeep.roll_back(class_of(class_id), number, None, reason)
    console.print(f"现在显示版本 {snapshot.number}（内容同版本 {number}）。")


@app.command("verify")
def verify(class_id: Annotated[str, typer.Argument(help="only this class")] = "") -> None:
    """Compare every file of every kept version with its checksum. Exit code 1 when something is wrong."""
    set_up_django()
    from yici.platform.data.lake import upkeep

    faults = upkeep.verify(class_of(class_id) if class_id else None)
    for fault in faults:
        console.print(f"[red]{fault}[/red]")
    console.print("数据湖完整，没有发现问题。" if not faults else f"发现 {len(faults)} 处问题。")
    raise SystemExit(FAULTY if faults else OK)


@app.command("look-after")
def look_after() -> None:
    """What the night does: merge small files, let old versions expire, remove orphans, verify."""
    set_up_django()
    from yici.platform.data.runs.scheduling import look_after as upkeep

    console.print(upkeep())
