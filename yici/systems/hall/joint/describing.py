"""A merge in words and figures: the tables of `yici merge` and of the page that proves what joining saves. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.core.forms.rules import question
from yici.systems.hall.joint.merging import Merged, UnitedMaterial, working_days

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Saving:
    """One figure before and after joining."""

    label: str
    before: int
    after: int
    unit: str


def savings(merged: Merged) -> list[Saving]:
    """What joining saves, each figure counted from the definitions of the items."""
    return [
        Saving(_("办理窗口"), len(merged.departments), 1, _("个")),
        Saving(_("申请表"), len(merged.items), 1, _("张")),
        Saving(_("填写内容"), merged.fields_before, merged.fields_after, _("项")),
        Saving(_("申请材料"), merged.materials_before, merged.materials_after, _("种")),
        Saving(_("提交材料"), len(merged.items), 1, _("次")),
        Saving(_("缴费"), merged.payments_before, min(1, merged.payments_before), _("次")),
        Saving(_("承诺时限"), merged.days_before, merged.days_after, _("个工作日")),
    ]


def described(merged: Merged) -> Iterator[tuple[str, tuple[str, ...], Rows]]:
    """(title, columns, rows) of each table, in the active language."""
    yield (
        _("前后对照"),
        (_("内容"), _("分开办"), _("一起办")),
        [(one.label, f"{one.before} {one.unit}", f"{one.after} {one.unit}") for one in savings(merged)],
    )
    yield _("办理顺序"), (_("第几步"), _("事项"), _("时限"), _("等待")), list(_order(merged))
    yield (
        _("申请表"),
        (_("页"), _("内容")),
        [
            (str(page.title), _("、").join(str(question(field).label) for field in page.fields))
            for page in merged.form.pages
        ],
    )
    yield (
        _("申请材料"),
        (_("材料"), _("用于"), _("怎样证明")),
        [(str(one.material.name), _("、").join(_names(merged, one)), how(merged, one)) for one in merged.materials],
    )
    if merged.fees:
        yield (
            _("费用"),
            (_("事项"), _("收费"), _("标准")),
            [(str(item.name), str(fee.name), str(fee.standard)) for item, fee in merged.fees],
        )


def _order(merged: Merged) -> Iterator[tuple[str, ...]]:
    for number, wave in enumerate(merged.waves, 1):
        for code in wave:
            item = merged.by_code[code]
            waits = _("、").join(str(merged.by_code[one].name) for one in merged.waits_for(code))
            yield str(number), str(item.name), f"{working_days(item):.3g} " + _("个工作日"), waits or "—"


def _names(merged: Merged, united: UnitedMaterial) -> list[str]:
    return list(dict.fromkeys(str(merged.by_code[need.item].name) for need in united.needs))


def how(merged: Merged, united: UnitedMaterial) -> str:
    """What proves a united material, for people who have not signed in."""
    if merged.is_supplied(united):
        givers = _("、").join(str(merged.by_code[code].result.name) for code in sorted(united.suppliers))
        return _("不用交：由本次办出的{results}证明").format(results=givers)
    ways = [proof for need in united.needs for proof in need.material.proven_by]
    words = []
    if any(proof.certificate for proof in ways):
        words.append(_("电子证照"))
    if any(proof.facts for proof in ways):
        words.append(_("城市记录"))
    if any(proof.promise for proof in ways):
        words.append(_("书面承诺"))
    if not words or any(need.material.must_upload for need in united.needs):
        words.append(_("上传"))
    return _("或").join(words) + (_("（有些情形才要）") if united.is_conditional else "")
