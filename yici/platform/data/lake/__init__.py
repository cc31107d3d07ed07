"""The lake: immutable versions of classes in Parquet, named in PostgreSQL, read and written by DuckDB."""
