"""Rules as SQL: `sql` says what is the same for every engine, `duckdb` and `spark` what is not."""
