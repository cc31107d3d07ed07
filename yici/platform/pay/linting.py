"""Remarks about `fees/` of the city folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.core.people.organisation_files import city_rows
from yici.platform.pay.definitions import BILLERS, FOLDER, Biller, Fee, fee_files


def lint(city: Path) -> Iterator[Finding]:
    """Shape, duplicate codes, payees that exist, English, reductions that can be reached, billers and their fees."""
    slugs = {row["slug"] for _line, row in city_rows(city)}
    codes: dict[str, str] = {}
    for path in fee_files(city):
        name = str(path.relative_to(city))
        for raw in _entries(path, name):
            if isinstance(raw, Finding):
                yield raw
            else:
                yield from _lint_fee(raw, name, codes, slugs)
    if (city / FOLDER / BILLERS).exists():
        yield from _lint_billers(city / FOLDER / BILLERS, f"{FOLDER}/{BILLERS}", codes)


def _entries(path: Path, name: str) -> Iterator[Located | Finding]:
    try:
        raw = read_yaml(path)
    except Misconfigured as error:
        yield Finding(name, 0, "fee-yaml", str(error.message))
        return
    if not isinstance(raw, list) or not all(isinstance(one, Located) for one in raw):
        yield Finding(name, 0, "fee-yaml", "文件应是收费项目的列表", "每项以 - code: 开头")
        return
    yield from raw


def _shape(model: Any, raw: Located, name: str, rule: str) -> Iterator[Finding]:
    try:
        model.model_validate(raw)
    except ValidationError as error:
        for problem in error.errors():
            steps = [step for step in problem["loc"] if isinstance(step, (str, int))]
            where = ".".join(map(str, steps)) or str(raw.get("code") or raw.get("id") or "")
            yield Finding(name, raw.line_of(*steps), rule, f"{where}：{problem['msg']}", "按字段说明修改")


def _lint_fee(raw: Located, name: str, codes: dict[str, str], slugs: set[str]) -> Iterator[Finding]:
    wrong = list(_shape(Fee, raw, name, "fee-shape"))
    if wrong:
        yield from wrong
        return
    fee = Fee.model_validate(raw)
    if fee.code in codes:
        yield Finding(name, raw.line_of("code"), "fee-twice", f"{fee.code} 已写在 {codes[fee.code]}", "删去一处")
    codes.setdefault(fee.code, name)
    if fee.payee.organisation and fee.payee.organisation not in slugs:
        yield Finding(
            name, raw.line_of("payee"), "fee-payee", f"没有机构 {fee.payee.organisation}", "改成 organisations 中的机构"
        )
    if fee.kind in ("administrative", "fund") and not fee.non_tax:
        yield Finding(name, raw.line_of("non_tax"), "fee-non-tax", "行政事业性收费和基金是非税收入", "设 non_tax: true")
    if fee.kind == "tax" and fee.non_tax:
        yield Finding(name, raw.line_of("non_tax"), "fee-non-tax", "税收不开非税票据", "设 non_tax: false")
    if fee.valid_until and fee.valid_until < fee.valid_from:
        yield Finding(name, raw.line_of("valid_until"), "fee-days", "停收日期早于开始日期", "改正日期")
    for index, later in enumerate(fee.reductions):
        for earlier in fee.reductions[:index]:
            if earlier.when.items() <= later.when.items():
                line = raw.line_of("reductions", index)
                yield Finding(
                    name,
                    line,
                    "fee-reduction",
                    f"减免 {later.id} 永远用不到：{earlier.id} 总是先符合",
                    "把条件多的放在前面",
                )
    if not (fee.name.en and fee.unit.en and all(one.label.en for one in fee.reductions)):
        yield Finding(name, raw.line_of("name"), "fee-english", f"{fee.code} 缺少英文", "补上 en", "warning")


def _lint_billers(path: Path, name: str, codes: dict[str, str]) -> Iterator[Finding]:
    for raw in _entries(path, name):
        if isinstance(raw, Finding):
            yield raw
            continue
        wrong = list(_shape(Biller, raw, name, "biller-shape"))
        yield from wrong
        if wrong:
            continue
        biller = Biller.model_validate(raw)
        if biller.fee not in codes:
            yield Finding(name, raw.line_of("fee"), "biller-fee", f"收费清单没有 {biller.fee}", "先列入收费清单")
        try:
            re.compile(biller.account_pattern)
        except re.error as error:
            yield Finding(
                name, raw.line_of("account_pattern"), "biller-pattern", f"无法识别的格式：{error}", "改正正则式"
            )
