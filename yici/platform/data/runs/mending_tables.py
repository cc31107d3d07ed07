"""Held rows put right in a spreadsheet: exported with their numbers, changed by hand, handed back and judged row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq
from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import Invalid
from yici.base.spreadsheets import safe_cell
from yici.core.people.models import Account
from yici.platform.data.catalogue import reading
from yici.platform.data.lake.layout import work_root
from yici.platform.data.landing.applying import apply_mapping
from yici.platform.data.landing.exporting import write_xlsx
from yici.platform.data.landing.headers import normal
from yici.platform.data.landing.landing import Landed, land
from yici.platform.data.landing.mapping import exact_mapping
from yici.platform.data.models import Mend, Run
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.runs.mending import Batch, mend_many
from yici.platform.data.runs.quarantine import held_rows, message_of, values_of

__all__ = ["export_table", "mend_table"]

# Headers of an export. One of masked values has another, so that a masked name never comes back as a name.
ROW, MASKED_ROW, REASON = gettext_lazy("行号"), gettext_lazy("行号（已遮盖）"), gettext_lazy("原因")
MOST, MOST_EXPORTED = 5_000, 50_000  # rows of one table, handed back and given out


def export_table(run: Run, out: BinaryIO, shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None) -> int:
    """Write the rows that still wait as XLSX, as they stand; returns how many. `shown` masks; None: in clear, and may be handed back."""
    definition = reading.definition_of(run.data_class)
    rules = rules_by_id(definition)
    mends = {one.row: one for one in run.mends.all()}
    headers = [str(MASKED_ROW if shown else ROW), str(REASON), *(column.headers[0] for column in definition.columns)]

    def lines() -> Iterator[list[Any]]:
        for one in held_rows(run, limit=MOST_EXPORTED):
            mend = mends.get(one.row)
            if mend is not None and mend.state in Mend.SETTLED:
                continue
            came = (mend.values if mend else None) or values_of(run, one)
            values = shown(came) if shown else came
            reasons = "；".join(message_of(rule, rules) for rule in one.reasons)
            yield [one.row, reasons, *(values.get(column.name) for column in definition.columns)]

    return write_xlsx(out, headers, lines(), _("隔离数据"))


def mend_table(run: Run, chunks: Iterable[bytes], name: str, actor: Account | None, note: str = "") -> Batch:
    """Mend the rows of a table. Raises landing's `Refused`, and `Invalid` for one that was not exported for it."""
    definition = reading.definition_of(run.data_class)
    with tempfile.TemporaryDirectory(dir=work_root(), prefix="mending-") as folder:
        raw, target = Path(folder) / "table", Path(folder) / "landed.parquet"
        with raw.open("wb") as out:
            out.writelines(chunks)
        landed = land(raw, target, name=name)
        if landed.rows > MOST:
            raise Invalid(_("一次最多修正 {most} 行，请分几次。").format(most=MOST))
        number = _number_column(landed)
        mapping = exact_mapping(landed.headers, definition, {})
        mapped = apply_mapping(target, landed, mapping, Path(folder) / "mapped.parquet", definition)
        numbers = {one["_row"]: one[number] for one in pq.read_table(target, columns=["_row", number]).to_pylist()}
        rows = {}
        for one in pq.read_table(mapped.file).to_pylist():
            values = {column: _as_it_was(one[own] or "") for column, own in mapped.names.items()}
            rows[_row_number(numbers[one["_row"]], one["_row"])] = values
    return mend_many(run, rows, actor, note)


def _as_it_was(text: str) -> str:
    """Without the apostrophe by which an export keeps a text from being taken for a formula."""
    return text[1:] if text.startswith("'") and safe_cell(text[1:]) == text else text


def _number_column(landed: Landed) -> str:
    """Name in the landed file of the column with the numbers of the rows."""
    names = {normal(header): own for header, own in zip(landed.headers, landed.columns, strict=True)}
    if any(word in names for word in _in_every_language(MASKED_ROW)):
        raise Invalid(_("这张表里的个人信息是遮盖过的，不能用来修正。请先写明用途，再导出明细。"))
    found = next((names[word] for word in _in_every_language(ROW) if word in names), None)
    if found is None:
        raise Invalid(_("没有“行号”一列。请在隔离数据页导出的表格上修改。"))
    return found


def _in_every_language(words: Promise) -> list[str]:
    found = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.append(normal(str(words)))
    return found


def _row_number(text: str | None, line: int) -> int:
    plain = (text or "").removesuffix(".0")
    if not plain.isascii() or not plain.isdigit() or len(plain) > 18:
        raise Invalid(_("表格第 {line} 行的行号不是数字，请不要改动行号。").format(line=line))
    return int(plain)
