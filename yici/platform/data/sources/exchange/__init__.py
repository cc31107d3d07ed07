"""Tables of a department's database, read by SQL."""
