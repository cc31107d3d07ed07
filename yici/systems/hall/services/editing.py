"""What 修改 and 完善 may change of an item, from the form's fields to edits of its definition and back into words. Pure.

An edit is a path of the definition and its new value. Single values and materials are changed where they stand
(`materials.identity.copies`; None drops a material, a mapping adds one); legal basis, fees, steps and places as a whole,
written one to a line in the notation of the city folder.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from yici.base.requests import whole_number
from yici.platform.trust.definitions import certificate_types
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.generating.shorthand import chinese, parts, text
from yici.systems.hall.models import ItemChange
from yici.systems.hall.overlay import put, value_at

AMEND, IMPROVE = ItemChange.Kind.AMEND, ItemChange.Kind.IMPROVE
# Single values: of substance (修改), or of wording and convenience (完善).
EDITABLE = {
    AMEND: ("limits.promised.amount", "visits.count", "visits.reason.zh", "visits.reason.en", "consult_phone"),
    IMPROVE: ("summary.zh", "summary.en", "consult_phone"),
}
LISTS = {AMEND: ("legal_basis", "fees", "steps", "windows"), IMPROVE: ("steps", "windows")}
NUMBERS = ("limits.promised.amount", "visits.count")
NEW = "new"
MOST_COPIES = 20


@dataclass
class Edits:
    """`new` and `before`: path → value; `faults`: field of the form → what to mend."""

    new: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def change(self, path: str, old: Any, value: Any) -> None:
        if value != old:
            self.new[path], self.before[path] = value, old


def edits_of(published: Mapping[str, Any], kind: str, wanted: Mapping[str, str]) -> Edits:
    """What really differs from the published definition. A field that is not given is left as it is."""
    found = Edits()
    if kind not in EDITABLE:
        return found
    _single_values(found, published, EDITABLE[ItemChange.Kind(kind)], wanted)
    if kind == AMEND:
        _materials(found, published, wanted)
    for path in LISTS[ItemChange.Kind(kind)]:
        if path in wanted and wanted[path].split() != lines_of(published, path).split():
            try:
                found.change(path, published[path], _READ[path](published, _lines(wanted[path])))
            except ValueError as error:
                found.faults[path] = str(error)
    if not found.new and not found.faults:
        found.faults["edits"] = _("没有任何改动，请至少改一处。")
    if not found.faults:
        _require_whole(found, published)
    return found


def _single_values(found: Edits, published: Any, paths: Iterable[str], wanted: Mapping[str, str]) -> None:
    for path in paths:
        value: Any = wanted.get(path, "").strip()
        old = value_at(published, path)
        if not value or value == str(old if old is not None else ""):
            continue
        if path in NUMBERS:
            value = whole_number(value, -1, digits=3)
            if value < 0:
                found.faults[path] = _("请写数字。")
                continue
        found.change(path, old, value)


def _require_whole(found: Edits, published: Mapping[str, Any]) -> None:
    changed = copy.deepcopy(dict(published))
    for path, value in found.new.items():
        put(changed, path, value)
    try:
        ItemDefinition.model_validate(changed)
    except ValidationError as error:
        found.faults["edits"] = "；".join(str(one["msg"]) for one in error.errors()[:3])


# Materials --------------------------------------------------------------------------------------------


def _materials(found: Edits, published: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
    for old in published["materials"]:
        path = f"materials.{old['id']}"
        if wanted.get(f"{path}.drop"):
            found.change(path, old, None)
        elif f"{path}.copies" in wanted:
            changed = _one_material(found, path, old, wanted)
            for part in ("name", "necessity", "copies", "proven_by"):
                found.change(f"{path}.{part}", old[part], changed[part])
    if wanted.get(f"{NEW}.name.zh", "").strip():
        _add_material(found, published, wanted)


def _one_material(found: Edits, path: str, old: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """The material as the form has it. Records that prove it stay where their box is ticked."""
    copies = whole_number(wanted.get(f"{path}.copies", "").strip() or "0", -1)
    if not 0 <= copies <= MOST_COPIES:
        found.faults[f"{path}.copies"] = _("份数写 0 到 {most} 的数字。").format(most=MOST_COPIES)
    proofs = [proof for proof in old["proven_by"] if proof["facts"] and wanted.get(f"{path}.facts")]
    if certificate := wanted.get(f"{path}.certificate", ""):
        proofs.insert(0, {"certificate": certificate, "facts": [], "source": "", "promise": False})
    if wanted.get(f"{path}.promise"):
        proofs.append({"certificate": None, "facts": [], "source": "", "promise": True})
    name = {half: wanted.get(f"{path}.name.{half}", "").strip() or old["name"][half] for half in ("zh", "en")}
    necessity = wanted.get(f"{path}.necessity", old["necessity"])
    return {"name": name, "necessity": necessity, "copies": copies, "proven_by": proofs}


def _add_material(found: Edits, published: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
    taken = {one["id"] for one in published["materials"]}
    number = next(number for number in range(1, 1000) if f"added_{number}" not in taken)
    empty = {"name": {"zh": "", "en": ""}, "necessity": "required", "proven_by": []}
    made = _one_material(found, NEW, empty, wanted)
    standard = wanted.get(f"{NEW}.standard", "").strip()
    for name, value in (("name.en", made["name"]["en"]), ("standard", standard)):
        if not value:
            found.faults[f"{NEW}.{name}"] = _("新增的材料要写中英文名称和受理标准。")
    certificate = any(proof["certificate"] for proof in made["proven_by"])
    found.change(
        f"materials.added_{number}",
        None,
        {
            "id": f"added_{number}",
            **made,
            "source": "government" if certificate else "applicant",
            "acceptance_standard": text(standard),
        },
    )


# Parts that are changed as a whole --------------------------------------------------------------------


def _lines(written: str) -> list[str]:
    return [line.strip() for line in written.splitlines() if line.strip()]


def _cut(line: str, least: int, most: int) -> list[str]:
    """The parts of a line, filled up to `most`. Raises `ValueError` where there are too few or too many."""
    found = parts(line)
    if not least <= len(found) <= most or not all(found[:least]):
        raise ValueError(_("这一行写得不完整，各部分用“ // ”隔开：{line}").format(line=line))
    return [*found, *[""] * (most - len(found))]


def _legal(published: Mapping[str, Any], lines: list[str]) -> list[dict[str, Any]]:
    if not lines:
        raise ValueError(_("至少要有一条法律依据。"))
    found = []
    for line in lines:
        title, number, article, gist = _cut(line, 2, 4)
        found.append({"title": title, "number": number, "article": article, "gist": text(gist) if gist else None})
    return found


def _fees(published: Mapping[str, Any], lines: list[str]) -> dict[str, Any]:
    """No line: nothing is charged. What a line does not say of a fee (reductions, when it falls due) stays."""
    known = {one["name"]["zh"]: one for one in published["fees"]["items"]}
    items = []
    for line in lines:
        name, standard, basis, code = _cut(line, 3, 4)
        before = known.get(text(name)["zh"], {})
        after = {**before, "name": text(name), "standard": text(standard), "basis": basis, "code": code}
        if after["standard"] != before.get("standard"):
            after["amount"] = None  # it was told of the former standard
        items.append(after)
    online = any(one["code"] for one in items)
    return {**published["fees"], "charged": bool(items), "pay_online": online, "items": items}


def _steps(published: Mapping[str, Any], lines: list[str]) -> list[dict[str, Any]]:
    known = {one["name"]["zh"]: one for one in published["steps"]}
    found = []
    for line in lines:
        name, note = _cut(line, 2, 2)
        limit = known.get(text(name)["zh"], {}).get("limit")
        found.append({"name": text(name), "note": text(note), "limit": limit})
    return found


def _windows(published: Mapping[str, Any], lines: list[str]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        centres, counter = _cut(line, 2, 2)
        found.append({"centres": centres.replace("，", " ").replace(",", " ").split(), "counter": text(counter)})
    return found


_READ = {"legal_basis": _legal, "fees": _fees, "steps": _steps, "windows": _windows}


def lines_of(published: Mapping[str, Any], path: str) -> str:
    """A part as the form shows it: one entry to a line."""
    return "\n".join(_lines_of(path, published[path]))


def _lines_of(path: str, value: Any) -> list[str]:
    if path == "legal_basis":
        rows = [[one["title"], one["number"], one["article"], _both(one["gist"])] for one in value]
    elif path == "fees":
        rows = [[_both(one["name"]), _both(one["standard"]), one["basis"], one["code"]] for one in value["items"]]
    elif path == "steps":
        rows = [[_both(one["name"]), _both(one["note"])] for one in value]
    else:
        rows = [[", ".join(one["centres"]), _both(one["counter"])] for one in value]
    return [" // ".join(row).rstrip("/ ") for row in rows]


def _both(written: Any) -> str:
    return f"{written['zh']} | {written['en']}" if written else ""


# In words ---------------------------------------------------------------------------------------------


def label_of(path: str, published: Mapping[str, Any]) -> str:
    """What is changed, for people; a material by its name."""
    first, *rest = path.split(".")
    if first == "materials":
        material = value_at(published, f"materials.{rest[0]}")
        name = chinese(material["name"]) if material else ""
        return _("材料") + (f"《{name}》" if name else "") + (f" {_part_labels()[rest[1]]}" if rest[1:] else "")
    return _value_labels()[path]


def words_of(path: str, value: Any) -> list[str]:
    """A value of the difference, a line each; empty where nothing stands."""
    if value is None:
        return []
    if path in _READ:
        return _lines_of(path, value)
    if path.endswith(".proven_by"):
        return _proofs(value)
    if path.endswith(".necessity"):
        return [necessities()[value]]
    if path.startswith("materials.") and path.count(".") == 1:
        standard = value.get("acceptance_standard")
        return [
            _both(value["name"]), necessities()[value["necessity"]], _("纸质 {count} 份").format(count=value["copies"]),
            *_proofs(value["proven_by"]), *([_both(standard)] if standard else []),
        ]  # fmt: skip
    return [_both(value) if isinstance(value, dict) else str(value)]


def _proofs(proofs: list[Mapping[str, Any]]) -> list[str]:
    words = []
    for proof in proofs:
        if proof.get("certificate"):
            kind = certificate_types().get(proof["certificate"])
            words.append(_("电子证照 {type}").format(type=kind.name if kind else proof["certificate"]))
        elif proof.get("facts"):
            words.append(_("城市记录 {facts}").format(facts="、".join(proof["facts"])))
        else:
            words.append(_("书面承诺"))
    return words or [_("上传")]


def necessities() -> dict[str, str]:
    return {"required": _("必须交"), "tolerant": _("可以后补"), "optional": _("可以不交")}


def _part_labels() -> dict[str, str]:
    return {"name": _("名称"), "necessity": _("是否必须"), "copies": _("份数"), "proven_by": _("怎样证明")}


def _value_labels() -> dict[str, str]:
    return {
        "limits.promised.amount": _("承诺时限（数值）"), "visits.count": _("到现场次数"),
        "visits.reason.zh": _("到现场的原因（中文）"), "visits.reason.en": _("到现场的原因（英文）"),
        "consult_phone": _("咨询电话"), "summary.zh": _("一句话介绍（中文）"), "summary.en": _("一句话介绍（英文）"),
        "legal_basis": _("法律依据"), "fees": _("收费"), "steps": _("办理流程"), "windows": _("办理地点"),
    }  # fmt: skip
