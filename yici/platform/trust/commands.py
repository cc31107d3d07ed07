"""`yici trust …`: certificates made in bulk and checked from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from yici.web.database import set_up_django

app = typer.Typer(no_args_is_help=True, help="Certificates: make them from the lake, find and check them.")
console = Console()


@app.command("types")
def types() -> None:
    """Types that are made from data, and how far each is."""
    set_up_django()
    from yici.platform.trust.definitions import certificate_types
    from yici.platform.trust.models import MakingRun

    table = Table("类型", "名称", "数据类", "已制", "变更", "不合格", "状态")
    for kind in certificate_types().values():
        if kind.made_from is None:
            continue
        run = MakingRun.objects.filter(type=kind.slug).order_by("-id").first()
        counts = (
            [f"{run.made:,}", f"{run.changed:,}", f"{run.refused:,}", str(run.get_state_display())]
            if run
            else ["", "", "", ""]
        )
        table.add_row(kind.slug, kind.name.zh, kind.made_from.data_class, *counts)
    console.print(table)


@app.command("make")
def make(type: Annotated[str, typer.Argument(help="certificate type, e.g. resident_id_card")]) -> None:
    """Make every certificate of a type from the lake; goes on where a killed run stopped, adds nothing twice."""
    set_up_django()
    from yici.platform.trust.making.running import make as carry_out

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("制证", total=None)
        run = carry_out(type, lambda done, total: bar.update(task, completed=done, total=total))
    console.print(
        f"{type} ← {run.source}：新制 {run.made:,}，变更 {run.changed:,}，未变 {run.unchanged:,}，"
        f"不合格 {run.refused:,}{'（' + '，'.join(f'{why} {n}' for why, n in run.refusals.items()) + '）' if run.refusals else ''}"
    )


@app.command("renew-signer")
def renew_signer() -> None:
    """A new key for the city's certificates, issued by the root; restart afterwards. What was signed stays checkable."""
    set_up_django()
    from yici.platform.trust.authority import renew_signer as carry_out

    console.print(f"新的签名密钥 {carry_out()[:16]}，重启后生效；旧证书留作验证。")


@app.command("evidence")
def evidence(
    identifier: Annotated[str, typer.Argument(help="GB/T 36904 identifier")],
    target: Annotated[Path, typer.Argument(help="file to write")] = Path("evidence.json"),
) -> None:
    """Write what a stranger needs to check one record offline: the record, its proof, the signature. Recorded."""
    set_up_django()
    from yici.core.audit import services as audit
    from yici.platform.trust.making.reading import evidence_of, find

    found = find(identifier)
    audit.record(audit.SYSTEM, "read", subject=("certificate", identifier), purpose="命令行导出证照证据")
    target.write_text(json.dumps(evidence_of(found), ensure_ascii=False, indent=1), "utf-8")
    console.print(f"{target}")


@app.command("judge")
def judge(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="evidence as JSON")]) -> None:
    """authentic, altered, foreign or unreadable. Exit code 1 unless authentic."""
    set_up_django()
    from yici.platform.trust.making.reading import judge_evidence

    try:
        verdict = judge_evidence(json.loads(file.read_text("utf-8")))
    except (ValueError, UnicodeDecodeError):
        verdict = "unreadable"
    console.print(verdict)
    raise SystemExit(0 if verdict == "authentic" else 1)


@app.command("evidence-check")
def evidence_check(
    package: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="evidence package of an envelope (zip)")],
) -> None:
    """Check the evidence of an envelope against this city's own roots. Exit code 1 unless everything holds."""
    set_up_django()
    import tempfile

    from yici.platform.trust.signatures import evidence, evidence_check

    with tempfile.TemporaryDirectory() as folder:
        city, people = Path(folder) / "city.crt", Path(folder) / "people.crt"
        for path, root in zip((city, people), evidence.roots(), strict=True):
            path.write_bytes(root)
        raise SystemExit(evidence_check.main([str(package), "--city-root", str(city), "--people-root", str(people)]))
