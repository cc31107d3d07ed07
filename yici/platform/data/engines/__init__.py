"""Engines that screen rows and join classes: DuckDB on one machine, Apache Spark beyond it. One setting chooses."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from yici.base.errors import Misconfigured
from yici.platform.data.engines.base import Engine

__all__ = ["engine"]


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
        case other:
            raise Misconfigured(
                _("没有名为 %(name)s 的数据引擎，请把 YICI_DATA_ENGINE 设为 duckdb 或 spark。") % {"name": other}
            )
