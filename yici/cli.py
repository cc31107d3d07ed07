"""The `yici` command: run the city, check its folder, look after its data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from yici import __version__
from yici.base.errors import YiciError
from yici.platform.data.commands import app as data_app
from yici.platform.trust.commands import app as trust_app
from yici.systems.hall.joint.commands import merge_items
from yici.web.database import set_up_django

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Yici (一次): one open platform for a city.")
audit_app = typer.Typer(no_args_is_help=True, help="The tamper-evident access log.")
keys_app = typer.Typer(no_args_is_help=True, help="Keys that personal values are sealed with.")
ledger_app = typer.Typer(no_args_is_help=True, help="The double-entry ledger.")
cases_app = typer.Typer(no_args_is_help=True, help="Cases: what is derived from them.")
app.add_typer(audit_app, name="audit")
app.add_typer(keys_app, name="keys")
app.add_typer(ledger_app, name="ledger")
app.add_typer(cases_app, name="cases")
app.add_typer(data_app, name="data")
app.add_typer(trust_app, name="trust")
app.command("merge")(merge_items)
console = Console()


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="default: YICI_PORT or 8000")] = None,
    workers: Annotated[int, typer.Option(help="web server processes")] = 2,
) -> None:
    """Set up what is missing and serve the demo city until Ctrl-C."""
    if port:
        os.environ["YICI_PORT"] = str(port)
    from yici.web.supervisor import serve

    raise SystemExit(serve(console, workers=workers))


@app.command()
def worker(
    queue: Annotated[str, typer.Option(help="only this queue: default or data; nothing: both")] = "",
) -> None:
    """Run only the background worker: on as many machines as needed, over the same database."""
    set_up_django()
    from yici.web.supervisor import run_worker

    run_worker([queue] if queue else None)


@app.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    set_up_django()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)


@app.command()
def load(city: Annotated[Path | None, typer.Argument(help="city folder; default: YICI_CITY")] = None) -> None:
    """Load the city folder into the database; safe to repeat."""
    set_up_django()
    from yici.base.cityfolder import city_folder
    from yici.web.wiring import load_city

    load_city(city or city_folder(), lambda line: console.print(f"· {line}"))


@app.command()
def check(city: Annotated[Path, typer.Argument(help="city folder")] = Path("cities/bozhou")) -> None:
    """Lint a city folder: says file, line, rule and what to do. Exit code 1 when there are errors."""
    os.environ["YICI_CITY"] = str(city.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import django

    django.setup()
    from yici.web.wiring import lint_city

    if not city.is_dir():
        console.print(f"[red]{city} 不是文件夹[/red]")
        raise SystemExit(2)
    errors = warnings = 0
    for finding in lint_city(city.resolve()):
        errors += finding.level == "error"
        warnings += finding.level == "warning"
        colour = "red" if finding.level == "error" else "yellow"
        where = f"{finding.path}:{finding.line}" if finding.line else finding.path
        console.print(f"[bold]{where}[/bold] [{colour}]{finding.rule}[/{colour}] {finding.message}", highlight=False)
        if finding.remedy:
            console.print(f"    → {finding.remedy}", highlight=False)
    console.print(f"{errors} 个错误，{warnings} 个提醒")
    raise SystemExit(1 if errors else 0)


@audit_app.command("verify")
def audit_verify() -> None:
    """Recompute every hash of the access log and list what was changed, removed or re-ordered."""
    set_up_django()
    from yici.core.audit.services import verify

    faults = verify()
    if not faults:
        console.print("[green]查阅记录完整，没有发现改动。[/green]")
        return
    table = Table("分片", "序号", "问题")
    for fault in faults:
        table.add_row(str(fault.shard), str(fault.seq), fault.message)
    console.print(table)
    raise SystemExit(1)


@ledger_app.command("verify")
def ledger_verify() -> None:
    """Prove that every balance is the sum of its entries and every transaction sums to zero."""
    set_up_django()
    from yici.core.ledger.services import verify

    faults = verify()
    for fault in faults:
        console.print(f"[red]{fault.message}[/red]", highlight=False)
    if faults:
        raise SystemExit(1)
    console.print("[green]账簿核对无误：余额等于分录合计，每笔交易借贷相等。[/green]")


@cases_app.command("verify")
def cases_verify(
    mend: Annotated[bool, typer.Option("--mend", help="write again what differs; nobody can act meanwhile")] = False,
) -> None:
    """Prove that each case's columns say what its events say, and the tallied counts what the cases say."""
    set_up_django()
    from yici.core.cases import services

    wrong = services.verify_projections()
    for one in wrong[:20]:
        console.print(f"[red]{one.case} {one.field}：{one.stored} ≠ {one.derived}[/red]", highlight=False)
    tallies = services.verify_tallies()
    if tallies:
        console.print(f"[red]计数与办件不符：{tallies} 组[/red]", highlight=False)
    if mend:
        for number in dict.fromkeys(one.case for one in wrong):
            services.rebuild(number)
        if tallies:
            services.rebuild_tallies()
        console.print(f"已重算 {len({one.case for one in wrong})} 件办件{'和全部计数' if tallies else ''}。")
    elif wrong or tallies:
        raise SystemExit(1)
    else:
        console.print("[green]办件核对无误：各栏与经过一致，计数与办件一致。[/green]")


@keys_app.command("status")
def keys_status() -> None:
    """How many sealed values stand under which key version."""
    set_up_django()
    from yici.base.rewrapping import count_by_version, sealed_columns
    from yici.base.sealing import keyring
    from yici.platform.trust.making.running import SEALED

    table = Table("列", "密钥版本", "数量")
    for column in sealed_columns([SEALED]):
        for mark, number in count_by_version(column).items():
            table.add_row(column.name, f"{mark & 0x7F}{' SM4' if mark & 0x80 else ''}", f"{number:,}")
    console.print(table)
    console.print(f"密钥版本：{'、'.join(map(str, keyring().versions))}；新内容用第 {keyring().newest} 版加密。")


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Make a new key. Restart the city, then `yici keys rewrap` brings what is there under it."""
    set_up_django()
    from yici.base.sealing import keyring

    console.print(f"已生成第 {keyring().add_key()} 版密钥。请先备份密钥目录并重启，再运行 yici keys rewrap。")


@keys_app.command("rewrap")
def keys_rewrap() -> None:
    """Bring every sealed value under the newest key while the city works; may be stopped and repeated."""
    set_up_django()
    from yici.base.rewrapping import rewrap, sealed_columns
    from yici.platform.trust.making.running import SEALED

    for column in sealed_columns([SEALED]):
        done = sum(rewrap(column))
        if done:
            console.print(f"{column.name}：{done:,}")
    console.print("全部内容都在最新密钥之下。")


@app.command()
def manage(
    arguments: Annotated[list[str], typer.Argument(help="a Django management command and its arguments")],
) -> None:
    """Run a Django management command, for example `yici manage shell`."""
    set_up_django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["yici", *arguments])


@app.command()
def openapi(target: Annotated[Path, typer.Argument(help="file to write")] = Path("docs/openapi.json")) -> None:
    """Write the OpenAPI document of the API, as committed in docs/."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import json

    import django

    django.setup()
    from yici.web.api import api

    document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    target.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    console.print(f"{target}: {len(document['paths'])} paths")


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


def main() -> None:
    """Entry point: errors meant for people are printed as one line, not as a traceback."""
    try:
        app()
    except YiciError as error:
        console.print(f"[red]{error.message}[/red]")
        sys.exit(1)


if __name__ == "__main__":
    main()
