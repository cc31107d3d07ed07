"""Workbooks that the hall hands out. Cells never run as formulas."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from yici.base.spreadsheets import safe_cell
from yici.systems.hall.queries.indicators import Indicators, Simulation


def indicators_workbook(found: Indicators, simulation: Simulation) -> bytes:
    """XLSX with the indicators on one sheet and the items to change on the other."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = _("指标")
    _fill(first, [_("指标"), _("分子"), _("分母"), _("分母是"), _("百分比")], _shares(found))
    second = book.create_sheet(_("先改哪些"))
    columns = [_("编码"), _("事项"), _("现在为什么要到场"), _("一年办件"), _("难度"), _("要做什么")]
    _fill(second, columns, ((c.code, c.name, c.reason, c.cases, c.points, c.takes) for c in simulation.chosen))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _shares(found: Indicators) -> Iterable[Sequence[Any]]:
    for share in (found.no_visit, found.one_visit, found.one_day):
        yield share.name, share.numerator, share.denominator, share.denominator_name, share.percent
    yield _("市级事项要交的材料（共享前）"), found.materials_asked, "", "", ""
    yield _("市级事项要交的材料（共享后）"), found.materials_left, "", "", ""
    for measured in found.cases:
        yield str(measured.metric.label), measured.numerator, measured.denominator, "", measured.value


def _fill(sheet: Worksheet, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sheet.append([safe_cell(cell) for cell in head])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append([safe_cell(cell) for cell in row])
    sheet.freeze_panes = "A2"
