"""Why a file cannot be used. Each says what happened and what to do; nothing of the file's content."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.platform.data.errors import Refused

__all__ = [
    "Damaged",
    "Empty",
    "EntityBomb",
    "HeaderOnly",
    "LineTooLong",
    "MarkupTable",
    "NestedArchive",
    "NoHeader",
    "OldFormat",
    "PasswordProtected",
    "SeveralTables",
    "SheetTooLarge",
    "SparseSheet",
    "StillGrowing",
    "TooManyColumns",
    "TooManyWrongLines",
    "TooMuchUnpacked",
    "Unknown",
    "Unreadable",
]


class Unknown(Refused):
    slug = "unknown-kind"
    message = _("认不出这个文件的类型。请提供 CSV（逗号、制表符或竖线分隔）、XLSX、JSON Lines 或 Parquet 文件。")


class StillGrowing(Refused):
    slug = "still-growing"
    message = _("读取时文件还在变化，多半还没有传完。请等传完后再报送。")


class MarkupTable(Refused):
    slug = "markup-table"
    message = _(
        "这是网页格式的表格（有些系统导出时只把扩展名写成 XLS）。请用 Excel 或 WPS 打开，另存为 XLSX 后再报送。"
    )


class OldFormat(Refused):
    slug = "old-format"
    message = _("这是旧版 Excel 文件（XLS）。请用 Excel 或 WPS 打开，另存为 XLSX 后再报送。")


class PasswordProtected(Refused):
    slug = "password-protected"
    message = _("文件设了密码，无法读取。请去掉密码后再报送。")


class Damaged(Refused):
    slug = "damaged"
    message = _("文件不完整或已损坏，可能没有传完。请重新导出并报送整个文件。")


class NestedArchive(Refused):
    slug = "nested-archive"
    message = _("压缩文件里还是压缩文件。请只压缩一次，或不压缩直接报送。")


class SeveralTables(Refused):
    slug = "several-tables"
    message = _("压缩文件里应当正好有一个数据表（CSV、XLSX、JSON Lines 或 Parquet）。请分开报送。")


class TooMuchUnpacked(Refused):
    slug = "too-much-unpacked"
    message = _("压缩文件解开后大得异常，已拒收。请检查文件，或拆分后不压缩报送。")


class EntityBomb(Refused):
    slug = "entity-bomb"
    message = _("表格文件里有不允许的内容（外部实体声明），已拒收。请用 Excel 或 WPS 重新保存。")


class LineTooLong(Refused):
    slug = "line-too-long"
    message = _("文件里有一行超出长度限制，多半是换行符丢失，或引号没有成对。请检查导出设置后重新报送。")


class TooManyColumns(Refused):
    slug = "too-many-columns"
    message = _("列数太多，不像一张数据表。请删除多余的列后再报送。")


class SheetTooLarge(Refused):
    slug = "sheet-too-large"
    message = _("工作表太大，无法读取。请另存为 CSV 后再报送。")


class SparseSheet(Refused):
    slug = "sparse-sheet"
    message = _("表格的已用区域大得异常，却几乎是空的。请把数据复制到新的工作表后再报送。")


class NoHeader(Refused):
    slug = "no-header"
    message = _("没有找到表头行。请在第一行写上各列的名称。")


class HeaderOnly(Refused):
    slug = "header-only"
    message = _("文件里只有表头，没有数据。")


class Empty(HeaderOnly):
    """Goes by the same slug: to a program, no rows are no rows."""

    message = _("文件是空的，没有任何内容，多半没有传完。请重新导出并报送。")


class TooManyWrongLines(Refused):
    slug = "too-many-wrong-lines"
    message = _("超过百分之五的行与表头的列数对不上，文件可能没有传完，或分隔符用错。请检查后重新报送。")


class Unreadable(Refused):
    slug = "unreadable-text"
    message = _("文件里混用了几种文字编码，无法完整读出。请统一存为 UTF-8 或 GB18030 后再报送。")
