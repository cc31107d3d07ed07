"""Engines that screen rows and join classes: DuckDB on one machine, Apache Spark beyond it. One setting chooses."""
