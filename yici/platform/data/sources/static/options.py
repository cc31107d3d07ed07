"""Options of the static channel."""

from __future__ import annotations

from yici.platform.data.sources.dropping import FolderOptions


class StaticOptions(FolderOptions):
    """`folder` is below `DATA_HOME/static`, usually `<unit>/<class>`. How often is the class's update cycle."""
