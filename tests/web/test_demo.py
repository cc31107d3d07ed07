"""The living demo city: what it makes is real, repeatable and safe to call again."""

from __future__ import annotations

import pytest

from yici.core.cases.models import Case
from yici.core.messages.models import Delivery
from yici.systems.hall.models import Application
from yici.web import demo
from yici.web.demo.plans import CLOSED, ITEMS, OPEN, plans


def test_the_plan_of_the_demo_is_always_the_same_and_has_every_item_and_story() -> None:
    made = plans()
    assert made == plans()
    assert {plan.item for plan in made} == set(ITEMS)
    assert {plan.story for plan in made} == set(CLOSED) | set(OPEN)


def test_a_desk_of_guoyang_civil_affairs_is_busy() -> None:
    busy = [
        plan for plan in plans(demo.CASES) if plan.item == "gaoling-jintie" and plan.county == "341621" and plan.is_open
    ]
    assert 30 <= len(busy) <= 50


@pytest.mark.django_db
def test_filling_makes_real_applications_once() -> None:
    assert demo.fill(6) is True
    assert Application.objects.count() == 6
    numbers = set(Case.objects.values_list("number", flat=True))
    assert demo.fill(6) is True
    assert set(Case.objects.values_list("number", flat=True)) == numbers
    assert not Delivery.objects.exists()
    for case in Case.objects.all():
        assert case.event_count == case.events.count() >= 1


@pytest.mark.django_db
def test_a_filling_that_was_stopped_goes_on() -> None:
    demo.fill(2)
    first = set(Application.objects.values_list("case__number", flat=True))
    demo.fill(4)
    assert Application.objects.count() == 4
    assert first < set(Application.objects.values_list("case__number", flat=True))
