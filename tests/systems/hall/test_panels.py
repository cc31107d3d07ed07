"""What the desk sees of an application depends on whether one handles it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.systems.hall.conftest import submitted
from yici.systems.hall.panels import application_panels

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]


def test_who_handles_sees_clear_values_and_who_only_looks_on_sees_them_masked(demo: Any) -> None:
    case = submitted(demo.farmer)
    number = demo.farmer.person.id_number

    def shown(account: Any) -> str:
        (panel,) = application_panels(case, account)
        return next(row.value for row in panel.context["view"].rows if row.key == "person.id_number")

    assert shown(demo.clerk) == number
    masked = shown(demo.supervisor)
    assert number not in masked and "*" in masked
