"""The schema of `fees/*.yaml`: everything a city says about what may be charged, and about its billers.

Field names follow the published fee lists (收费目录清单): 项目、标准、单位、依据、执收单位、减免. Amounts are fen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from yici.base.cityfolder import city_folder, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.base.text import Text

FOLDER = "fees"
BILLERS = "billers.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Basis(_Part):
    """A legal basis: title without brackets, document number, article."""

    title: str = Field(min_length=2)
    number: str = ""
    article: str = ""

    def __str__(self) -> str:
        return "".join(filter(None, (f"《{self.title}》", f"（{self.number}）" if self.number else "", self.article)))


class Payee(_Part):
    """Who gets it: one body by `organisation`, or the body with a `function` at a `level` for the case's division."""

    organisation: str = ""
    function: str = ""
    level: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Payee:
        if bool(self.organisation) == bool(self.function and self.level):
            raise ValueError("payee 写 organisation，或者同时写 function 和 level")
        return self


class Rate(_Part):
    """So many thousandths of an amount that the caller gives, rounded half up to the fen."""

    of: Text
    per_mille: int = Field(gt=0, le=1000)
    least: int = Field(default=0, ge=0, description="fen")
    most: int | None = Field(default=None, gt=0, description="fen")


class Reduction(_Part):
    """Less, or nothing, to pay where every fact of `when` has the given value. The first that fits counts."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Text
    when: dict[str, str] = Field(min_length=1)
    percent: int = Field(ge=1, le=100, description="so much less")
    basis: Basis


class Subsidy(_Part):
    """A part that a budget pays for the payer: the payee gets all of it."""

    budget: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    percent: int = Field(ge=1, le=99)
    basis: Basis


class Fee(_Part):
    """One line of the list. `fen` a unit, or a `rate`. `refund`: whether a withdrawal before the decision brings it back."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    name: Text
    kind: Literal["administrative", "operating", "tax", "fund"]
    non_tax: bool
    payee: Payee
    unit: Text
    fen: int | None = Field(default=None, ge=0, le=10**9)
    rate: Rate | None = None
    basis: list[Basis] = Field(min_length=1)
    reductions: list[Reduction] = []
    subsidy: Subsidy | None = None
    refund: Literal["before_decision", "never"] = "before_decision"
    valid_from: dt.date
    valid_until: dt.date | None = None

    @model_validator(mode="after")
    def _one_price(self) -> Fee:
        if (self.fen is None) == (self.rate is None):
            raise ValueError("fen 和 rate 必须写且只写一个")
        if len({one.id for one in self.reductions}) != len(self.reductions):
            raise ValueError("减免的 id 重复")
        return self

    def in_force(self, on: dt.date) -> bool:
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)

    def digest(self) -> str:
        """SHA-256 (hex) of the content; equal content has an equal digest."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Biller(_Part):
    """Who sends bills: water, power, gas, telephone, school. `fee` is the fee its payments stand on."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    name: Text
    service: Text
    icon: str
    account: Text
    account_hint: Text
    account_pattern: str
    fee: str
    amounts: list[int] = Field(default=[], description="fen to choose from, where there is no bill: topping up")


def fee_files(city: Path) -> list[Path]:
    return [path for path in yaml_files(city / FOLDER) if path.name != BILLERS]


def fees_of(city: Path) -> dict[str, Fee]:
    """Every fee of the folder by code. Raises `Misconfigured` naming the file."""
    found: dict[str, Fee] = {}
    for path in fee_files(city):
        for raw in read_yaml(path) or []:
            try:
                fee = Fee.model_validate(raw)
            except ValidationError as error:
                raise Misconfigured(f"{path.name}：{first_fault(error)}") from error
            if fee.code in found:
                raise Misconfigured(f"{path.name}：收费项目 {fee.code} 重复")
            found[fee.code] = fee
    return found


def billers() -> dict[str, Biller]:
    """Every biller of the city by id, in the order of the file. Raises `Misconfigured`."""
    return _billers_of(city_folder() / FOLDER / BILLERS)


@lru_cache(maxsize=2)
def _billers_of(path: Path) -> dict[str, Biller]:
    if not path.exists():
        return {}
    try:
        return {one.id: one for one in (Biller.model_validate(raw) for raw in read_yaml(path))}
    except ValidationError as error:
        raise Misconfigured(f"{path.name}：{first_fault(error)}") from error


def fee_from(definition: dict[str, Any]) -> Fee:
    """A kept version as a fee again."""
    return Fee.model_validate(definition)
