"""Remarks about `certificates/` of the city folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml, yaml_files
from yici.base.errors import Invalid, Misconfigured
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check_uscc
from yici.platform.trust import registry
from yici.platform.trust.definitions import FOLDER, CertificateType, read_type


def lint(city: Path) -> Iterator[Finding]:
    """Every finding: shape, type code, elements, template, duplicate codes."""
    codes: dict[str, str] = {}
    for path in yaml_files(city / FOLDER):
        name = str(path.relative_to(city))
        try:
            raw = read_yaml(path)
        except Misconfigured as error:
            yield Finding(name, 0, "certificate-yaml", str(error.message))
            continue
        if not isinstance(raw, Located):
            yield Finding(name, 0, "certificate-yaml", "文件应是一个映射", "参照同目录其他文件")
            continue
        yield from _lint_one(city, path, name, raw, codes)
    yield from _lint_registry(city)


def _lint_registry(city: Path) -> Iterator[Finding]:
    """The register counts what it says, names each certificate once, and agrees with the types that are described."""
    try:
        read = registry.Registry.model_validate(read_yaml(city / registry.FILE))
    except (Misconfigured, ValidationError) as error:
        yield Finding(registry.FILE, 0, "registry-shape", str(error), "每行写 name、issuer、category，可写 type")
        return
    if len(read.types) != read.total:
        message = f"写明 {read.total} 种，实际列出 {len(read.types)} 种"
        yield Finding(registry.FILE, 0, "registry-total", message, "补上漏掉的，或者改正 total")
    names = {path.stem: read_type(path).name.zh for path in yaml_files(city / FOLDER) if _reads(path)}
    seen: set[str] = set()
    for row in read.types:
        if row.name in seen:
            yield Finding(registry.FILE, 0, "registry-twice", f"{row.name} 列了两次", "删去一行")
        seen.add(row.name)
        if row.type and names.get(row.type) != row.name:
            message = f"{row.name} 的类型 {row.type} 不存在或名称不同"
            yield Finding(registry.FILE, 0, "registry-type", message, f"对照 {FOLDER}/{row.type}.yaml")


def _reads(path: Path) -> bool:
    try:
        read_type(path)
    except Misconfigured:
        return False
    return True


def _lint_one(city: Path, path: Path, name: str, raw: Located, codes: dict[str, str]) -> Iterator[Finding]:
    try:
        kind = CertificateType.model_validate(raw)
    except ValidationError as error:
        for problem in error.errors():
            steps = [step for step in problem["loc"] if isinstance(step, (str, int))]
            where = ".".join(str(step) for step in steps)
            yield Finding(
                name, raw.line_of(*steps), "certificate-shape", f"{where}：{problem['msg']}", "按字段说明修改"
            )
        return
    if kind.slug != path.stem:
        yield Finding(
            name, raw.line_of("slug"), "certificate-slug", f"slug 是 {kind.slug}，与文件名不同", "两者改成一致"
        )
    if kind.type_code in codes:
        yield Finding(
            name,
            raw.line_of("type_code"),
            "certificate-code-twice",
            f"类型代码与 {codes[kind.type_code]} 重复",
            "换一个",
        )
    codes.setdefault(kind.type_code, name)
    try:
        check_uscc(kind.type_code[:18])
    except Invalid as error:
        yield Finding(
            name, raw.line_of("type_code"), "certificate-code", f"前 18 位：{error.message}", "写定义部门的代码"
        )
    named = {
        **dict.fromkeys([*kind.face, *kind.blanks()], "face"),
        **dict.fromkeys(filter(None, [kind.representative]), "representative"),
        **dict.fromkeys(kind.holders, "holders"),
    }
    for element, where in named.items():
        if not vocabulary.has_element(element):
            yield Finding(
                name, raw.line_of(where), "certificate-element", f"没有数据元 {element}", "改成 vocabulary 中的数据元"
            )
    if not (city / FOLDER / "templates" / kind.template).is_file():
        yield Finding(
            name, raw.line_of("template"), "certificate-template", f"没有模板 {kind.template}", "放到 templates/"
        )
    if kind.is_issued_here and not kind.name.en:
        yield Finding(name, raw.line_of("name"), "certificate-english", "缺少英文名称", "补上 name.en", "warning")
