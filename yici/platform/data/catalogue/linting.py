"""Remarks about `classes/` and `paper_series.yaml` of a city folder: file, line, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.core.people.organisation_files import city_rows
from yici.platform.data.catalogue import paper, reading
from yici.platform.data.catalogue.class_findings import ClassFindings, Known
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.catalogue.reading import CatalogueFile, RegisterEntry
from yici.platform.data.catalogue.register_findings import figures_of_register, lines_of_register

CATALOGUE = f"{reading.FOLDER}/catalogue.yaml"
REGISTER = f"{reading.FOLDER}/register.csv"


def lint(city: Path) -> Iterable[Finding]:
    """Every finding; nothing for a city that has no classes yet."""
    if not (city / reading.FOLDER).is_dir():
        return
    try:
        catalogue = reading.catalogue_file(city)
    except Misconfigured as error:
        yield Finding(CATALOGUE, _line(error), "classes.catalogue", str(error.message), "按同目录说明修改。")
        catalogue = CatalogueFile()
    try:
        register = reading.register(city)
    except Misconfigured as error:
        yield Finding(REGISTER, _line(error), "classes.register", str(error.message), "逐行补全字段。")
        register = []
    holders = {row["function"] for _line, row in city_rows(city) if row["holds_data"] == "yes"}
    parsed, findings = _parse(city)
    yield from findings
    known = Known(
        holders=holders,
        categories={name: entry.prefix for name, entry in catalogue.categories.items()},
        classes={definition.id: definition for _path, _body, definition in parsed},
        registered={entry.slug: entry for entry in register},
        connections=_connections(city),
    )
    yield from lines_of_register(register, known)
    yield from figures_of_register(register, catalogue.expected, CATALOGUE)
    for path, body, definition in parsed:
        yield from ClassFindings(str(path.relative_to(city)), body, definition, known).findings()
    yield from _codes_twice(city, parsed, register)
    yield from _paper(city, known)


def _connections(city: Path) -> set[str]:
    """Names in `sources.yaml`; what is wrong in that file itself is said when it is used."""
    path = city / "sources.yaml"
    body = read_yaml(path) if path.is_file() else {}
    return set((body or {}).get("connections") or {})


def _parse(city: Path) -> tuple[list[tuple[Path, Located, ClassDefinition]], list[Finding]]:
    """Files that have the shape of a class, and findings about those that have not."""
    parsed, findings = [], []
    for path in reading.definition_files(city):
        name = str(path.relative_to(city))
        try:
            body = read_yaml(path)
        except Misconfigured as error:
            findings.append(Finding(name, _line(error), "classes.yaml", str(error.message), "按提示的行修正 YAML。"))
            continue
        if not isinstance(body, Located):
            findings.append(Finding(name, 1, "classes.yaml", "文件应是一个映射。", "参照同目录其他文件。"))
            continue
        try:
            parsed.append((path, body, ClassDefinition.model_validate(body)))
        except ValidationError as error:
            findings.extend(_shape(name, body, error))
    return parsed, findings


def _shape(name: str, body: Located, error: ValidationError) -> Iterator[Finding]:
    for problem in error.errors():
        steps = [step for step in problem["loc"] if isinstance(step, (str, int))]
        where = ".".join(str(step) for step in steps)
        yield Finding(
            name,
            body.line_of(*steps),
            "classes.shape",
            f"{where}：{problem['msg']}",
            "对照 classes/README.md 的字段表修改。",
        )


def _codes_twice(
    city: Path, parsed: list[tuple[Path, Located, ClassDefinition]], register: list[RegisterEntry]
) -> Iterator[Finding]:
    owners = {entry.code: entry.slug for entry in register}
    for path, body, definition in parsed:
        owner = owners.setdefault(definition.code, definition.id)
        if owner != definition.id:
            message = f"信息资源代码 {definition.code} 已由 {owner} 使用。"
            yield Finding(
                str(path.relative_to(city)),
                body.line_of("code"),
                "classes.code",
                message,
                "顺序码往后取一个没有用过的。",
            )


def _paper(city: Path, known: Known) -> Iterator[Finding]:
    try:
        series = paper.read_series(city)
    except Misconfigured as error:
        yield Finding(paper.FILE, _line(error), "paper.shape", str(error.message), "对照文件开头的说明修改。")
        return
    body = read_yaml(city / paper.FILE) if series else Located()
    for slug, entry in series.items():
        line = body.line_of("series", slug)
        if entry.department not in known.holders:
            message = f"{slug} 的部门 {entry.department} 不是数据持有单位。"
            yield Finding(paper.FILE, line, "paper.department", message, "改成 organisations/city.csv 中的 function。")
        if entry.data_class and entry.data_class not in known.registered:
            message = f"{slug} 对应的数据类 {entry.data_class} 不在 register.csv。"
            yield Finding(paper.FILE, line, "paper.class", message, "改正 data_class，或先登记这个数据类。")
        if not entry.name.en:
            yield Finding(paper.FILE, line, "paper.languages", f"{slug} 缺少英文名称。", "补上 name.en。")


def _line(error: Misconfigured) -> int:
    """The line a message names as `path:line`; 0 where it names none."""
    head = str(error.message).split(" ", 1)[0].rpartition(":")[2]
    return int(head) if head.isdecimal() else 0
