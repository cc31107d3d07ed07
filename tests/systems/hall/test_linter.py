"""Every rule of the catalogue linter finds its fault in an otherwise sound item, and says where."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from yici.base.cityfolder import read_yaml
from yici.systems.hall.linting import lint, lint_item
from yici.systems.hall.linting.checks import CHECKS
from yici.systems.hall.linting.surroundings import Surroundings, surroundings_of

Item = dict[str, Any]
Spoil = Callable[[Item], Any]
ITEM = "shipin-jingying-xuke"


@pytest.fixture(scope="module")
def around(city: Path) -> Surroundings:
    """The real folder, with every certificate type the sound item names."""
    types = ("food_business_licence", "resident_id_card", "business_licence", "health_certificate")
    real = surroundings_of(city)
    return replace(real, certificates=dict.fromkeys(types, frozenset({"person.name"})) | real.certificates)


@pytest.fixture(scope="module")
def sound(city: Path) -> Item:
    return dict(yaml.safe_load((city / "items" / f"{ITEM}.yaml").read_text("utf-8")))


def findings(item: Item, around: Surroundings, tmp_path: Path) -> list[Any]:
    path = tmp_path / f"{ITEM}.yaml"
    path.write_text(yaml.safe_dump(item, allow_unicode=True, sort_keys=False), "utf-8")
    return list(lint_item(read_yaml(path), f"items/{ITEM}.yaml", around))


def put(*path: Any) -> Spoil:
    """Set the value (last) at the path."""
    *steps, last, value = path

    def spoil(item: Item) -> None:
        node: Any = item
        for step in steps:
            node = node[step]
        node[last] = value

    return spoil


def both(*spoils: Spoil) -> Spoil:
    def spoil(item: Item) -> None:
        for one in spoils:
            one(item)

    return spoil


FEE = {
    "name": {"zh": "工本费", "en": "Charge"},
    "amount": 500,
    "standard": {"zh": "5 元", "en": "5 yuan"},
    "basis": "文件",
}
SPOILED: list[tuple[str, Spoil]] = [
    ("schema", put("online_depth", "V")),
    ("schema", put("nonsense", 1)),
    ("schema", put("materials", 0, "proven_by", [{"promise": True, "certificate": "resident_id_card"}])),
    ("file-name", put("code", "other")),
    ("immediate-or-promised", put("project_type", "immediate")),
    ("promise-within-law", put("limits", "promised", "amount", 30)),
    ("promise-within-law", put("limits", "intake", "amount", 40)),
    ("legal-limit-has-basis", put("limits", "legal", "basis", "")),
    ("steps-within-promise", put("steps", 2, "limit", {"amount": 15})),
    ("result-kind-fits-name", put("result", "kind", "decision")),
    ("result-has-sample", put("result", "sample", "")),
    ("result-certificate-known", put("result", "certificate", "no_such_type")),
    ("result-certificate-known", put("result", "certificate", "")),
    ("result-can-be-printed", put("result", "certificate", "vehicle_licence")),
    ("result-effects-are-told", put("result", "number", "no_such_answer")),
    ("result-effects-are-told", put("result", "ends", {"certificate": "no_such_type"})),
    ("face-is-answered", put("result", "face", [{"element": "vehicle.plate_number"}])),
    ("face-is-answered", put("result", "face", [{"element": "no.such", "value": "1"}])),
    ("visits-have-reason", both(put("visits", {"count": 2}), put("online_depth", "III"))),
    ("no-visit-needs-a-way", both(put("online", False), put("online_depth", "I"))),
    ("depth-four-means-no-visit", put("visits", {"count": 1, "reason": {"zh": "验车", "en": "Inspection"}})),
    ("fees-complete", put("fees", {"charged": True, "pay_online": True})),
    ("fees-complete", put("fees", {"charged": True, "items": [FEE]})),
    ("fees-complete", put("fees", {"charged": True, "pay_online": True, "items": [FEE | {"basis": ""}]})),
    ("fees-complete", put("fees", {"charged": False, "pay_online": True})),
    ("phones-differ", put("complaint_phone", "0558-5121105")),
    ("phones-differ", put("consult_phone", "call us")),
    ("subjects-fit-topics", put("subjects", ["person"])),
    ("subjects-fit-topics", put("listing", "topics", ["no-such-topic"])),
    ("subjects-fit-topics", put("listing", "topics", [])),
    ("licence-has-faqs-and-steps", lambda item: item["faqs"].pop()),
    ("licence-has-faqs-and-steps", lambda item: item.update(steps=item["steps"][:4])),
    ("kind-fits-task-type", put("kind", "public_service")),
    ("has-legal-basis", put("legal_basis", [])),
    ("has-legal-basis", put("legal_basis", 0, "number", "")),
    ("has-legal-basis", put("legal_basis", 0, "title", "《食品安全法》")),
    ("materials-have-source", put("materials", 0, "source", "")),
    ("materials-have-source", put("materials", 0, "source_function", "")),
    ("materials-have-source", put("materials", 0, "proven_by", [])),
    ("materials-have-source", put("materials", 1, "id", "business_licence")),
    ("proofs-known", put("materials", 0, "proven_by", [{"certificate": "no_such_type"}])),
    ("proofs-known", put("materials", 0, "proven_by", [{"facts": ["no.such"], "source": "market_supervision"}])),
    ("proofs-known", put("materials", 0, "proven_by", [{"facts": ["organisation.uscc"], "source": "nobody"}])),
    ("situations-fit-materials", put("form", "situations", 0, "options", 0, "add", ["no_such_material"])),
    ("situations-fit-materials", put("materials", 0, "only_in_situation", True)),
    ("form-is-sound", put("form", "pages", 0, "fields", 0, "element", "organisation.no_such")),
    ("schema", put("form", "pages", 0, "fields", 0, "when", {"field": "unknown", "is": "1"})),
    ("handler-known", put("handler", "function", "nobody")),
    ("handler-known", put("handler", "by", "residence")),
    ("workflow-known", put("workflow", "no-such-workflow")),
    ("windows-known", put("windows", 0, "centres", ["atlantis"])),
    ("windows-known", put("windows", [])),
    ("bilingual", put("summary", {"zh": "只有中文"})),
    ("bilingual", put("summary", "en", "English 里夹中文")),
    ("conditions-and-remedies", put("conditions", [])),
    ("conditions-and-remedies", put("rights", [])),
    ("stopped-items-say-why", put("listing", "state", "suspended")),
    ("found-by-words", put("listing", "keywords", [])),
    ("tolerance-fits-materials", put("tolerance_days", 0)),
    ("signing-is-sound", put("workflow", "signed-registration")),
]


def test_a_sound_item_has_no_findings(sound: Item, around: Surroundings, tmp_path: Path) -> None:
    assert findings(sound, around, tmp_path) == []


@pytest.mark.parametrize(("rule", "spoil"), SPOILED)
def test_rule_finds_its_fault(rule: str, spoil: Spoil, sound: Item, around: Surroundings, tmp_path: Path) -> None:
    item = copy.deepcopy(sound)
    spoil(item)
    found = [one for one in findings(item, around, tmp_path) if one.rule == f"hall.{rule}"]
    assert found
    assert all(one.message and one.remedy and one.line > 0 for one in found)


def test_every_rule_has_a_bad_example() -> None:
    tried = {rule for rule, _spoil in SPOILED}
    assert {check.__name__.replace("_", "-") for check in CHECKS} <= tried


def test_a_finding_names_the_line_of_the_fault(sound: Item, around: Surroundings, tmp_path: Path) -> None:
    item = copy.deepcopy(sound)
    item["workflow"] = "no-such-workflow"
    found = findings(item, around, tmp_path)
    text = (tmp_path / f"{ITEM}.yaml").read_text("utf-8").splitlines()
    assert text[found[0].line - 1] == "workflow: no-such-workflow"


def test_two_items_with_one_code_are_found(city: Path, tmp_path: Path) -> None:
    for name in ("topics.yaml", "hall.yaml", "synonyms.yaml"):
        (tmp_path / name).write_bytes((city / name).read_bytes())
    (tmp_path / "items").mkdir()
    for name in ("a", "b"):
        (tmp_path / "items" / f"{name}.yaml").write_bytes((city / "items" / f"{ITEM}.yaml").read_bytes())
    assert [one.path for one in lint(tmp_path) if one.rule == "hall.code-unique"] == ["items/b.yaml"]


def test_broken_yaml_is_a_finding_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "x.yaml").write_text("name: {zh: a?}\n  - broken", "utf-8")
    assert [one.rule for one in lint(tmp_path)] == ["hall.yaml"]


def test_the_items_of_the_city_have_no_findings(city: Path) -> None:
    assert [f"{one.path}:{one.line} {one.message}" for one in lint(city)] == []
