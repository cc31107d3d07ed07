"""Words and tones that several pages share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Invalid
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import Column
from yici.platform.data.models.quality import Dimension
from yici.platform.data.quality.queries import Tally

LIGHTS = {"green": _("按时"), "yellow": _("将超期"), "red": _("超期"), "grey": _("未入库")}
TONES = {
    "published": "success",
    "unchanged": "plain",
    "running": "",
    "queued": "plain",
    "waiting": "warning",
    "refused": "danger",
    "failed": "danger",
    "cancelled": "plain",
}
MEND_TONES = {"mended": "", "replayed": "success", "refused": "danger", "discarded": "plain"}
SENSITIVITIES = {"public": _("公开"), "internal": _("内部"), "personal": _("个人信息"), "sensitive": _("敏感个人信息")}
SHARES = {"unconditional": _("无条件共享"), "conditional": _("有条件共享"), "none": _("不予共享")}
FORMATS = {
    "database": _("数据库"),
    "spreadsheet": _("电子表格"),
    "file": _("电子文件"),
    "image": _("图形图像"),
    "stream": _("流媒体"),
    "self_described": _("自描述格式"),
}
WAYS = {"platform": _("共享平台"), "interface": _("接口"), "file": _("文件"), "offline": _("线下")}
TYPES = {
    "text": _("文本"),
    "date": _("日期"),
    "datetime": _("日期时间"),
    "number": _("数值"),
    "money": _("金额"),
    "code": _("代码"),
    "yes_no": _("是否"),
}
KINDS = {
    "text": _("文本（CSV）"),
    "xlsx": _("电子表格（XLSX）"),
    "parquet": "Parquet",
    "jsonl": _("JSON 行"),
}
LOADS = {"full": _("全量"), "increment": _("增量")}


def by_dimension(tallies: Mapping[str, Tally]) -> list[tuple[str, Any, Tally | None]]:
    """Each of the six dimensions: its id, its name, and its score where there is one."""
    return [(one.value, one.label, tallies.get(one.value)) for one in Dimension]


def in_words(column: Column, value: Any) -> Any:
    """A value of the lake as people read it: a code by its label, money in yuan, numbers without idle zeros."""
    if value is None or value == "":
        return value
    if column.code_list:
        return vocabulary.code_list(column.code_list).label(str(value))
    if column.type == "money" and isinstance(value, int):
        return f"{value / 100:,.2f}"
    if isinstance(value, Decimal):
        return f"{value:,f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    return (
        value.isoformat(" ")
        if isinstance(value, dt.datetime)
        else value.isoformat()
        if isinstance(value, dt.date)
        else value
    )


def row_numbers(texts: Iterable[str]) -> list[int]:
    """Numbers of rows as a form sends them. Raises `Invalid` for what is none."""
    found = list(texts)
    if not all(one.isascii() and one.isdecimal() and len(one) <= 18 for one in found):
        raise Invalid(_("行号不正确，请刷新页面后再试。"))
    return [int(one) for one in found]


def plain(text: str | None, longest: int = 80) -> str:
    """A value of a query string as the database may hold it."""
    return (text or "").replace("\x00", "").strip()[:longest]
