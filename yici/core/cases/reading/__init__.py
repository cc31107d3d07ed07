"""Reads of cases, by what they serve. `queries` is the door."""
