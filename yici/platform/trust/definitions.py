"""Certificate types as the city folder defines them: `certificates/<slug>.yaml`."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from yici.base.cityfolder import city_folder, read_yaml, yaml_files
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.base.text import Text
from yici.platform.trust import rules

FOLDER = "certificates"
DEFAULT_TEMPLATE = "certificate.typ"
_CLASS = r"^[a-z_]+\.[a-z0-9_]+$"


Category = Literal["identity", "household", "qualification", "licence", "right", "benefit", "approval", "other"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Validity(_Part):
    """How long: years or days; neither means long-term."""

    years: int = Field(default=0, ge=0, le=50)
    days: int = Field(default=0, ge=0, le=3660)

    @model_validator(mode="after")
    def _one_unit(self) -> Validity:
        if self.years and self.days:
            raise ValueError("years 和 days 只能写一个")
        return self


class Members(_Part):
    """Rows of a class whose persons (`holder`: ID number) hold a certificate together: those whose `by` is its number.

    Where it is the class that the certificates are made from, the rows of one number become one certificate.
    """

    data_class: str = Field(alias="class", pattern=_CLASS)
    by: str
    holder: str
    condition: str = ""


class MadeFrom(_Part):
    """The data class that certificates of a type are made from; the other fields name columns of it.

    `holder`: ID number of a person or USCC of an organisation; `members`: who holds it with her, from another class.
    `condition`: which rows have one, in SQL.
    """

    data_class: str = Field(alias="class", pattern=_CLASS)
    number: str
    holder: str
    members: Members | None = None
    valid_from: str = ""
    valid_to: str = ""
    condition: str = ""


class CertificateType(_Part):
    """One kind of certificate. `issuer` is the function of the bodies that issue it; empty where others do.

    `holders`: elements that are ID numbers of persons who hold it with the first holder (a wife); `representative`: the
    element that is the ID number of who acts for an organisation that holds it. Both from face or data class.
    """

    slug: str = Field(pattern=r"[a-z][a-z0-9_]{1,39}$")
    name: Text
    type_code: str = Field(pattern=r"^[0-9A-Z]{21}$", description="GB/T 36904: USCC of the defining body and 3")
    issuer: str = ""
    number: str = Field(default="{division}{year}{serial:08d}", description="number on its face")
    validity: Validity = Validity()
    accent: str = Field(default="#9a1b1e", pattern=r"^#[0-9a-f]{6}$")
    template: str = DEFAULT_TEMPLATE
    statement: Text = Text(zh="")
    category: Category = "other"
    subject: Literal["person", "organisation", "thing"] = "person"
    authority: Text = Text(zh="")  # who defines the type
    holders: tuple[str, ...] = ()
    representative: str = ""
    proves: tuple[str, ...] = ()  # element ids; empty: those of its face
    made_from: MadeFrom | None = None
    face: tuple[str, ...] = Field(min_length=1, description="element ids in the order they are printed")

    @field_validator("number")
    @classmethod
    def _number_can_be_made(cls, pattern: str) -> str:
        try:
            number = pattern.format(division="341600", year=2026, serial=1)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"number 只能用 {{division}}、{{year}}、{{serial}}：{error}") from error
        if "serial" not in pattern or len(number) > 60:
            raise ValueError("number 必须含 {serial}，且不超过 60 字")
        return pattern

    @property
    def is_issued_here(self) -> bool:
        return bool(self.issuer)

    def blanks(self) -> list[str]:
        """Element ids that the statement mentions."""
        return re.findall(r"\{([a-z_.]+)\}", self.statement.zh + self.statement.en)

    def last_day(self, first: dt.date) -> dt.date | None:
        """Last valid day of one valid from `first`."""
        return rules.last_day(first, years=self.validity.years, days=self.validity.days)


def read_type(path: Path) -> CertificateType:
    """One file. Raises `Misconfigured` with its name."""
    try:
        return CertificateType.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Misconfigured(f"{path} 证照类型写得不对：{first_fault(error)}") from error


@lru_cache(maxsize=4)
def _types(folder: Path) -> dict[str, CertificateType]:
    found = {}
    for path in yaml_files(folder / FOLDER):
        kind = read_type(path)
        if kind.slug != path.stem:
            raise Misconfigured(f"{path} 的 slug 应与文件名相同。")
        found[kind.slug] = kind
    return found


def certificate_types() -> dict[str, CertificateType]:
    """Every type of the city by slug, read once per process."""
    return _types(city_folder())


def certificate_type(slug: str) -> CertificateType:
    """Raises `Misconfigured` for a type the city folder does not define."""
    try:
        return certificate_types()[slug]
    except KeyError:
        raise Misconfigured(f"证照类型 {slug} 没有在 {FOLDER}/{slug}.yaml 中定义。") from None


def type_of_code(type_code: str) -> CertificateType | None:
    """The type whose 21-character code stands in an identifier; None where the city no longer has it."""
    return next((kind for kind in certificate_types().values() if kind.type_code == type_code), None)


def forget() -> None:
    """After the city folder has changed."""
    _types.cache_clear()
