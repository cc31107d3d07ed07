"""The register of every certificate type that bodies of the city issue: `certificate_registry.yaml` of the city folder.

A row names the certificate, the function of the body that issues it and its category; `type` where it is described as
`certificates/<slug>.yaml`, so that it can be issued, made and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yici.base.cityfolder import city_folder, read_yaml
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.base.text import Text
from yici.core.people.models import Organisation
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust import definitions
from yici.platform.trust.definitions import Category, CertificateType

__all__ = ["CATEGORIES", "FILE", "Entry", "Registered", "Registry", "entries", "registry"]

FILE = "certificate_registry.yaml"
CATEGORIES: dict[str, str | Promise] = {
    "identity": _("身份证件"),
    "household": _("婚育户籍"),
    "qualification": _("资格证书"),
    "licence": _("许可执照"),
    "right": _("权属证明"),
    "benefit": _("待遇优待"),
    "approval": _("审批文书"),
    "other": _("其他"),
}


class Registered(BaseModel):
    """One row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=2)
    issuer: str = Field(pattern=r"^[a-z_]+$", description="function of the issuing body")
    category: Category
    type: str = ""


class Registry(BaseModel):
    """`total`: how many there shall be, so that a row that is lost is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: int
    types: tuple[Registered, ...]


@dataclass(frozen=True)
class Entry:
    """A row in words: `kind` where it is described; `proves` are labels of data elements."""

    name: Text
    category: str
    category_label: str | Promise
    issuer: str
    kind: CertificateType | None
    proves: tuple[str, ...]


def registry() -> Registry:
    """Read once per process. Raises `Misconfigured`."""
    return _read(city_folder() / FILE)


@lru_cache(maxsize=4)
def _read(path: Path) -> Registry:
    try:
        return Registry.model_validate(read_yaml(path))
    except ValidationError as error:
        raise Misconfigured(f"{path} 证照目录写得不对：{first_fault(error)}") from error


def forget() -> None:
    """After the city folder has changed."""
    _read.cache_clear()


def entries(words: str = "", category: str = "") -> list[Entry]:
    """Rows whose name, issuer or proven elements contain the words; one query."""
    names = dict(Organisation.objects.filter(level="city").order_by("-order", "-id").values_list("function", "name"))
    kinds = definitions.certificate_types()
    found = []
    for row in registry().types:
        kind = kinds.get(row.type)
        proven = (kind.proves or kind.face) if kind else ()
        labels = tuple(str(vocabulary.element(one).label) for one in proven if vocabulary.has_element(one))
        name = kind.name if kind else Text(zh=row.name)
        issuer = names.get(row.issuer, row.issuer)
        haystack = " ".join((row.name, name.en, issuer, *labels)).lower()
        if (not category or row.category == category) and all(word in haystack for word in words.lower().split()):
            found.append(Entry(name, row.category, CATEGORIES[row.category], issuer, kind, labels))
    return found
