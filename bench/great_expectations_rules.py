"""The eight rules of `bench.data_rules` by Great Expectations on pandas; run by a Python that has both, not by ours.

Arguments: the landed Parquet file and the divisions it refers to. Prints one line of JSON: the seconds of validation,
reading and set-up not counted, and what each expectation found.
"""

from __future__ import annotations

import json
import sys
import time

import great_expectations as gx
import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_valid(number: str) -> bool:
    if len(number) != 18 or not number[:17].isdigit():
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


class ColumnValuesIdNumber(ColumnMapMetricProvider):
    condition_metric_name = "column_values.id_number"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, **kwargs):  # noqa: N805
        return column.map(is_valid)


class ExpectColumnValuesToBeIdNumber(ColumnMapExpectation):
    map_metric = "column_values.id_number"


def main(landed: str, divisions: str) -> None:
    frame = pd.read_parquet(landed)
    known = list(pd.read_parquet(divisions)["code"])
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("residents")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    of = gx.expectations
    suite = gx.ExpectationSuite(
        name="eight",
        expectations=[
            of.ExpectColumnValuesToNotBeNull(column="id_number"),
            ExpectColumnValuesToBeIdNumber(column="id_number"),
            of.ExpectColumnValuesToMatchRegex(column="name", regex=r"\S"),
            of.ExpectColumnValuesToBeInSet(column="sex", value_set=["1", "2"]),
            of.ExpectColumnValuesToMatchStrftimeFormat(column="birth_date", strftime_format="%Y-%m-%d"),
            of.ExpectColumnValuesToMatchRegex(column="phone", regex="^1[3-9][0-9]{9}$"),
            of.ExpectColumnValuesToBeInSet(column="division", value_set=known),
            of.ExpectColumnValuesToBeUnique(column="id_number"),
        ],
    )
    started, cpu = time.perf_counter(), time.process_time()
    # Which rows fail is what screening tells; without it nothing could be put into quarantine.
    found = batch.validate(suite, result_format={"result_format": "COMPLETE", "include_unexpected_rows": False})
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    counts = [one.result.get("unexpected_count") for one in found.results]
    print(json.dumps({"seconds": seconds, "cpu": cpu, "unexpected": counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
