"""Commands about quality: the league table, what was handed back to whom, who is missing, what is still on paper."""

from __future__ import annotations

from typing import Annotated

import typer

from yici.platform.data.commands.terminal import console, table
from yici.web.database import set_up_django

app = typer.Typer()
_COUNT = typer.Option(help="how many")


@app.command("quality")
def show_quality() -> None:
    """The six dimensions and the departments by score, best first."""
    set_up_django()
    from yici.platform.data.models.quality import Dimension
    from yici.platform.data.quality import queries

    tallies = queries.dimension_scores()
    by_dimension = table("维度", "得分", "校验", "不合格")
    for one in Dimension:
        tally = tallies.get(one.value, queries.Tally())
        by_dimension.add_row(str(one.label), _percent(tally.score), f"{tally.checked:,}", f"{tally.failed:,}")
    console.print(by_dimension)
    league = table("名次", "单位", "得分", "比上月", "数据类", "未解决问题", "超期")
    for row in queries.league():
        change = "—" if row.change is None else f"{row.change * 100:+.2f}"
        league.add_row(
            str(row.rank), row.department.short_name or row.department.name, _percent(row.tally.score), change,
            str(row.classes), str(row.open_issues), str(row.overdue),
        )  # fmt: skip
    console.print(league)


@app.command("issues")
def issues(
    class_id: Annotated[str, typer.Argument(help="only of this class")] = "",
    unit: Annotated[str, typer.Option(help="function of a providing unit")] = "",
    count: Annotated[int, _COUNT] = 50,
) -> None:
    """Open issues with the unit that mends them and its case, those with the most failing rows first."""
    set_up_django()
    from yici.platform.data.quality import queries
    from yici.platform.data.reading.issues import in_words

    found = queries.open_issues()
    if class_id:
        found = found.filter(data_class=class_id)
    if unit:
        found = found.filter(unit__function=unit)
    rows = table("类", "问题", "报送单位", "不合格", "最初", "办件")
    for one in in_words(found[:count]):
        rows.add_row(
            one.data_class_id, one.words, one.unit.short_name or one.unit.name,  # type: ignore[attr-defined]
            f"{one.failed:,}", f"{one.failed_at_first:,}", one.case_number,
        )  # fmt: skip
    console.print(rows)
    console.print(f"共 {found.count()} 个未解决的问题")


@app.command("coverage")
def show_coverage() -> None:
    """Who should be on record and is not: numbers, no names."""
    set_up_django()
    from yici.platform.data.quality.coverage import coverage

    rows = table("对照", "数据类", "应有", "在册", "缺", "覆盖率", whole=0)
    for one in coverage():
        counts = ["—" if number is None else f"{number:,}" for number in (one.reference, one.covered, one.missing)]
        rows.add_row(one.entry.label.zh, one.entry.covered_by.data_class, *counts, _percent(one.share))
    console.print(rows)


@app.command("backlog")
def backlog() -> None:
    """Paper series that are not digitised, those for which the most citizens wait first."""
    set_up_django()
    from yici.platform.data.quality.backlog import series

    rows = table("档案", "单位", "等待的群众", "件数", "已扫描", "已结构化", "计划完成", whole=0)
    for one in series():
        planned = f"{one.planned_for:%Y-%m}" if one.planned_for else "—"
        rows.add_row(
            one.name, one.department.short_name or one.department.name, f"{one.waiting:,}", f"{one.papers:,}",
            _percent(one.scanned / one.papers), _percent(one.structured / one.papers), planned,
        )  # fmt: skip
    console.print(rows)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.2%}"
