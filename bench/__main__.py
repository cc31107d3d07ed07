"""`python -m bench [name …]`: run the measurements and print one table. Names: the modules listed below."""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import Result

MODULES = [
    "rules",
    "requests",
    "catalogue",
    "weight",
    "memory",
    "lighthouse",
    "making",
    "identity",
    "openid",
    "signing",
    "pay",
    "certificate_files",
    "joint",
    "papers",
    "sealing",
    "data_landing",
    "data_rules",
    "data_lake",
    "data_small",
    "data_generating",
]


def main(names: list[str]) -> int:
    console = Console()
    unknown = set(names) - set(MODULES)
    if unknown:
        console.print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
        return 2
    results: list[Result] = []
    for name in names or MODULES:
        console.print(f"· {name}")
        results += import_module(f"bench.{name}").run()
    table = Table("measurement", "value", "target", "", "note", title=_machine())
    for result in results:
        mark = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}[result.is_met]
        target = (
            ""
            if result.target is None
            else f"{'≥' if result.higher_is_better else '≤'} {result.target:g} {result.unit}"
        )
        table.add_row(result.name, f"{result.value:,.2f} {result.unit}", target, mark, result.note)
    console.print(table)
    return 1 if any(result.is_met is False for result in results) else 0


def _machine() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{model}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
