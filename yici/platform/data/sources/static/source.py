"""The static channel: spreadsheets that a person brings, by schedule, into the unit's folder.

What is uploaded in the browser does not pass here: the page hands its file to landing directly.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from yici.base.errors import YiciError
from yici.platform.data.sources import base
from yici.platform.data.sources.base import Pace, Problem, Progress, Pull, Stop, read_options
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.dropping import Dropping
from yici.platform.data.sources.failures import problem_of
from yici.platform.data.sources.static.folder import LocalFolder
from yici.platform.data.sources.static.options import StaticOptions

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

_TOTAL_SECONDS = 3600.0


class Static:
    """Implements `Source`."""

    kind = "static"
    label: str | Promise = gettext_lazy("静态定时更新")
    Options: type[base.Options] = StaticOptions

    def check_config(self, options: dict[str, Any], *, definition: ClassDefinition | None = None) -> list[Problem]:
        try:
            with _folder(read_options(StaticOptions, completed(self.kind, options, definition))) as folder:
                folder.entries()
        except YiciError as error:
            return [problem_of(error)]
        return []

    def pull(
        self,
        options: dict[str, Any],
        cursor: dict[str, Any],
        into: Path,
        *,
        definition: ClassDefinition | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Pull:
        chosen = read_options(StaticOptions, completed(self.kind, options, definition))
        pace = Pace(progress, stop, _TOTAL_SECONDS)
        into.mkdir(parents=True, exist_ok=True)
        with _folder(chosen) as folder:
            return Dropping(folder, chosen, cursor, pace).pull(into, definition)


def _folder(options: StaticOptions) -> LocalFolder:
    return LocalFolder(Path(settings.DATA_HOME) / "static", options.folder)
