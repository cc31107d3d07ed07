"""Rows of the lake in batches of 4,096, always in the same order, with the face already composed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from yici.base.errors import Misconfigured
from yici.base.sql import quoted
from yici.platform.trust.definitions import CertificateType, MadeFrom
from yici.platform.trust.making.canonical import face_expression
from yici.platform.trust.making.tree import BATCH
from yici.platform.trust.ports import LakeClass

__all__ = ["Row", "batches"]


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate to be made. JSON parts are ready to be put into the record; `None`: the source has no value."""

    number: str | None
    holder: str | None
    face: str
    number_json: str
    holder_json: str
    valid_from_json: str
    valid_to_json: str
    valid_to: dt.date | None


def batches(kind: CertificateType, source: LakeClass, first: int) -> Iterator[list[Row]]:
    """Batches from number `first` on. The files of a version never change, so neither do the batches.

    Raises `Misconfigured` where the type names a column that the class lacks.
    """
    made_from = kind.made_from
    if made_from is None:
        raise Misconfigured(f"证照类型 {kind.slug} 没有写 made_from，不能从数据制证。")
    _check(kind, made_from, source)
    face = {element: _text(column) for column, element in source.columns.items() if element in kind.face}
    valid_to = _date(made_from.valid_to)
    if made_from.valid_from and not made_from.valid_to and (kind.validity.years or kind.validity.days):
        length = f"INTERVAL {kind.validity.years} YEAR" if kind.validity.years else f"INTERVAL {kind.validity.days} DAY"
        valid_to = f"CAST({quoted(made_from.valid_from)} + {length} - INTERVAL 1 DAY AS DATE)"
    query = f"""
        SELECT {_text(made_from.number)} AS number, {_text(made_from.holder)} AS holder, {face_expression(face)} AS face,
               {_json(_text(made_from.number))}, {_json(_text(made_from.holder))},
               {_json(_date(made_from.valid_from))}, {_json(valid_to)}, TRY_CAST({valid_to} AS DATE)
        FROM read_parquet(?)
        {f"WHERE {made_from.condition}" if made_from.condition else ""}
        LIMIT 9223372036854775807 OFFSET {int(first) * BATCH}
    """  # noqa: S608 - names are checked against the class, the condition comes from the city folder
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        found = connection.execute(query, [[str(path) for path in source.files]])
        while rows := found.fetchmany(BATCH):
            yield [Row(*row) for row in rows]


def _check(kind: CertificateType, made_from: MadeFrom, source: LakeClass) -> None:
    wanted = [made_from.number, made_from.holder, made_from.valid_from, made_from.valid_to]
    missing = [column for column in wanted if column and column not in source.columns]
    if missing:
        raise Misconfigured(f"证照类型 {kind.slug} 的 made_from 用到 {source.label} 没有的列：{'、'.join(missing)}。")
    if not set(kind.face) & set(source.columns.values()):
        raise Misconfigured(f"{source.label} 没有证照 {kind.slug} 要打印的数据元。")


def _text(column: str) -> str:
    return f"NULLIF(CAST({quoted(column)} AS VARCHAR), '')"


def _date(column: str) -> str:
    return f"CAST({quoted(column)} AS VARCHAR)" if column else "NULL"


def _json(sql: str) -> str:
    return f"COALESCE(CAST(to_json(CAST({sql} AS VARCHAR)) AS VARCHAR), 'null')"
