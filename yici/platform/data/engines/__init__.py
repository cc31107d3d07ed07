"""Engines that screen rows and join classes: DuckDB on one machine, Apache Spark beyond it. One setting chooses.

Small deliveries are judged row by row whatever it says: they cost less than making an engine's plan.
"""

from __future__ import annotations

import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _

from yici.base.errors import Misconfigured
from yici.platform.data.engines.base import Engine, Progress, Screened, Screening

__all__ = ["SMALL", "engine", "screen"]

SMALL = 500  # rows; from here on DuckDB's plan has paid for itself


def screen(job: Screening, progress: Progress | None = None) -> Screened:
    """Screen with what costs least for that many rows. Raises `DiskFull`."""
    rows = sum(pq.read_metadata(path).num_rows for path in job.landed)
    return engine("rows" if rows <= SMALL else "").screen(job, progress)


def engine(name: str = "") -> Engine:
    """The engine of that name, or the one the setting DATA_ENGINE names. Raises `Misconfigured` for an unknown one."""
    # Each brings a large library along; a process loads only the one it uses.
    match name or settings.DATA_ENGINE:
        case "duckdb":
            from yici.platform.data.engines.duckdb import DuckDBEngine

            return DuckDBEngine()
        case "spark":
            from yici.platform.data.engines.spark import SparkEngine

            return SparkEngine()
        case "rows":
            from yici.platform.data.engines.rows import RowsEngine

            return RowsEngine()
        case other:
            raise Misconfigured(
                _("没有名为 %(name)s 的数据引擎，请把 YICI_DATA_ENGINE 设为 duckdb 或 spark。") % {"name": other}
            )
