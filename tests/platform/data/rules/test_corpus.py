"""The corpus of nasty values: the engine's standard values and tags are those of the reference, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platform.data.rules.corpus import EVERYTHING
from tests.platform.data.rules.tables import (
    every_kind,
    expected,
    land,
    rows_of,
    screen,
    screening,
    standard_by_duckdb,
    standard_by_reference,
)
from yici.platform.data.engines import engine
from yici.platform.data.rules.deriving import rules_of


def test_every_value_in_every_column_has_the_standard_form_of_the_reference(tmp_path: Path) -> None:
    definition = every_kind()
    rows = rows_of(definition, EVERYTHING)
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)

    found = standard_by_duckdb(definition, landed)

    for raw, ours, theirs in zip(rows, standard_by_reference(definition, rows), found, strict=True):
        assert {name: (raw[name], value) for name, value in theirs.items()} == {
            name: (raw[name], value) for name, value in ours.items()
        }


@pytest.mark.parametrize("name", ["duckdb", "rows"])
def test_every_value_in_every_column_is_tagged_as_the_reference_tags_it(name: str, tmp_path: Path) -> None:
    definition = every_kind()
    rules = rules_of(definition)
    rows = rows_of(definition, EVERYTHING)
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)
    counts, accepted, held = expected(definition, rules, rows)

    screened, found_accepted, found_held = screen(engine(name), screening(definition, [landed], tmp_path / "out"))

    assert [row["_reasons"] for row in found_held] == [row["_reasons"] for row in held]
    assert found_held == held
    assert found_accepted == accepted
    assert {one.rule.id: (one.checked, one.failed) for one in screened.outcomes} == counts
    assert screened.rows == screened.accepted + screened.quarantined == len(rows)


@pytest.mark.parametrize("name", ["duckdb", "rows"])
def test_each_value_alone_in_an_otherwise_blank_row_is_judged_alike(name: str, tmp_path: Path) -> None:
    definition = every_kind()
    definition = definition.model_copy(
        update={"columns": tuple(column.model_copy(update={"required": False}) for column in definition.columns)}
    )
    rules = rules_of(definition)
    names = [name for name in definition.by_name if name != "number"]
    rows = [{"number": f"{place}-{name}", name: value} for place, value in enumerate(EVERYTHING) for name in names]
    landed = land(rows, tmp_path / "landed.parquet", definition.by_name)
    counts, accepted, held = expected(definition, rules, rows)

    screened, found_accepted, found_held = screen(engine(name), screening(definition, [landed], tmp_path / "out"))

    assert found_held == held
    assert found_accepted == accepted
    assert {one.rule.id: (one.checked, one.failed) for one in screened.outcomes} == counts
    assert len(accepted) > 1000 and len(held) > 1000
