"""Classes and landed tables for tests of rules, and what each engine makes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yici.base.sql import quoted
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.base import Engine, Screened, Screening
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.rules import reference
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.templates.duckdb import DuckDBTemplates

TODAY = dt.date(2026, 11, 26)
Row = Mapping[str, str | None]


def class_of(
    columns: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]] = (), **more: Any
) -> ClassDefinition:
    """A class with these columns; `headers` are filled in, the first column is the key unless said otherwise."""
    known = [{"headers": [column["name"]], **column} for column in columns]
    return ClassDefinition.model_validate(
        {
            "id": "test.everything",
            "name": {"zh": "测试类"},
            "department": "public_security",
            "category": "department",
            "code": "305001/000999",
            "summary": {"zh": "测试用"},
            "share": {"type": "none"},
            "cycle": "daily",
            "published": "2016-06-30",
            "key": [known[0]["name"]],
            "channels": [{"kind": "static", "unit": "public_security"}],
            "columns": known,
            "rules": list(rules),
            **more,
        }
    )


def every_kind() -> ClassDefinition:
    """A column for every check and every type the vocabulary and the lake know."""
    by_check = {item.check: item for item in reversed(vocabulary.elements()) if item.type == "text" and item.check}
    columns: list[dict[str, Any]] = [{"name": "number", "type": "text"}]
    columns += [{"name": f"c_{check}", "element": item.id} for check, item in sorted(by_check.items())]
    columns += [
        {"name": f"t_{kind}", "type": kind} for kind in ("text", "date", "datetime", "number", "yes_no", "code")
    ]
    columns += [
        {"name": "sex", "element": "person.sex"},
        {"name": "ethnicity", "element": "person.ethnicity"},
        {"name": "birth_date", "element": "person.birth_date"},
        {"name": "term_until", "type": "date"},
        {"name": "yuan", "type": "money", "unit_in_source": "yuan"},
        {"name": "fen", "type": "money", "unit_in_source": "fen"},
        {"name": "capital", "type": "money", "unit_in_source": "ten_thousand_yuan"},
    ]
    rules = [
        {"primitive": "in_list", "column": "t_text", "parameters": {"values": ["无", "男", "O'Neil"]}, "severity": "note"},
        {"primitive": "in_code_list", "column": "t_text", "parameters": {"list": "sex"}, "severity": "note"},
        {"primitive": "date", "column": "t_text", "severity": "note"},
        {"primitive": "matches", "column": "t_text", "parameters": {"pattern": r"[0-9]{1,4}|[^0-9'\\\-]+|\([^)]{0,9}\)"}},
        {"primitive": "number_between", "column": "t_number", "parameters": {"minimum": -1, "maximum": "1.5"}},
        {"primitive": "whole_number", "column": "t_number"},
        {"primitive": "number_between", "column": "yuan", "parameters": {"minimum": 0}},
        {"primitive": "same_as", "column": "yuan", "parameters": {"other": "fen"}},
        {"primitive": "not_in_future", "column": "term_until"},
        {"primitive": "not_before", "column": "term_until", "parameters": {"other": "birth_date"}},
        {"primitive": "not_after", "column": "birth_date", "parameters": {"other": "t_datetime"}},
        {"primitive": "fresh_within", "column": "t_datetime", "parameters": {"days": 3650}},
        {"primitive": "equals_part_of_id", "column": "birth_date", "parameters": {"part": "birth_date", "id": "c_id_number"}},
        {"primitive": "equals_part_of_id", "column": "sex", "parameters": {"part": "sex", "id": "c_id_number"}},
        {"primitive": "required_if", "column": "t_text", "parameters": {"other": "sex", "equals": "1"}},
        {"primitive": "required_if", "column": "t_date", "parameters": {"other": "t_yes_no", "equals": "yes"}},
        {"primitive": "forbidden_if", "column": "t_date", "parameters": {"other": "t_yes_no", "equals": ["no", "yes"]}},
        {"primitive": "required_if", "column": "t_text", "parameters": {"other": "t_number", "equals": "1.5"}},
        {"primitive": "required_if", "column": "t_text", "parameters": {"other": "t_date", "equals": "2017-02-03"}},
        {"primitive": "division", "column": "c_division", "parameters": {"known": True}},
        {"primitive": "plain_text", "column": "t_text", "parameters": {"kind": "one_line"}},
        {"primitive": "length_between", "column": "t_text", "parameters": {"minimum": 2, "maximum": 3000}},
        {"primitive": "unique", "parameters": {"columns": ["t_number", "sex"]}, "severity": "note"},
    ]  # fmt: skip
    return class_of(columns, rules)


def rows_of(definition: ClassDefinition, values: Sequence[str | None]) -> list[Row]:
    """Every value in every column; columns are shifted against each other so that rows differ from column to column."""
    names = [column.name for column in definition.columns]
    return [
        {name: values[(place + shift * 7) % len(values)] if shift else f"{place}" for shift, name in enumerate(names)}
        for place in range(len(values))
    ]


def land(rows: Sequence[Row], path: Path, columns: Iterable[str]) -> Path:
    table = pa.table(
        {
            **{name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns},
            "_row": pa.array(range(1, len(rows) + 1), pa.int64()),
        }
    )
    pq.write_table(table, path, row_group_size=max(len(rows) // 3, 1))
    return path


def standard_by_reference(definition: ClassDefinition, rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {column.name: reference.standard(column, row.get(column.name)) for column in definition.columns} for row in rows
    ]


def standard_by_duckdb(definition: ClassDefinition, landed: Path) -> list[dict[str, Any]]:
    templates = DuckDBTemplates(definition, TODAY)
    names = [column.name for column in definition.columns]
    with connect() as connection:
        query = templates.standardised(f"read_parquet('{landed}')", names)
        columns = ", ".join(f"{quoted('s$' + name)} AS {quoted(name)}" for name in names)
        found: list[dict[str, Any]] = (
            connection.execute(f"SELECT {columns} FROM ({query}) ORDER BY _row").to_arrow_table().to_pylist()
        )
        return found


def screening(
    definition: ClassDefinition, landed: Sequence[Path], folder: Path, rules: Sequence[Rule] | None = None, **more: Any
) -> Screening:
    folder.mkdir(exist_ok=True)
    chosen = rules_of(definition) if rules is None else rules
    return Screening(
        definition, chosen, landed, folder / "accepted.parquet", folder / "quarantined.parquet", TODAY, **more
    )


def screen(engine: Engine, job: Screening) -> tuple[Screened, list[dict[str, Any]], list[dict[str, Any]]]:
    """Counts, accepted rows, held rows."""
    screened = engine.screen(job)
    return screened, pq.read_table(job.accepted).to_pylist(), pq.read_table(job.quarantined).to_pylist()


def expected(
    definition: ClassDefinition, rules: Sequence[Rule], rows: Sequence[Row], **more: Any
) -> tuple[dict[str, tuple[int, int]], list[dict[str, Any]], list[dict[str, Any]]]:
    """The same by the reference: rule → (checked, failed), accepted rows, held rows."""
    verdicts = [one.verdicts for one in reference.screen(definition, rules, rows, TODAY, **more)]
    counts = {
        rule.id: (sum(one[rule.id] is not None for one in verdicts), sum(bool(one[rule.id]) for one in verdicts))
        for rule in rules
    }
    holding = {rule.id for rule in rules if rule.severity == "quarantine"}
    accepted, held = [], []
    for place, (row, verdict) in enumerate(zip(rows, verdicts, strict=True), 1):
        failed = [rule_id for rule_id, fails in verdict.items() if fails]
        if holding.intersection(failed):
            raw = {column.name: row.get(column.name) for column in definition.columns}
            held.append({**raw, "_row": place, "_reasons": failed})
        else:
            standard = {column.name: reference.standard(column, row.get(column.name)) for column in definition.columns}
            accepted.append({**standard, "_row": place})
    return counts, accepted, held
