"""Commands about what the city has: departments, classes, their sources, the catalogue for others, a generated city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yici.platform.data.commands.terminal import FAULTY, OK, ClassId, class_of, console, progress, table
from yici.web.database import set_up_django

app = typer.Typer()


@app.command("departments")
def departments() -> None:
    """List the departments that hold data: classes, rows in the lake, score, open issues."""
    set_up_django()
    from yici.core.people.models import Organisation
    from yici.platform.data.models import DataClass
    from yici.platform.data.quality.queries import Tally, latest_scores, open_issue_counts, summed

    scores, issues = summed(latest_scores(), "data_class__department"), open_issue_counts()
    classes: dict[int, list[DataClass]] = {}
    for one in DataClass.objects.filter(withdrawn_at=None).select_related("current"):
        classes.setdefault(one.department_id, []).append(one)
    found = table("单位", "名称", "数据类", "已写明列", "申报行数", "入库行数", "质量得分", "未解决问题")
    for unit in Organisation.objects.filter(pk__in=list(classes)):
        own = classes[unit.pk]
        found.add_row(
            unit.function, unit.short_name or unit.name, str(len(own)), str(sum(one.is_described for one in own)),
            f"{sum(one.declared_rows for one in own):,}", f"{sum(one.current.row_count for one in own if one.current):,}",
            _score(scores.get(unit.pk, Tally())), str(issues.get(unit.pk, 0)),
        )  # fmt: skip
    console.print(found)
    console.print(f"{found.row_count} 个单位，{sum(map(len, classes.values()))} 类")


@app.command("classes")
def classes(
    department: Annotated[str, typer.Option(help="function of a department, e.g. public_security")] = "",
    described: Annotated[bool, typer.Option("--described", help="only classes whose columns are written")] = False,
    light: Annotated[str, typer.Option(help="green, yellow, red or grey")] = "",
) -> None:
    """List classes with channel, freshness light, quality score, rows in the lake and the last run."""
    set_up_django()
    from yici.platform.data.models import DataClass
    from yici.platform.data.reading.catalogue import class_rows
    from yici.platform.data.templatetags.data_desk import due_in_words, when

    rows = DataClass.objects.filter(withdrawn_at=None).select_related("department", "current")
    if department:
        rows = rows.filter(department__function=department)
    if described:
        rows = rows.filter(is_described=True)
    found = table("类", "名称", "单位", "周期", "对接", "新鲜度", "得分", "入库行数", "最近运行")
    links = 0
    for row in class_rows(list(rows)):
        if light and row.light != light:
            continue
        one, run = row.data_class, row.last_run
        links += len(row.channels)
        found.add_row(
            one.slug,
            one.name,
            one.department.short_name,
            one.get_cycle_display(),
            "、".join(str(channel.get_kind_display()) for channel in row.channels),
            due_in_words(row.light, row.due),
            _score(row.tally),
            f"{row.rows:,}" if row.rows is not None else "—",
            f"{run.pk} {run.get_state_display()} {when(run.queued_at)}" if run else "—",
        )
    console.print(found)
    console.print(f"{found.row_count} 类，{links} 条对接关系")


def _score(tally: object) -> str:
    score = getattr(tally, "score", None)
    return "—" if score is None else f"{score:.2%}"


@app.command("check-source")
def check_source(class_id: ClassId) -> None:
    """Try the channels of a class: says what is wrong with each and what to do."""
    set_up_django()
    from yici.platform.data.catalogue import reading
    from yici.platform.data.sources.registry import source

    found = 0
    data_class = class_of(class_id)
    definition = reading.definition_of(data_class)
    for channel in data_class.channels.filter(withdrawn_at=None):
        problems = source(channel.kind).check_config(channel.options, definition=definition)
        errors = [problem for problem in problems if problem.level == "error"]
        console.print(f"{channel.get_kind_display()}  {channel.unit.name}: {'' if errors else '可用'}")
        for problem in problems:
            found += problem.level == "error"
            console.print(f"  [{'red' if problem.level == 'error' else 'yellow'}]{problem}[/]")
    raise SystemExit(FAULTY if found else OK)


@app.command("draft")
def draft(
    class_id: ClassId,
    file: Annotated[Path, typer.Argument(help="a file of the department", exists=True, dir_okay=False)],
    into: Annotated[Path | None, typer.Option(help="city folder to write into; default: print")] = None,
) -> None:
    """Draft the description of a class that is only registered from a file: columns, elements, types, key."""
    set_up_django()
    from yici.base.errors import Conflict
    from yici.platform.data.catalogue import drafting

    data_class = class_of(class_id)
    with file.open("rb") as stream:
        made = drafting.file_of(data_class, stream, file.name)
    if into is None:
        typer.echo(made.text)
        return
    target = into / made.path
    if target.exists():
        raise Conflict(f"{target} 已经存在。")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(made.text, "utf-8")
    console.print(f"{target}：核对后执行 yici check {into}")


@app.command("catalogue")
def write_catalogue(
    target: Annotated[Path, typer.Argument(help="file to write: .csv (national guide) or .jsonld (DCAT-AP)")],
) -> None:
    """Write the whole catalogue for another platform."""
    set_up_django()
    from yici.platform.data.catalogue import exporting

    exporting.write(target)
    console.print(f"{target}")


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
    with progress("生成数据") as update:
        made = make(population, seed, target, progress=update)
    console.print(f"[green]{target}[/green]  {made}")
    if deliver:
        with progress("交付到各部门") as update:
            console.print(str(delivering.deliver(target, progress=update)))
