"""Money: double entry in fen, idempotent by key, append-only in the database itself."""
