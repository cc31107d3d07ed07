"""Commands about versions: what is kept, going back, checksums, the night's upkeep."""

from __future__ import annotations

from typing import Annotated

import typer

from yici.platform.data.commands.terminal import FAULTY, OK, ClassId, class_of, console, table
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
