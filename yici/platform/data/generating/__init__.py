"""Generating what the departments of a city of any size know, with the truth kept apart."""

from __future__ import annotations

from yici.platform.data.generating.generating import Report, generate, next_day, read_manifest

__all__ = ["Report", "generate", "next_day", "read_manifest"]
