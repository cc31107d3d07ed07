"""Units whose data is late are told, once a due time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition
from yici.core.calendars.rules import CHINA
from yici.core.messages.models import Message
from yici.core.people.models import Account, Organisation
from yici.platform.data.models import ClassChannel, DataClass
from yici.platform.data.quality.reminding import remind_overdue
from yici.platform.data.quality.telling import officers_of, operators

pytestmark = pytest.mark.django_db


def at(day: int, hour: int = 9) -> dt.datetime:
    """A moment of November 2026; the 20th is a Friday."""
    return dt.datetime(2026, 11, day, hour, tzinfo=CHINA)


def late(
    slug: str = "public_security.late", cycle: str = "daily", organisation: str = "bz.public_security"
) -> DataClass:
    data_class = make_class(make_definition(slug, cycle=cycle, name={"zh": slug, "en": ""}), organisation)
    data_class.channels.update(last_success_at=at(20, 2))
    return data_class


def told() -> list[Message]:
    return list(Message.objects.filter(template="data.overdue").order_by("pk"))


def test_the_unit_is_told_once_it_is_late_and_not_before(demo: Any) -> None:
    late()
    assert remind_overdue(at(22)) == 0
    assert remind_overdue(at(23, 17)) == 0
    assert remind_overdue(at(23, 18)) == 1
    (message,) = told()
    assert message.recipient == demo.data_officer
    assert "public_security.late" in message.title
    assert "11月23日" in message.body
    assert message.link == "/desk/data/classes/public_security.late/"


def test_an_hourly_call_tells_nobody_twice_for_one_due_time(demo: Any) -> None:
    late()
    assert [remind_overdue(at(23, hour)) for hour in (18, 19, 23)] == [1, 0, 0]
    assert remind_overdue(at(24, 17)) == 0
    assert len(told()) == 1


def test_it_is_told_again_after_each_further_cycle(demo: Any) -> None:
    late()
    remind_overdue(at(23, 18))
    assert remind_overdue(at(24, 18)) == 1
    assert ClassChannel.objects.get(data_class="public_security.late").reminded_for == dt.datetime(
        2026, 11, 24, 17, 30, tzinfo=CHINA
    )


def test_a_delivery_ends_the_reminding_and_the_next_delay_is_told_anew(demo: Any) -> None:
    data_class = late()
    remind_overdue(at(23, 18))
    data_class.channels.update(last_success_at=at(23, 20))
    assert remind_overdue(at(24, 17)) == 0
    assert remind_overdue(at(24, 18)) == 1


def test_one_message_names_all_the_late_classes_of_a_unit(demo: Any) -> None:
    for place in range(5):
        late(f"public_security.late{place}")
    late("public_security.yearly", "yearly")
    assert remind_overdue(at(24)) == 5
    (message,) = told()
    assert "等 5 类数据" in message.title
    assert message.link == "/desk/data/classes/"


def test_a_unit_without_an_officer_is_told_through_the_data_centre(demo: Any) -> None:
    late("education.late", organisation="bz.education")
    assert remind_overdue(at(24)) == 1
    assert [message.recipient for message in told()] == operators() == [demo.data_engineer]


def test_a_body_under_a_department_is_told_through_the_departments_officer(demo: Any) -> None:
    below = Organisation.objects.filter(parent__slug="bz.public_security").first()
    assert below is not None
    assert officers_of([below]) == {below.pk: [demo.data_officer]}


def test_who_left_is_told_nothing(demo: Any) -> None:
    Account.objects.filter(pk=demo.data_officer.pk).update(is_active=False)
    unit = Organisation.objects.get(slug="bz.public_security")
    assert officers_of([unit]) == {unit.pk: operators()}


def test_a_withdrawn_class_and_one_that_never_came_are_not_missed(demo: Any) -> None:
    gone, never = late("public_security.gone"), late("public_security.never")
    DataClass.objects.filter(pk=gone.pk).update(withdrawn_at=at(21))
    never.channels.update(last_success_at=None)
    assert remind_overdue(at(24)) == 0
