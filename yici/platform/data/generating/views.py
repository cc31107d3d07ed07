"""A class as its department delivers it on a day: one SQL query for the rows, one for the ledger of its faults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from yici.base.sql import quoted, text
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.generating import dirt, fallbacks, spelling, subjects
from yici.platform.data.generating.recipes import RECIPES, Recipe
from yici.platform.data.register import TAKEN_ON

_TOUCHED_WITHIN = 1800
_CASTS = {"date": "DATE", "datetime": "TIMESTAMP", "money": "BIGINT"}


@dataclass(frozen=True)
class ClassView:
    """`rows` gives the delivered columns, all text; `ledger` gives class, n, key, column, kind, true and delivered value."""

    definition: ClassDefinition
    rows: str
    ledger: str


def view_of(definition: ClassDefinition, day: dt.date, seed: int) -> ClassView:
    """To be run where the views of `subjects` for that day are."""
    recipe = RECIPES.get(definition.id) or fallbacks.recipe_for(definition)
    style = spelling.style_of(definition)
    found = dirt.slots(definition)
    elapsed = (day - TAKEN_ON).days
    values = ",\n  ".join(
        f'{_typed(column, fallbacks.expression(definition, column, recipe))} AS "{column.name}"'
        for column in definition.columns
    )
    source = f"({recipe.source})" if recipe.source else recipe.subject
    base = (
        f"SELECT n, is_dead AS _dead, changed_on AS _changed, {recipe.double} AS _double, {_draw(definition, found, elapsed)} AS _d,\n  {values}\n"
        f"FROM {source} AS rows{f' WHERE {recipe.where}' if recipe.where else ''}"
    )
    end = "ended" if recipe.subject == "household" else "died"
    listed = f"(NOT is_dead OR {end} > :day - 30 OR u('struck off/{definition.id}') < {dirt.LIVING_DEAD})"
    base = base.replace("{listed}", listed).replace(":day", f"DATE '{day}'").replace(":taken", f"DATE '{TAKEN_ON}'")
    base = subjects.expand(base, seed)
    right = {column.name: _spelled(definition, column, style, day) for column in definition.columns}
    wrong = {column.name: _with_faults(column, right[column.name], found, style) for column in definition.columns}
    columns = ", ".join(f'{wrong[column.name]} AS "{column.name}"' for column in definition.columns)
    twice = next(slot for slot in found if slot.kind == "duplicate")
    rows = f"SELECT {columns} FROM ({base})\nUNION ALL\nSELECT {columns} FROM ({base}) WHERE {twice.holds('_d')}"  # noqa: S608
    ledger = _ledger(definition, base, right, style, recipe)
    return ClassView(definition, rows, ledger)


def _typed(column: Column, sql: str) -> str:
    cast = _CASTS.get(column.type)
    return f"CAST({sql} AS {cast})" if cast else sql


def _spelled(definition: ClassDefinition, column: Column, style: spelling.Style, day: dt.date) -> str:
    if dirt.watermark(column):
        # When the row was last touched: long ago for most, the day of the event for those something happened to.
        touched = f"least(greatest(DATE '{TAKEN_ON}' - CAST(1 + n * 7919 % {_touched_within(definition, column)} AS INTEGER), _changed), DATE '{day}')"
        return f"strftime(CAST({touched} AS TIMESTAMP) + to_seconds(28800 + n * 31 % 32400), '%Y-%m-%d %H:%M:%S')"
    return spelling.spelled(column, style)


def _touched_within(definition: ClassDefinition, column: Column) -> int:
    """Days in which every row was touched: a few more than the class allows where it demands freshness."""
    demanded = [int(rule.parameters["days"]) for rule in definition.rules
                if rule.primitive == "fresh_within" and rule.column == column.name]  # fmt: skip
    return min([_TOUCHED_WITHIN, *(days * 26 // 25 for days in demanded)])


def _draw(definition: ClassDefinition, found: tuple[dirt.Slot, ...], elapsed: int) -> str:
    """SQL of the draw that decides which fault the row has; 1 is none. Later, faults are mended and new ones come."""
    first = f"u('dirt/{definition.id}')"
    if elapsed <= 0:
        return first
    total = dirt.total(found)
    mended = (
        f"u('mended/{definition.id}') < {dirt.MENDED_SHARE}"
        f" AND u('mended on/{definition.id}') * {dirt.MENDED_WITHIN} < {elapsed}"
    )
    later = (
        f"u('later/{definition.id}') < {total * dirt.LATER_SHARE!r} AND u('comes/{definition.id}') * 365 < {elapsed}"
    )
    return (
        f"CASE WHEN {first} < {total!r} THEN CASE WHEN {mended} THEN 1.0 ELSE {first} END"
        f" WHEN {later} THEN u('later/{definition.id}') / {dirt.LATER_SHARE} ELSE 1.0 END"
    )


def _with_faults(column: Column, right: str, found: tuple[dirt.Slot, ...], style: spelling.Style) -> str:
    mine = [slot for slot in found if slot.column == column.name]
    if not mine:
        return right
    cases = " ".join(
        f"WHEN {slot.holds('_d')} THEN {dirt.spoilt(slot, column, f'({right})', quoted(column.name), style.dates)}"
        for slot in mine
    )
    return f"CASE WHEN _d >= {dirt.total(found)!r} THEN {right} {cases} ELSE {right} END"


def _ledger(
    definition: ClassDefinition, base: str, right: dict[str, str], style: spelling.Style, recipe: Recipe
) -> str:
    found = dirt.slots(definition)
    key = " || '|' || ".join(f"coalesce({right[name]}, '')" for name in definition.key)

    def cases(value: Callable[[dirt.Slot], str]) -> str:
        return "CASE " + " ".join(f"WHEN {slot.holds('_d')} THEN {value(slot)}" for slot in found) + " END"

    def wrong(slot: dirt.Slot) -> str:
        column = definition.by_name[slot.column]
        return dirt.spoilt(slot, column, f"({right[column.name]})", f'"{column.name}"', style.dates)

    parts = [
        f'SELECT n, {key} AS key, {cases(lambda slot: text(slot.column))} AS "column",'  # noqa: S608
        f" {cases(lambda slot: text(slot.kind))} AS kind,"
        f" {cases(lambda slot: right[slot.column] if slot.column else 'NULL')} AS true_value,"
        f" {cases(lambda slot: wrong(slot) if slot.column else 'NULL')} AS delivered_value"
        f" FROM ({base}) WHERE _d < {dirt.total(found)!r}"
    ]
    if recipe.subject in _MORTAL and definition.id not in _ABOUT_THE_DEAD:
        parts.append(f"SELECT n, {key}, '', 'dead_but_listed', NULL, NULL FROM ({base}) WHERE _dead")  # noqa: S608
    if recipe.double != "false":
        parts.append(f"SELECT n, {key}, '', 'double_enrolment', NULL, NULL FROM ({base}) WHERE _double")  # noqa: S608
    return (
        f"SELECT '{definition.id}' AS class, * FROM ({' UNION ALL '.join(parts)})"  # noqa: S608
        " WHERE kind IN ('duplicate', 'dead_but_listed', 'double_enrolment') OR true_value IS DISTINCT FROM delivered_value"
    )


_MORTAL = frozenset({"person", "member", "job", "household"})  # subjects whose rows may be of the dead
_ABOUT_THE_DEAD = frozenset(
    {
        "public_security.deregistration",
        "civil_affairs.cremation",
        "health.death_certificate",
        "public_security.household",
    }
)
