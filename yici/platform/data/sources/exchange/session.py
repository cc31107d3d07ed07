"""What a session with a department's database can do, whichever dialect it speaks. Only ever reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol

from yici.platform.data.sources.exchange.options import ExchangeOptions
from yici.platform.data.sources.writing import Row

# How a column may serve as a watermark; text never, as its order is not that of time.
ColumnKind = Literal["time", "date", "number", "text"]


@dataclass(frozen=True)
class SourceColumn:
    """A column as the database shows it; `sql_type` is the type to compare a watermark in."""

    name: str
    kind: ColumnKind
    sql_type: str


class Session(Protocol):
    """One read-only transaction that sees one state of the database from its first statement to its last.

    Every call raises `SourceUnavailable`, `SourceAccessDenied` or `SourceMisconfigured`, each saying what to do.
    SQL has `%s` for parameters.
    """

    def __enter__(self) -> Session: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def quote(self, name: str) -> str:
        """A name as an identifier."""
        ...

    def relation(self, options: ExchangeOptions) -> str:
        """What stands after FROM."""
        ...

    def as_text(self, expression: str) -> str: ...

    def columns(self, relation: str) -> list[SourceColumn]: ...

    def one(self, sql: str, parameters: Sequence[str] = ()) -> Row:
        """The only row of a statement, each value as text."""
        ...

    def stream(self, sql: str, parameters: Sequence[str], batch: int) -> Iterator[list[Row]]:
        """Rows as they come, never all at once."""
        ...

    def now(self, column: SourceColumn) -> str:
        """The database's clock as an expression comparable with the column."""
        ...

    def behind(self, column: SourceColumn, overlap: int) -> str:
        """The expression for parameter `%s`, a value of the column, less the overlap."""
        ...

    def seconds(self) -> float:
        """The database's clock, in seconds since 1970."""
        ...
