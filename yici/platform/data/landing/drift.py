"""What changed in the layout since the class was described or last delivered, in words, and whether a person must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from yici.platform.data.catalogue.definition import ClassDefinition, Column
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
_IDENTITY = {"cn_id": "id_number", "id_number": "id_number"}


@dataclass(frozen=True)
class Drift:
    """`mapping`: header → column that is used (empty: left out). `added`: headers nobody knows, left out.

    `missing`: columns no header gives. `renamed`: header → column it probably is. `type_changed`: columns whose values
    are of another kind. `scientific`: columns with identity numbers as 3.4E+17. `is_blocking`: a person must decide.
    """

    mapping: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    type_changed: list[str] = field(default_factory=list)
    scientific: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    is_blocking: bool = False
    explanations: list[str] = field(default_factory=list)


def compare(
    landed: Landed, definition: ClassDefinition, decisions: Mapping[str, str], previous: Sequence[str]
) -> Drift:
    """`previous`: headers of the last delivery that was loaded, empty for the first."""
    mapping = exact_mapping(landed.headers, definition, decisions)
    given = {column for column in mapping.values() if column}
    missing = [column for column in definition.columns if column.name not in given]
    unknown = [header for header in landed.headers if header not in mapping]
    guesses = [one for one in propose(landed, definition, decisions) if one.header in unknown and one.column]
    renamed = {one.header: one.column or "" for one in guesses if one.confidence >= LEAST}
    needed = {column.name for column in missing if column.required or column.name in definition.key}
    types = _changed_types(landed, definition, mapping)
    scientific = _scientific(landed, definition, mapping)
    # A header that is probably a missing column must not be left out silently; one that is nothing may.
    is_blocking = bool(needed or set(renamed.values()) & {column.name for column in missing} or types)
    added = [header for header in unknown if header not in renamed]
    return Drift(
        mapping={**mapping, **dict.fromkeys(added, "")},
        added=added,
        missing=[column.name for column in missing],
        renamed=renamed,
        type_changed=types,
        scientific=scientific,
        gone=[header for header in previous if header not in landed.headers],
        is_blocking=is_blocking,
        explanations=_explanations(definition, missing, needed, guesses, added, types, scientific, previous, landed),
    )


def _changed_types(landed: Landed, definition: ClassDefinition, mapping: Mapping[str, str]) -> list[str]:
    found = []
    for header, name in mapping.items():
        column, profile = definition.by_name.get(name), landed.profiles.get(header)
        if column and profile and _is_other_kind(column, profile):
            found.append(name)
    return found


def _is_other_kind(column: Column, profile: Profile) -> bool:
    if profile.filled < 20:
        return False
    if column.check in _IDENTITY:
        return profile.looks not in ("id_number", "") and not profile.scientific
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
        and profile.scientific
    ]


def _explanations(
    definition: ClassDefinition,
    missing: Sequence[Column],
    needed: set[str],
    guesses: Sequence[Proposal],
    added: Sequence[str],
    types: Sequence[str],
    scientific: Sequence[str],
    previous: Sequence[str],
    landed: Landed,
) -> list[str]:
    label = {column.name: column.label.zh for column in definition.columns}
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
    told += [_("“{column}”的内容与约定的类型不符，请确认列没有错位。").format(column=label[name]) for name in types]
    told += [
        _("“{column}”里有科学计数法的号码，后几位已丢失，这些行会被隔离。").format(column=label[name])
        for name in scientific
    ]
    if added:
        told.append(_("多出的列未入库：{columns}。").format(columns="、".join(added)))
    plain = [column.label.zh for column in missing if column.name not in needed and column.name not in guessed]
    if plain:
        told.append(_("这次没有提供：{columns}。").format(columns="、".join(plain)))
    gone = [header for header in previous if header not in landed.headers]
    if gone:
        told.append(_("上次有而这次没有的表头：{headers}。").format(headers="、".join(gone)))
    return told
