"""`yici merge ITEM ITEM…`: what several items come to as one, from the city folder alone (no database)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()


def merge_items(
    items: Annotated[list[str], typer.Argument(help="codes of items, e.g. geti-gongshanghu shipin-jingying-xuke")],
    city: Annotated[Path, typer.Option(help="city folder")] = Path("cities/bozhou"),
) -> None:
    """Print items as one: form, materials before and after, order, days, costs. Exit code 1 where they cannot be joined."""
    os.environ["YICI_CITY"] = str(city.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import django

    django.setup()
    from yici.base.errors import YiciError
    from yici.systems.hall.joint.describing import described
    from yici.systems.hall.joint.merging import merge
    from yici.systems.hall.joint.themes import items_of_folder, supplies_of_folder

    try:
        folder = city.resolve()
        merged = merge(items_of_folder(items, folder), supplies=supplies_of_folder(folder))
    except YiciError as error:
        console.print(f"[red]{error.message}[/red]", highlight=False)
        raise SystemExit(1) from error
    for title, columns, rows in described(merged):
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for one in merged.contradictions:
        console.print(f"[red]不能合并：{one.message}[/red]", highlight=False)
    raise SystemExit(1 if merged.contradictions else 0)
