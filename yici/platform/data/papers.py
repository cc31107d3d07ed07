"""The door for papers that were read elsewhere: which series await, and rows of confirmed pages handed over as a run.

Rows go the way of every upload: bytes kept, columns confirmed (by whoever delivers), screened, held back or published.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from django.db import transaction

from yici.base.errors import NotFound
from yici.core.people import queries as people
from yici.core.people.models import Account
from yici.platform.data.catalogue import reading
from yici.platform.data.models import DataClass, PaperSeries, Run
from yici.platform.data.quality import backlog
from yici.platform.data.reading import access
from yici.platform.data.runs import starting

__all__ = ["deliver_rows", "readable_series"]

PERMISSION = "data.upload"


def readable_series(account: Account) -> list[tuple[PaperSeries, DataClass]]:
    """Series of the scope whose pages have a layout, with their described class; most waiting citizens first."""
    scope = people.scope_of(account, PERMISSION)
    found = backlog.series(scope).exclude(layout="").filter(data_class__is_described=True)
    return [(one, one.data_class) for one in found if one.data_class is not None]


@transaction.atomic
def deliver_rows(account: Account, slug: str, rows: Sequence[Mapping[str, str]], name: str) -> Run:
    """A queued run over the rows (column → value in the vocabulary's form). Raises `NotFound`, `NotAllowed`."""
    series = next((one for one, _class in readable_series(account) if one.pk == slug), None)
    if series is None:
        raise NotFound
    data_class = access.class_for(account, str(series.data_class_id), PERMISSION)
    columns = [
        column for column in reading.definition_of(data_class).columns if any(column.name in row for row in rows)
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    # Headers are names of columns, which every class knows: what the unit taught for its own files stays.
    writer.writerow([column.name for column in columns])
    writer.writerows([[row.get(column.name, "") for column in columns] for row in rows])
    run = starting.upload_chunks(data_class, [out.getvalue().encode("utf-8-sig")], name, account)
    run = starting.decide(run, {}, account, f"纸质档案《{series.name}》识别录入")  # names of columns need no decision
    structured = min(series.structured + len(rows), series.papers)
    backlog.note_progress(series, max(series.scanned, structured), structured, account, "")
    return run
