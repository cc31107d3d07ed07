"""`yici data …`: what the data desk does, from a terminal. Every command calls the same services as the pages."""

from __future__ import annotations

import typer

from yici.platform.data.commands import catalogue, lake, loads, quality

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Data classes: sources, loads, quarantine, versions, quality.")
for part in (catalogue, loads, lake, quality):
    app.registered_commands += part.app.registered_commands
