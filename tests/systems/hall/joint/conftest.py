"""Small whole items for the merge, made from a real one so that nothing is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yici.systems.hall import folder
from yici.systems.hall.definitions import ItemDefinition

Make = Callable[..., ItemDefinition]


@pytest.fixture(scope="session")
def make(city: Path) -> Make:
    """`make("a", gives="x", takes=["y"], fields=[…], situations=[…], …)`: an item with these papers and this form."""
    base = folder.read_item(city / "items" / "shipin-jingying-xuke.yaml", city).model_dump(mode="json", by_alias=True)

    def _make(
        code: str,
        *,
        gives: str = "",
        takes: tuple[str, ...] = (),
        papers: list[dict[str, Any]] | None = None,
        fields: list[dict[str, Any]] | None = None,
        situations: list[dict[str, Any]] | None = None,
        checks: list[dict[str, Any]] | None = None,
        conditions: list[dict[str, Any]] | None = None,
        days: int = 5,
        **changes: Any,
    ) -> ItemDefinition:
        materials = papers or [
            {"id": f"paper_{kind}", "name": f"材料{kind}", "source": "applicant", "proven_by": [{"certificate": kind}]}
            for kind in takes
        ]
        form = {
            "situations": situations or [],
            "pages": [{"id": f"page_{code}", "title": f"页{code}", "fields": fields or [{"element": "person.phone"}]}],
            "checks": checks or [],
        }
        raw = base | {
            "code": code, "name": f"事项{code}", "materials": materials, "form": form, "conditions": conditions or [],
            "result": base["result"] | {"certificate": gives, "face": []},
            "limits": base["limits"] | {"promised": {"amount": days, "unit": "working_day"}},
        }  # fmt: skip
        return ItemDefinition.model_validate(raw | changes)

    return _make


def value_for(field: Any) -> Any:
    """Some valid answer of a field, by its kind."""
    import datetime as dt

    from yici.base import clock
    from yici.core.forms.rules import FieldType, question

    asked = question(field)
    if asked.options:
        return [asked.options[0].value] if asked.type == FieldType.MULTI else asked.options[0].value
    if field.element in EXAMPLES:
        return EXAMPLES[field.element]
    return {
        FieldType.TEXT: "按实际情况", FieldType.TEXTAREA: "按实际情况", FieldType.DATE: (clock.today() + dt.timedelta(days=14)).isoformat() if field.earliest else "2020-01-01",
        FieldType.NUMBER: max(1, int(field.min or 1)), FieldType.MONEY: 100_000, FieldType.YES_NO: "no",
        FieldType.PHONE: "13956731945", FieldType.ID_NUMBER: "342124194503121221", FieldType.DIVISION: "341621108201",
    }[asked.type]  # fmt: skip


EXAMPLES = {
    "organisation.uscc": "92341602MA2NKT5X12",
    "bank.account_number": "6217788300002100077",
    "social_insurance.card_number": "A34218508",
}


def fill(account: Any, token: str, choose: dict[str, str] | None = None) -> Any:
    """Answer every question of a draft that is open, upload or promise what is wanting; the draft as it then is."""
    from tests.core.files.samples import png
    from yici.core.forms import rules
    from yici.core.forms import services as forms
    from yici.systems.hall import services

    application = services.opened(account, token)
    form = application.definition.form
    situation: dict[str, Any] = {}
    while True:
        open_now = [one for one in rules.open_questions(form, situation) if one.id not in situation]
        if not open_now:
            break
        first = open_now[0]
        chosen = (choose or {}).get(first.id, first.options[0].value)
        situation[first.id] = [chosen] if first.kind == "multi" else chosen
    forms.save_situation(application.draft, form, situation, application.draft.revision)
    for _round in range(3):  # an answer may open another question
        application = services.opened(account, token)
        draft = application.draft
        answers = {
            key: value_for(field)
            for page in rules.visible_pages(form, draft.answers, situation)
            for key, field in ((one.key, one) for one in page.fields)
            if not field.readonly and key not in draft.answers and field.type != "group" and field.required
        }
        if not answers:
            break
        errors = forms.save_answers(draft, form, answers, draft.revision)
        assert not errors, errors
    for line in services.materials_of(services.opened(account, token)):
        application = services.opened(account, token)
        if line.is_settled:
            continue
        if any(proof.promise for proof in line.material.proven_by):
            services.promise(application, line.material.id, given=True)
        else:
            services.attach(application, line.material.id, png(), "a.png", account)
    return services.opened(account, token)
