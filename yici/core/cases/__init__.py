"""Doing: workflow as data, clocks in legal working time, append-only events."""
