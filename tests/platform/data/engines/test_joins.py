"""The two jobs over several classes, on DuckDB, against sums made in plain Python; Spark is compared in `test_spark`."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.platform.data.engines import households
from yici.platform.data.engines import joins

LIMITS = joins.Thresholds(income_per_head=80_000, vehicles=1, vehicle_value=10_000_000, houses=1, area_per_head=40)


def means_test(files: dict[str, Path], into: Path, **more: Any) -> joins.MeansTest:
    inputs = {name: [files[name]] for name in ("members", "wages", "vehicles", "houses")}
    return joins.MeansTest(
        **inputs, into=into, **{"first_month": "2026-04", "last_month": "2026-09", "thresholds": LIMITS, **more}
    )


def in_plain_python(files: dict[str, Path]) -> list[dict[str, Any]]:
    rows = {name: pq.read_table(path).to_pylist() for name, path in files.items()}
    family_of = {row["id_number"]: row["household_number"] for row in rows["members"] if row["household_number"]}
    sizes: dict[str, int] = defaultdict(int)
    for family in family_of.values():
        sizes[family] += 1
    income: dict[str, int] = defaultdict(int)
    for wage in rows["wages"]:
        if wage["net"] is not None and "2026-04" <= wage["month"] <= "2026-09" and wage["id_number"] in family_of:
            income[family_of[wage["id_number"]]] += wage["net"]
    vehicles: dict[str, list[int]] = defaultdict(list)
    for vehicle in rows["vehicles"]:
        if vehicle["state"] not in ("B", "E", "M", "P") and vehicle["owner_id_number"] in family_of:
            vehicles[family_of[vehicle["owner_id_number"]]].append(vehicle["declared_price"] or 0)
    houses: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for house in rows["houses"]:
        if house["right_state"] not in ("2", "3") and house["owner_id_number"] in family_of:
            houses[family_of[house["owner_id_number"]]][house["certificate_number"]] = house["floor_area"] or Decimal(0)
    answer = []
    for family in sorted(sizes):
        size, area = sizes[family], sum(houses[family].values(), Decimal(0))
        per_head = income[family] // (6 * size)
        reasons = {
            "income": per_head > LIMITS.income_per_head,
            "vehicles": len(vehicles[family]) > LIMITS.vehicles,
            "vehicle_value": sum(vehicles[family]) > LIMITS.vehicle_value,
            "houses": len(houses[family]) > LIMITS.houses,
            "area": area > LIMITS.area_per_head * size,
        }
        answer.append(
            {
                "household_number": family, "members": size, "income": income[family], "income_per_head": per_head,
                "vehicles": len(vehicles[family]), "vehicle_value": sum(vehicles[family]), "houses": len(houses[family]),
                "area": area, "verdict": "above" if any(reasons.values()) else "within",
                "reasons": [name for name, holds in reasons.items() if holds],
            }
        )  # fmt: skip
    return answer


def test_a_means_test_sums_what_a_family_has_and_says_why_it_is_above(tmp_path: Path) -> None:
    files = households.write(tmp_path, 400)
    job = means_test(files, tmp_path / "means.parquet")

    assert joins.test_means(job, "duckdb") == len(in_plain_python(files))

    found = pq.read_table(job.into)
    assert found.drop(["evidence"]).to_pylist() == in_plain_python(files)
    assert {reason for row in found["reasons"].to_pylist() for reason in row} == {
        "income", "vehicles", "vehicle_value", "houses", "area",
    }  # fmt: skip


def test_the_evidence_names_every_row_that_counted_and_no_other(tmp_path: Path) -> None:
    files = households.write(tmp_path, 200)
    job = means_test(files, tmp_path / "means.parquet")
    joins.test_means(job, "duckdb")

    for row in pq.read_table(job.into).to_pylist():
        wages = [line.split(" ") for line in row["evidence"] if line.startswith("wage ")]
        assert sum(int(wage[-1]) for wage in wages) == row["income"]
        assert all("2026-04" <= month <= "2026-09" for wage in wages for month in wage[2].split(".."))
        assert sum(line.startswith("vehicle ") for line in row["evidence"]) == row["vehicles"]
        assert sum(line.startswith("house ") for line in row["evidence"]) == row["houses"]


def test_a_state_that_is_no_code_cannot_reach_the_query(tmp_path: Path) -> None:
    files = households.write(tmp_path, 40)
    job = means_test(files, tmp_path / "means.parquet", vehicles_gone=("A') OR ('1'='1",))

    with pytest.raises(ValueError, match="code of letters"):
        joins.test_means(job, "duckdb")
    assert not job.into.exists()


@pytest.mark.parametrize(("first", "last"), [("2026-13", "2026-12"), ("2026-4", "2026-05"), ("2026-06", "2026-05")])
def test_months_are_written_in_full_and_in_order(tmp_path: Path, first: str, last: str) -> None:
    files = households.write(tmp_path, 40)

    with pytest.raises(ValueError, match="month"):
        joins.test_means(means_test(files, tmp_path / "means.parquet", first_month=first, last_month=last), "duckdb")


def persons(path: Path, rows: list[tuple[int, str | None, str, str, dt.date]]) -> Path:
    names = ("id", "id_number", "name", "sex", "birth_date")
    pq.write_table(pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)}), path)
    return path


def test_matching_tells_one_number_with_two_names_from_one_person_without_a_number(tmp_path: Path) -> None:
    born = dt.date(1990, 2, 3)
    left = persons(
        tmp_path / "left.parquet",
        [
            (1, "A", "李梅", "2", born),
            (2, "B", "阿不都·热合曼", "1", born),
            (3, "C", "王伟", "1", born),
            (4, None, "赵强", "1", born),
        ],
    )
    right = persons(
        tmp_path / "right.parquet",
        [
            (11, "A", "李玫", "2", born), (12, "B", "阿不都热合曼", "1", born), (13, None, "王 伟", "1", born),
            (14, "D", "王伟", "1", born), (15, "E", "赵强", "1", dt.date(1990, 3, 2)), (16, "E", "赵强", "1", born),
        ],
    )  # fmt: skip
    job = joins.Matching([left], [right], tmp_path / "pairs.parquet")

    joins.match(job, "duckdb")

    found = [(row["kind"], row["left_key"], row["right_key"]) for row in pq.read_table(job.into).to_pylist()]
    assert found == [
        ("other_name", "1", "11"),
        ("other_number", "3", "14"),
        ("same_person", "3", "13"),
        ("same_person", "4", "16"),
    ]
