"""The primitives of the rule language: name, parameters, dimension and default sentence of each.

What each means for one row says `reference`; `templates` say the same to the engines. A rule never applies to a
value that is missing, but for the three that ask whether it is there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from yici.base.text import Text
from yici.platform.data.rules.patterns import checked_pattern

__all__ = ["PRIMITIVES", "SET_PRIMITIVES", "Parameters", "Primitive"]

ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,58}$")]


def _day_or_today(value: str) -> str:
    if value != "today":
        dt.date.fromisoformat(value)
    return value


Day = Annotated[str, AfterValidator(_day_or_today)]


class Parameters(BaseModel):
    """Parameters of a primitive. `columns` are the other columns of the row the primitive looks at."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def columns_used(self) -> tuple[str, ...]:
        return ()


class Other(Parameters):
    other: ColumnName

    def columns_used(self) -> tuple[str, ...]:
        return (self.other,)


class OtherEquals(Other):
    """`equals` is written as in the lake: a code, `yes`, a number, 2026-11-26."""

    equals: str | tuple[str, ...]

    @property
    def wanted(self) -> tuple[str, ...]:
        return (self.equals,) if isinstance(self.equals, str) else self.equals


class Unique(Parameters):
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]

    def columns_used(self) -> tuple[str, ...]:
        return self.columns


class ExistsIn(Parameters):
    data_class: Annotated[str, Field(alias="class", pattern=r"^[a-z_]+\.[a-z0-9_]+$")]
    column: ColumnName


class IdNumber(Parameters):
    """`prefix`: the first 18 characters of a longer number (a disability certificate) are the identity number."""

    prefix: bool = False


class Matches(Parameters):
    """The whole value. One of more than `LONGEST_MATCHED` characters matches nothing."""

    pattern: Annotated[str, AfterValidator(checked_pattern)]


class InList(Parameters):
    values: Annotated[tuple[str, ...], Field(min_length=1)]


class InCodeList(Parameters):
    list: str


