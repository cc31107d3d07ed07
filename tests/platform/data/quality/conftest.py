"""A class of the police with its rules, loads as the lake and the rules leave them, and the effects of the workflow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.platform.data.factories import make_class, make_definition, make_run, person, write_accepted
from yici.base import clock
from yici.core.cases import ports
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.lake.writing import publish
from yici.platform.data.models import ClassChannel, DataClass, Issue, Run, Snapshot
from yici.platform.data.quality import issues, measuring
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.rules.language import Outcome, Rule


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.DATA_HOME = tmp_path / "data"


@pytest.fixture(autouse=True)
def _effects() -> None:
    ports.register_effect("data.close_issue", issues.close_issue)
    ports.register_effect("data.tell_of_dispute", issues.tell_of_dispute)


@dataclass
class Loads:
    """Loads of one class: real versions in the lake and real quarantine files, with outcomes as told."""

    data_class: DataClass
    definition: ClassDefinition
    folder: Path
    rules: dict[str, Rule] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = {rule.id: rule for rule in rules_of(self.definition)}

    def load(
        self,
        accepted: Sequence[dict[str, Any]] = (),
        held: Sequence[dict[str, Any]] = (),
        *,
        rule: str = "birth_date.equals_part_of_id",
        mode: str = Snapshot.Mode.FULL,
        checked: int | None = None,
        failed: int | None = None,
        queued_at: dt.datetime | None = None,
        severity: str = "",
        channel: ClassChannel | None = None,
    ) -> Run:
        """`held`: rows as they came, all failing `rule`; counts follow from the rows unless told otherwise."""
        by = {"channel": channel} if channel else {}
        run = make_run(self.data_class, queued_at=queued_at or clock.now(), state=Run.State.PUBLISHED, **by)
        count = len(held) if failed is None else failed
        if held:
            run.quarantine = self._quarantine(run, rule, held)
        path = write_accepted(self.folder / f"{run.pk}.parquet", self.definition, accepted)
        snapshot = publish(
            self.data_class, [path], definition=self.definition, mode=mode, run=run, data_date=clock.today()
        )
        run.detail = {"failed": {rule: count} if count else {}, "snapshot": snapshot.number}
        run.rows_read, run.rows_quarantined, run.ended_at = len(accepted) + len(held), len(held), clock.now()
        run.save()
        known = self.rules[rule]
        chosen = known if not severity else Rule(**{**vars(known), "severity": severity})
        outcome = Outcome(chosen, len(accepted) + len(held) if checked is None else checked, count)
        measuring.measure(run, snapshot, [outcome])
        issues.update(
            run, snapshot, [outcome], lambda _rule: [{"row": place, **row} for place, row in enumerate(held, 2)]
        )
        return run

    def _quarantine(self, run: Run, rule: str, held: Sequence[dict[str, Any]]) -> str:
        from django.conf import settings

        path = Path(settings.DATA_HOME) / "quarantine" / self.data_class.slug / f"{run.pk}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        names = [column.name for column in self.definition.columns]
        columns = {name: pa.array([row.get(name) for row in held], pa.string()) for name in names}
        places = pa.array(range(2, len(held) + 2), pa.int64())
        reasons = pa.array([[rule] for _ in held], pa.list_(pa.string()))
        pq.write_table(pa.table({**columns, "_row": places, "_reasons": reasons}), path)
        return str(path.relative_to(settings.DATA_HOME))

    @property
    def issue(self) -> Issue:
        """The newest issue of the class."""
        return Issue.objects.filter(data_class=self.data_class).latest("pk")


@pytest.fixture
def make_loads(demo: Any, tmp_path: Path) -> Callable[..., Loads]:
    def make(slug: str = "public_security.test", **changes: Any) -> Loads:
        definition = make_definition(slug, **changes)
        return Loads(make_class(definition), definition, tmp_path)

    return make


@pytest.fixture
def loads(make_loads: Callable[..., Loads]) -> Loads:
    return make_loads()


def raw(number: int, **changes: Any) -> dict[str, str]:
    """A row as it came from the source: text, and a birth date that its identity number contradicts."""
    row = person(number, birth_date="1981-02-03", **changes)
    return {name: str(value) for name, value in row.items()}
