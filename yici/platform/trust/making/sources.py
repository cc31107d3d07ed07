"""Rows of the lake in batches of 4,096, always in the same order, with the face already composed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb

from yici.base.errors import Misconfigured
from yici.base.sql import quoted
from yici.platform.trust.definitions import CertificateType, MadeFrom, Members
from yici.platform.trust.making.canonical import face_expression
from yici.platform.trust.making.tree import BATCH
from yici.platform.trust.ports import LakeClass

__all__ = ["Row", "batches"]


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate to be made. JSON parts are ready to be put into the record; `None`: the source has no value.

    `holders`: the columns of further holders as they stand, empty and double ones included.
    """

    number: str | None
    holder: str | None
    face: str
    number_json: str
    holder_json: str
    valid_from_json: str
    valid_to_json: str
    valid_to: dt.date | None
    holders: list[str | None] | None = None
    representative: str | None = None


def batches(
    kind: CertificateType, source: LakeClass, first: int, members: LakeClass | None = None
) -> Iterator[list[Row]]:
    """Batches from number `first` on. The files of a version never change, so neither do the batches.

    `members`: the class of `made_from.members`. Raises `Misconfigured` where the type names a column that a class lacks.
    """
    made_from = kind.made_from
    if made_from is None:
        raise Misconfigured(f"证照类型 {kind.slug} 没有写 made_from，不能从数据制证。")
    _check(kind, made_from, source)
    holders = ", ".join(_text(column) for column, element in source.columns.items() if element in kind.holders)
    acting = next((column for column, element in source.columns.items() if element == kind.representative), "")
    face = {element: _text(column) for column, element in source.columns.items() if element in kind.face}
    valid_to = _date(made_from.valid_to)
    if made_from.valid_from and not made_from.valid_to and (kind.validity.years or kind.validity.days):
        length = f"INTERVAL {kind.validity.years} YEAR" if kind.validity.years else f"INTERVAL {kind.validity.days} DAY"
        valid_to = f"CAST({quoted(made_from.valid_from)} + {length} - INTERVAL 1 DAY AS DATE)"
    query = f"""
        SELECT {_text(made_from.number)} AS number, {_text(made_from.holder)} AS holder, {face_expression(face)} AS face,
               {_json(_text(made_from.number))}, {_json(_text(made_from.holder))},
               {_json(_date(made_from.valid_from))}, {_json(valid_to)}, TRY_CAST({valid_to} AS DATE),
               {f"[{holders}]" if holders else "NULL"},
               {_text(acting) if kind.representative else "NULL"}
        FROM read_parquet(?)
        {f"WHERE {made_from.condition}" if made_from.condition else ""}
        LIMIT 9223372036854775807 OFFSET {int(first) * BATCH}
    """  # noqa: S608 - names are checked against the class, the condition comes from the city folder
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        if made_from.members and members:
            _read_members(connection, kind, made_from.members, members)
        found = connection.execute(query, [[str(path) for path in source.files]])
        beside = connection.cursor()
        while rows := found.fetchmany(BATCH):
            made = [Row(*row) for row in rows]
            yield list(_with_members(made, made_from, beside)) if members else made


def _read_members(
    connection: duckdb.DuckDBPyConnection, kind: CertificateType, wanted: Members, source: LakeClass
) -> None:
    """A table of number → ID numbers in order, in memory: about 30 bytes a person."""
    missing = [column for column in (wanted.by, wanted.holder) if column not in source.columns]
    if missing:
        raise Misconfigured(f"证照类型 {kind.slug} 的 members 用到 {source.label} 没有的列：{'、'.join(missing)}。")
    by, holder = _text(wanted.by), _text(wanted.holder)
    connection.execute(
        f"CREATE TABLE members AS SELECT {by} AS number, list(DISTINCT {holder} ORDER BY {holder}) AS holders "  # noqa: S608 - as above
        f"FROM read_parquet(?) WHERE {by} IS NOT NULL AND {holder} IS NOT NULL "
        f"{f'AND ({wanted.condition})' if wanted.condition else ''} GROUP BY 1",
        [[str(path) for path in source.files]],
    )


def _with_members(rows: list[Row], made_from: MadeFrom, connection: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """Rows with their members; of rows of one class that share a number the first member's alone."""
    one_class = made_from.members is not None and made_from.members.data_class == made_from.data_class
    found = dict(
        connection.execute(
            "SELECT number, holders FROM members JOIN "
            "(SELECT DISTINCT unnest(from_json(?, '[\"VARCHAR\"]')) AS number) USING (number)",
            [json.dumps([row.number for row in rows if row.number])],  # DuckDB takes a list of Python's value by value
        ).fetchall()
    )
    for row in rows:
        members = found.get(row.number) if row.number else None
        if not members:
            yield row
        elif not one_class or row.holder == members[0]:
            yield replace(row, holders=[*(row.holders or ()), *members])


def _check(kind: CertificateType, made_from: MadeFrom, source: LakeClass) -> None:
    wanted = [made_from.number, made_from.holder, made_from.valid_from, made_from.valid_to]
    missing = [column for column in wanted if column and column not in source.columns]
    if missing:
        raise Misconfigured(f"证照类型 {kind.slug} 的 made_from 用到 {source.label} 没有的列：{'、'.join(missing)}。")
    known = set(source.columns.values())
    if (kind.representative and kind.representative not in known) or (kind.holders and not known & set(kind.holders)):
        raise Misconfigured(f"{source.label} 没有证照 {kind.slug} 的 holders 或 representative 所指的数据元。")
    if not known & set(kind.face):
        raise Misconfigured(f"{source.label} 没有证照 {kind.slug} 要打印的数据元。")


def _text(column: str) -> str:
    return f"NULLIF(CAST({quoted(column)} AS VARCHAR), '')"


def _date(column: str) -> str:
    return f"CAST({quoted(column)} AS VARCHAR)" if column else "NULL"


def _json(sql: str) -> str:
    return f"COALESCE(CAST(to_json(CAST({sql} AS VARCHAR)) AS VARCHAR), 'null')"
