"""Checks of `organisations/`, `roles.yaml` and `identity.yaml` in a city folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.faults import faults_of
from yici.core.people.assurance import FILE as IDENTITY_FILE
from yici.core.people.assurance import Identity
from yici.core.people.models import Organisation
from yici.core.people.organisation_files import CITY_FILE, COUNTIES_FILE, GRASSROOTS_FILE, city_rows
from yici.core.people.permissions import PERMISSIONS

_ROLES = "roles.yaml"
_KINDS = set(Organisation.Kind.values)


def lint(city: Path) -> Iterator[Finding]:
    """Every finding about organisations and roles."""
    missing = [
        name
        for name in (CITY_FILE, COUNTIES_FILE, GRASSROOTS_FILE, _ROLES, IDENTITY_FILE)
        if not (city / name).exists()
    ]
    for name in missing:
        yield Finding(name, 0, "people.missing", "缺少文件", "从其他城市文件夹复制后按本市情况修改")
    if missing:
        return
    rows = city_rows(city)
    yield from _lint_city_bodies(rows)
    yield from _lint_counts(rows, read_yaml(city / GRASSROOTS_FILE).get("expected") or {})
    yield from _lint_counties(read_yaml(city / COUNTIES_FILE), {row["slug"] for _line, row in rows})
    yield from _lint_roles(read_yaml(city / _ROLES))
    try:
        Identity.model_validate(read_yaml(city / IDENTITY_FILE))
    except ValidationError as error:
        for where, message in faults_of(error):
            yield Finding(IDENTITY_FILE, 0, "people.identity", f"{where} 有误：{message}", "对照其他城市的写法修改")


def _lint_city_bodies(rows: list[tuple[int, dict[str, str]]]) -> Iterator[Finding]:
    seen: set[str] = set()
    functions: dict[str, str] = {}
    for line, row in rows:
        slug, parent, function = row["slug"], row["parent"], row["function"]
        if slug in seen:
            yield Finding(CITY_FILE, line, "people.slug", f"机构标识 {slug} 重复", "改用另一个标识")
        if parent and parent not in seen:
            yield Finding(
                CITY_FILE, line, "people.parent", f"{slug} 的上级 {parent} 不存在或排在后面", "把上级机构排在它之前"
            )
        if row["kind"] not in _KINDS:
            kinds = "、".join(sorted(_KINDS))
            yield Finding(CITY_FILE, line, "people.kind", f"{slug} 的类型 {row['kind']} 无效", f"从这些中选：{kinds}")
        if not row["name"] or not row["short_name"]:
            yield Finding(CITY_FILE, line, "people.name", f"{slug} 缺少名称或简称", "补全 name 和 short_name")
        if function in functions:
            yield Finding(
                CITY_FILE, line, "people.function", f"{slug} 与 {functions[function]} 职能相同：{function}",
                "同一级一个职能只能由一个机构承担，事项按职能找办理机构",
            )  # fmt: skip
        seen.add(slug)
        if function:
            functions[function] = slug
    roots = [line for line, row in rows if not row["parent"]]
    if len(roots) != 1:
        line = roots[1] if len(roots) > 1 else 0
        yield Finding(CITY_FILE, line, "people.root", f"应有一个没有上级的机构，实有 {len(roots)} 个", "写明上级")


def _lint_counts(rows: list[tuple[int, dict[str, str]]], expected: dict[str, int]) -> Iterator[Finding]:
    columns = {
        "municipal_units": ("municipal_unit", "市直单位"),
        "data_holders": ("holds_data", "数据提供单位"),
    }
    for key, (column, label) in columns.items():
        number = sum(row[column] == "yes" for _line, row in rows)
        if key in expected and number != expected[key]:
            yield Finding(
                CITY_FILE, 0, "people.count", f"{label}应有 {expected[key]} 家，实有 {number} 家",
                f"核对 {column} 一列；确有增减时改 {GRASSROOTS_FILE} 中的 expected",
            )  # fmt: skip


def _lint_counties(document: Located, city_slugs: set[str]) -> Iterator[Finding]:
    for slug in document["counties"]:
        if slug in city_slugs:
            line = document.line_of("counties", slug)
            yield Finding(COUNTIES_FILE, line, "people.slug", f"机构标识 {slug} 与市级机构重复", "改用另一个标识")
    counted = Counter(entry["function"] for entry in document["departments"])
    before: set[str] = set()
    for number, entry in enumerate(document["departments"]):
        line = document.line_of("departments", number)
        function, under = entry["function"], entry.get("under")
        if counted[function] > 1:
            yield Finding(COUNTIES_FILE, line, "people.function", f"职能 {function} 重复", "删去重复的部门")
        if under and under not in before:
            yield Finding(
                COUNTIES_FILE,
                line,
                "people.parent",
                f"{function} 的上级 {under} 不存在或排在后面",
                "把上级部门排在它之前",
            )
        before.add(function)


def _lint_roles(document: Any) -> Iterator[Finding]:
    roles: Located = document["roles"]
    for slug, role in roles.items():
        line = roles.lines[slug]
        label = role.get("label")
        if not isinstance(label, dict) or not label.get("zh") or not label.get("en"):
            yield Finding(_ROLES, line, "people.role", f"角色 {slug} 缺少中文或英文名称", "label: {zh: …, en: …}")
        if not role.get("permissions"):
            yield Finding(_ROLES, line, "people.role", f"角色 {slug} 没有任何权限", "列出 permissions")
        for permission in role.get("permissions") or []:
            if permission not in PERMISSIONS:
                yield Finding(
                    _ROLES, role.line_of("permissions"), "people.permission", f"角色 {slug} 的权限 {permission} 不存在",
                    "权限见 yici/core/people/permissions.py",
                )  # fmt: skip
    granted = {permission for role in roles.values() for permission in role.get("permissions") or []}
    for permission in PERMISSIONS:
        if permission not in granted:
            yield Finding(
                _ROLES, 0, "people.permission", f"没有角色拥有权限 {permission}", "把它加入某个角色", level="warning"
            )
