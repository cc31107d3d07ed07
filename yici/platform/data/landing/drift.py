"""What changed in the layout since the class was described or last delivered, in words, and whether a person must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.landing.applying import has_serial_dates
from yici.platform.data.landing.landing import Landed
from yici.platform.data.landing.mapping import LEAST, Proposal, exact_mapping, propose
from yici.platform.data.landing.profiling import Profile

__all__ = ["Drift", "compare"]

# What each type of column may look like without having changed.
_COMPATIBLE = {
    "date": {"date", "number", ""},
    "datetime": {"date", "number", ""},
    "number": {"number", "money", "code", ""},
    "money": {"number", "money", "code", ""},
}
_IDENTITY = {"cn_id", "id_number"}
_LIKELY = 0.6  # from here on an unknown header holds up the load until a person has looked
_FEW = 20  # values by which no type is judged


@dataclass(frozen=True)
class Drift:
    """`mapping`: header → column that is used (empty: left out). `added`: headers nobody knows, left out.

    `missing`: columns no header gives. `renamed`: header → column it probably is. `type_changed`: columns whose values
    are of another kind. `scientific`: columns with identity numbers as 3.4E+17 or with digits lost. `serial_dates`:
    columns of dates that come as days since 1900 and are converted. `encoding_changed`: the encoding before, or empty.
    `gone`: headers of last time that are no more. `is_blocking`: a person must decide.
    """

    mapping: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    type_changed: list[str] = field(default_factory=list)
    scientific: list[str] = field(default_factory=list)
    serial_dates: list[str] = field(default_factory=list)
    encoding_changed: str = ""
    gone: list[str] = field(default_factory=list)
    is_blocking: bool = False
    explanations: list[str] = field(default_factory=list)


def compare(
    landed: Landed,
    definition: ClassDefinition,
    decisions: Mapping[str, str],
    previous: Sequence[str],
    previous_encoding: str = "",
) -> Drift:
    """`previous`: headers of the last delivery that was loaded, and its encoding; empty for the first."""
    mapping = exact_mapping(landed.headers, definition, decisions)
    given = {column for column in mapping.values() if column}
    missing = [column for column in definition.columns if column.name not in given]
    unknown = [header for header in landed.headers if header not in mapping]
    needed = {column.name for column in missing if column.name in definition.needed}
    guesses = [
        one
        for one in (propose(landed, definition, decisions) if unknown else [])
        if one.header in unknown and one.column and one.confidence >= (LEAST if one.column in needed else _LIKELY)
    ]
    renamed = {one.header: one.column or "" for one in guesses}
    types = _changed_types(landed, definition, mapping)
    # A header that is probably a missing column must not be left out silently; one that is nothing may.
    added = [header for header in unknown if header not in renamed and not _is_empty(landed, header)]
    left_out = [header for header in unknown if header not in renamed]
    found = Drift(
        mapping={**mapping, **dict.fromkeys(left_out, "")},
        added=added,
        missing=[column.name for column in missing],
        renamed=renamed,
        type_changed=types,
        scientific=_scientific(landed, definition, mapping),
        serial_dates=_serial_dates(landed, definition, mapping),
        encoding_changed=previous_encoding if previous_encoding not in ("", landed.encoding) else "",
        gone=[header for header in previous if header not in landed.headers],
        is_blocking=bool(needed or renamed or types),
    )
    return replace(found, explanations=_explanations(found, definition, missing, needed, guesses, landed))


def _is_empty(landed: Landed, header: str) -> bool:
    """A column without a value is no column: formats and commas reach further than tables."""
    profile = landed.profiles.get(header)
    return profile is not None and not profile.filled


def _changed_types(landed: Landed, definition: ClassDefinition, mapping: Mapping[str, str]) -> list[str]:
    found = []
    for header, name in mapping.items():
        column, profile = definition.by_name.get(name), landed.profiles.get(header)
        if column and profile and _is_other_kind(column, profile):
            found.append(name)
    return found


def _is_other_kind(column: Column, profile: Profile) -> bool:
    if profile.filled < _FEW:
        return False
    if column.check in _IDENTITY:
        is_old = profile.looks == "number" and all(len(one) == 15 for one in profile.samples)
        return profile.looks not in ("id_number", "") and not is_old and not profile.scientific
    return (
        column.type in _COMPATIBLE and profile.looks not in _COMPATIBLE[column.type] and profile.looks != "text"
    ) or (
        column.type in ("date", "datetime", "money", "number")
        and profile.looks in ("id_number", "phone", "uscc", "plate")
    )


def _scientific(landed: Landed, definition: ClassDefinition, mapping: Mapping[str, str]) -> list[str]:
    return [
        name
        for header, name in mapping.items()
        if name in definition.by_name
        and definition.by_name[name].check in _IDENTITY
        and (profile := landed.profiles.get(header))
        and (profile.scientific or profile.lost_digits)
    ]


def _serial_dates(landed: Landed, definition: ClassDefinition, mapping: Mapping[str, str]) -> list[str]:
    return [
        name
        for header, name in mapping.items()
        if name in definition.by_name and has_serial_dates(definition.by_name[name], landed.profiles.get(header))
    ]


def _explanations(
    drift: Drift,
    definition: ClassDefinition,
    missing: Sequence[Column],
    needed: set[str],
    guesses: Sequence[Proposal],
    landed: Landed,
) -> list[str]:
    """Sentences, those that hold up the load first."""
    label = {column.name: column.label.zh for column in definition.columns}
    profiles = {name: landed.profiles[header] for header, name in drift.mapping.items() if header in landed.profiles}
    told = []
    for one in guesses:
        told.append(
            _("表头“{header}”可能就是“{column}”（把握 {confidence:.0%}：{why}），请确认。").format(
                header=one.header, column=label[one.column or ""], confidence=one.confidence, why=one.why
            )
        )
    guessed = {one.column for one in guesses}
    for column in missing:
        if column.name in needed and column.name not in guessed:
            told.append(_("缺少必需的列“{column}”，请在文件中补上，或指出是哪一列。").format(column=column.label.zh))
    told += [
        _("“{column}”的内容与约定的类型不符，请确认列没有错位。").format(column=label[name])
        for name in drift.type_changed
    ]
    told += [
        _("“{column}”里有 {count} 个科学计数法的号码，后几位已丢失，这些行会被隔离。").format(
            column=label[name], count=max(profiles[name].scientific, profiles[name].lost_digits)
        )
        for name in drift.scientific
    ]
    told += [
        _("“{column}”里有 {count} 个 Excel 的日期序号（五位数字），已换算成日期。").format(
            column=label[name], count=profiles[name].serials
        )
        for name in drift.serial_dates
    ]
    if drift.encoding_changed:
        told.append(
            _("文件编码由 {before} 变为 {now}，已按新编码读取。").format(
                before=drift.encoding_changed.upper(), now=landed.encoding.upper()
            )
        )
    as_text = [
        _("{column} {count} 个").format(column=header, count=one.numbers_as_text)
        for header, one in landed.profiles.items()
        if one.numbers_as_text and drift.mapping.get(header)
    ]
    if as_text:
        told.append(_("这些列的数字带有文本标记或千分位，已按数字读取：{columns}。").format(columns="、".join(as_text)))
    if drift.added:
        told.append(_("多出的列未入库：{columns}。").format(columns="、".join(drift.added)))
    plain = [column.label.zh for column in missing if column.name not in needed and column.name not in guessed]
    if plain:
        told.append(_("这次没有提供：{columns}。").format(columns="、".join(plain)))
    if drift.gone:
        told.append(_("上次有而这次没有的表头：{headers}。").format(headers="、".join(drift.gone)))
    return told
