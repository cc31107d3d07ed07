"""Measurements, never tests: each module has `run() -> list[Result]`; `make bench` prints them all."""
