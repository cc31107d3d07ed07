"""How each required material is proven: by records, by a certificate, by a promise, or by an upload. Pure.

The order of `proven_by` is the city's preference; the first way that holds is taken, so that a person is
asked for a document only when nothing the city holds can stand for it (国办函〔2016〕108号, trust A–D).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from yici.base.text import localized
from yici.core.forms.ports import Fact
from yici.core.forms.rules import materials_needed
from yici.systems.hall.definitions import ItemDefinition, Material, Proof

Source = Literal["data", "certificate", "promise", "upload", "deferred", "missing", "optional"]
TRUST: dict[str, str] = {"data": "A", "certificate": "A", "promise": "D", "upload": "C", "deferred": "D"}


@dataclass(frozen=True)
class HeldCertificate:
    """What the certificate library says of a certificate that is valid today."""

    identifier: str
    name: str
    number: str
    issuer: str
    issued_on: dt.date


@dataclass(frozen=True)
class ProvenMaterial:
    """One line of the material list. `words` says for people what proves it, or what is still wanted."""

    material: Material
    source: Source
    words: str
    proof: dict[str, Any] = field(default_factory=dict)
    files: tuple[int, ...] = ()

    @property
    def is_settled(self) -> bool:
        return self.source != "missing"

    @property
    def needs_nothing(self) -> bool:
        return self.source in ("data", "certificate")

    @property
    def trust(self) -> str:
        return TRUST.get(self.source, "C")


def required_materials(item: ItemDefinition, situation: Mapping[str, Any]) -> list[Material]:
    """The materials that apply in this situation, in the item's order."""
    always = [material.id for material in item.materials if not material.only_in_situation]
    needed = set(materials_needed(always, item.form, situation))
    return [material for material in item.materials if material.id in needed]


def elements_for_proof(item: ItemDefinition) -> list[str]:
    """Every element whose record may prove some material of the item, each once."""
    return list(
        dict.fromkeys(element for material in item.materials for proof in material.proven_by for element in proof.facts)
    )


def certificate_types(item: ItemDefinition) -> list[str]:
    """Every certificate type that may prove some material of the item, each once."""
    types = (proof.certificate for material in item.materials for proof in material.proven_by)
    return list(dict.fromkeys(kind for kind in types if kind))


def prove(
    materials: Sequence[Material],
    *,
    facts: Mapping[str, Fact],
    certificates: Mapping[str, HeldCertificate],
    uploads: Mapping[str, Sequence[int]],
    promised: Sequence[str] = (),
    deferred: Sequence[str] = (),
) -> list[ProvenMaterial]:
    """Settle each material. `uploads` maps a material id to stored file ids."""
    return [
        _prove_one(material, facts, certificates, tuple(uploads.get(material.id, ())), promised, deferred)
        for material in materials
    ]


def _prove_one(
    material: Material,
    facts: Mapping[str, Fact],
    certificates: Mapping[str, HeldCertificate],
    files: tuple[int, ...],
    promised: Sequence[str],
    deferred: Sequence[str],
) -> ProvenMaterial:
    for proof in material.proven_by:
        if held := certificates.get(proof.certificate or ""):
            return _by_certificate(material, held)
        if proof.facts and (found := _facts_for(proof, facts)):
            return _by_facts(material, found)
    if files:
        return ProvenMaterial(material, "upload", _("已上传 {count} 个文件").format(count=len(files)), files=files)
    if material.id in promised and any(proof.promise for proof in material.proven_by):
        return ProvenMaterial(material, "promise", _("您已书面承诺符合要求，免于提交"), {"promise": True})
    if material.id in deferred and material.necessity == "tolerant":
        return ProvenMaterial(material, "deferred", _("先受理，之后再补交"), {"deferred": True})
    if material.necessity == "optional":
        return ProvenMaterial(material, "optional", _("可以不交"))
    return ProvenMaterial(material, "missing", _wanted(material))


def _facts_for(proof: Proof, facts: Mapping[str, Fact]) -> list[Fact]:
    """The facts that prove it, all or nothing; each must come from the body the city names."""
    found = [facts[element] for element in proof.facts if element in facts and facts[element].value not in ("", None)]
    from_source = all(fact.source_organisation.rsplit(".", 1)[-1] == proof.source for fact in found)
    return found if len(found) == len(proof.facts) and from_source else []


def _by_facts(material: Material, facts: list[Fact]) -> ProvenMaterial:
    oldest = min((fact.as_of.isoformat() for fact in facts if fact.as_of), default="")
    source = _source_name(facts[0])
    words = _("不用您提交，由{source}证明（{date} 核对）").format(source=source, date=oldest)
    proof = {
        "source": facts[0].source,
        "source_en": facts[0].source_en,
        "source_organisation": facts[0].source_organisation,
        "as_of": oldest,
        "elements": [fact.element for fact in facts],
    }
    return ProvenMaterial(material, "data", words, proof)


def _source_name(fact: Fact) -> str:
    return localized(fact.source, fact.source_en)


def _by_certificate(material: Material, held: HeldCertificate) -> ProvenMaterial:
    words = _("不用您提交，由电子证照《{name}》证明（{issuer}，{date} 核发）").format(
        name=held.name, issuer=held.issuer, date=held.issued_on.isoformat()
    )
    proof = {
        "identifier": held.identifier,
        "name": held.name,
        "issuer": held.issuer,
        "issued_on": held.issued_on.isoformat(),
    }
    return ProvenMaterial(material, "certificate", words, proof)


def _wanted(material: Material) -> str:
    if any(proof.promise for proof in material.proven_by):
        return _("请上传，或者书面承诺符合要求")
    if material.proven_by:
        return _("城市的记录里没有查到，请上传")
    return _("请上传")
