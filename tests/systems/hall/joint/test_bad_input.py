"""What goes wrong with several items at once: contradictions, circles, changes under way. Each is said in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests.systems.hall.joint.test_cases import QIAOCHENG, RESTAURANT, close, part, send
from tests.systems.hall.test_story_api import Program, citizen  # noqa: F401 - a fixture
from yici.systems.hall import queries, services
from yici.systems.hall.joint import applying
from yici.systems.hall.joint.merging import Supply
from yici.systems.hall.models import Application, JointApplication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

PERMIT, LICENCE = RESTAURANT
# Both found a body and give its first business licence: a person chooses one.
TWO_LICENCES = [LICENCE, "nongmin-hezuoshe"]


@pytest.fixture
def circle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The licence is made to wait for the permit, which waits for the licence."""
    material = queries.definition_of(queries.item_by_code(LICENCE).current).materials[0].id
    monkeypatch.setattr(applying, "supplies_of_folder", lambda _city: [Supply(PERMIT, LICENCE, material)])
    applying.merged_of.cache_clear()
    yield
    applying.merged_of.cache_clear()


def test_two_first_licences_contradict_on_the_page_and_one_can_be_left_out(
    demo: Any, client: Client, sign_in: Callable[..., Client]
) -> None:
    client = sign_in(client, demo.trader, 3)
    answer = client.post("/together/", {"items": ",".join(TWO_LICENCES), "place": QIAOCHENG})
    page = answer.content.decode()
    assert answer.status_code == 422 and "只能选一项" in page
    assert all(queries.item_by_code(code).title in page for code in TWO_LICENCES)
    answer = client.post(
        "/together/", {"items": ",".join(TWO_LICENCES), "without": TWO_LICENCES[1], "place": QIAOCHENG}
    )
    assert answer.status_code == 302 and answer["Location"].startswith("/apply/")
    assert not JointApplication.objects.exists()


def test_a_program_is_told_of_the_contradiction(citizen: Any) -> None:  # noqa: F811
    found = Program().get("/together?" + "&".join(f"items={code}" for code in TWO_LICENCES))
    assert any("只能选一项" in one for one in found["contradictions"])
    problem = citizen("trader").post("/drafts", {"items": TWO_LICENCES, "place": QIAOCHENG}, status=422)
    assert problem["type"] == "urn:yici:problem:joint-contradictory"


def test_items_in_a_circle_are_refused_with_the_circle_named(
    circle: None,
    demo: Any,
    client: Client,
    sign_in: Callable[..., Client],
    citizen: Any,  # noqa: F811
) -> None:
    answer = sign_in(client, demo.trader, 3).post("/together/", {"items": ",".join(RESTAURANT), "place": QIAOCHENG})
    page = answer.content.decode()
    assert answer.status_code == 422 and all(queries.item_by_code(code).title in page for code in RESTAURANT)
    problem = citizen("trader").post("/drafts", {"items": RESTAURANT, "place": QIAOCHENG}, status=422)
    assert problem["type"] == "urn:yici:problem:joint-circular"
    path = "/together?" + "&".join(f"items={code}" for code in RESTAURANT)
    assert Program().get(path, status=422)["type"] == "urn:yici:problem:joint-circular"


def test_an_item_changed_by_a_reviewed_change_while_a_part_waits_goes_on_as_applied_for(
    demo: Any, run_jobs: Any
) -> None:
    joint = send(demo.trader, RESTAURANT, place=QIAOCHENG)
    pinned = part(joint, PERMIT).version_id
    promised = queries.definition_of(queries.item_by_code(PERMIT).current).limits.promised.amount
    change = services.propose_change(
        demo.staff("item_manager"), PERMIT, kind="amend", reason="压缩时限", basis="亳政办秘〔2016〕11号",
        effective_from=dt.date(2026, 11, 23), edits={"limits.promised.amount": str(promised - 1)},
    )  # fmt: skip
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    assert queries.item_by_code(PERMIT).current_id != pinned
    close(part(joint, LICENCE).case)
    run_jobs()
    application = Application.objects.get(case=part(joint, PERMIT).case)
    assert application.version_id == pinned
    assert queries.definition_of(application.version).limits.promised.amount == promised


def test_an_item_stopped_by_a_reviewed_change_while_a_part_waits_goes_on_too(demo: Any, run_jobs: Any) -> None:
    joint = send(demo.trader, RESTAURANT, place=QIAOCHENG)
    change = services.propose_change(
        demo.staff("item_manager"),
        PERMIT,
        kind="stop",
        reason="合并",
        basis="国发〔2016〕9号",
        effective_from=dt.date(2026, 11, 23),
    )
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    assert queries.item_by_code(PERMIT).state == "suspended"
    close(part(joint, LICENCE).case)
    run_jobs()
    close(part(joint, PERMIT).case)
    run_jobs()
    joint.case.refresh_from_db()
    assert joint.case.state == "approved"


def test_half_of_a_chain_withdrawn_drops_what_waits_and_keeps_the_rest(demo: Any, run_jobs: Any) -> None:
    from yici.core.cases import services as cases

    joint = send(demo.trader, [*RESTAURANT, "jiankangzheng"], place=QIAOCHENG)
    cases.withdraw(part(joint, LICENCE).case.number, demo.trader)
    run_jobs()
    permit = part(joint, PERMIT)
    assert permit.case is None and permit.dropped_why
    close(part(joint, "jiankangzheng").case)
    run_jobs()
    joint.case.refresh_from_db()
    assert joint.case.state == "approved_tolerant", "one of three: partly done"