class DateBetween(Parameters):
    """Days as 2026-11-26 or `today`; both ends belong to the span."""

    start: Day = Field(default="1880-01-01", alias="from")
    end: Day = Field(default="today", alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> DateBetween:
        if "today" not in (self.start, self.end) and self.start > self.end:
            raise ValueError("from is later than to")
        return self


class NumberBetween(Parameters):
    """In the unit of the lake: money is fen. Both ends belong to the span."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @model_validator(mode="after")
    def _in_order(self) -> NumberBetween:
        if self.minimum is None and self.maximum is None:
            raise ValueError("minimum or maximum is needed")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        return self


class LengthBetween(Parameters):
    """In characters (code points)."""

    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(ge=0)


class PartOfId(Parameters):
    part: Literal["birth_date", "sex"]
    id: ColumnName

    def columns_used(self) -> tuple[str, ...]:
        return (self.id,)


class FreshWithin(Parameters):
    days: int = Field(ge=0)


class Division(Parameters):
    """`known`: the code must be one of the city's divisions, else its form is enough."""

    known: bool = False


class PlainText(Parameters):
    """`words`: no control characters · `lines`: but line breaks and tabs · `one_line`: nothing invisible either."""

    kind: Literal["words", "lines", "one_line"] = "words"


class YearBetween(Parameters):
    """A year of four digits; `ahead` years after this one at most."""

    minimum: int = Field(default=1900, ge=1000, le=9999)
    ahead: int = Field(default=20, ge=0, le=1000)


@dataclass(frozen=True)
class Primitive:
    """`types`: column types it may be put on (empty: any). `needs_rows`: one row alone cannot tell."""

    name: str
    dimension: str
    message: Text
    parameters: type[Parameters] = Parameters
    types: tuple[str, ...] = ()
    needs_rows: bool = False

    def read(self, parameters: Mapping[str, Any]) -> Parameters:
        """Raises `pydantic.ValidationError`."""
        return self.parameters.model_validate(dict(parameters))


_TEXT = ("text",)
_DATED = ("date", "datetime")
_COUNTED = ("number", "money")


def _message(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


_ALL = (
    Primitive("not_blank", "completeness", _message("{label}没有填写。", "{label} is missing.")),
    Primitive("type", "validity", _message("{label}的写法无法识别。", "{label} cannot be read.")),
    Primitive("unique", "uniqueness", _message("{label}重复。", "{label} occurs more than once."), Unique, (), True),
    Primitive("exists_in", "consistency", _message("{label}在相关数据类中查不到。", "{label} is not found in the class it refers to."), ExistsIn, (), True),
    Primitive("cn_id", "accuracy", _message("{label}不是有效的 18 位身份证号码（15 位旧号码和科学计数法的写法都不能用）。", "{label} is not a valid identity number of 18 characters (old numbers of 15 digits and scientific notation are of no use)."), IdNumber, _TEXT),
    Primitive("uscc", "accuracy", _message("{label}不是有效的统一社会信用代码。", "{label} is not a valid unified social credit code."), Parameters, _TEXT),
    Primitive("matches", "validity", _message("{label}的格式不对。", "{label} has the wrong form."), Matches, _TEXT),
    Primitive("in_list", "validity", _message("{label}不在允许的取值之内。", "{label} is not one of the values allowed."), InList, ("text", "code", "yes_no")),
    Primitive("in_code_list", "validity", _message("{label}不是代码表中的代码或名称。", "{label} is neither a code nor a name of its code list."), InCodeList, ("text", "code", "yes_no")),
    Primitive("date", "validity", _message("{label}不是真实的日期。", "{label} is not a real date."), Parameters, ("text", *_DATED)),
    Primitive("date_between", "accuracy", _message("{label}不在合理的日期范围内。", "{label} lies outside the span of plausible dates."), DateBetween, _DATED),
    Primitive("not_in_future", "accuracy", _message("{label}不能晚于今天。", "{label} cannot lie in the future."), Parameters, _DATED),
    Primitive("number_between", "accuracy", _message("{label}超出合理的范围。", "{label} lies outside the plausible range."), NumberBetween, _COUNTED),
    Primitive("whole_number", "validity", _message("{label}应为整数。", "{label} must be a whole number."), Parameters, _COUNTED),
    Primitive("length_between", "validity", _message("{label}的字数不对。", "{label} has the wrong length."), LengthBetween, _TEXT),
    Primitive("equals_part_of_id", "consistency", _message("{label}与身份证号码不一致。", "{label} differs from the identity number."), PartOfId, ("date", "code")),
    Primitive("not_before", "consistency", _message("{label}早于与它有关的日期。", "{label} precedes the date it depends on."), Other, _DATED),
    Primitive("not_after", "consistency", _message("{label}晚于与它有关的日期。", "{label} follows the date it depends on."), Other, _DATED),
    Primitive("required_if", "completeness", _message("在这种情况下必须填写{label}。", "{label} is needed in this case."), OtherEquals),
    Primitive("forbidden_if", "consistency", _message("在这种情况下不应有{label}。", "{label} must be empty in this case."), OtherEquals),
    Primitive("same_as", "consistency", _message("{label}与另一列不一致。", "{label} differs from the other column."), Other),
    Primitive("fresh_within", "timeliness", _message("{label}太久没有更新。", "{label} is too long ago."), FreshWithin, _DATED),
    Primitive("phone", "validity", _message("{label}不是有效的手机号码。", "{label} is not a valid mobile number."), Parameters, _TEXT),
    Primitive("plate", "validity", _message("{label}不是有效的号牌号码。", "{label} is not a valid plate number."), Parameters, _TEXT),
    Primitive("vin", "validity", _message("{label}不是有效的车辆识别代号。", "{label} is not a valid vehicle identification number."), Parameters, _TEXT),
    Primitive("bank_card", "accuracy", _message("{label}不是有效的银行账号。", "{label} is not a valid bank account number."), Parameters, _TEXT),
    Primitive("division", "validity", _message("{label}不是有效的行政区划代码。", "{label} is not a valid division code."), Division, _TEXT),
    Primitive("plain_text", "validity", _message("{label}含有无法识别的字符。", "{label} contains characters that cannot be shown."), PlainText, _TEXT),
    Primitive("year_between", "accuracy", _message("{label}不是合理的年份。", "{label} is not a plausible year."), YearBetween, _TEXT),
)  # fmt: skip
PRIMITIVES: Mapping[str, Primitive] = {one.name: one for one in _ALL}
SET_PRIMITIVES = frozenset(one.name for one in _ALL if one.needs_rows)
