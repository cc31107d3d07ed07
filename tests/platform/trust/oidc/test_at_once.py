"""One code, several requests at the same moment, over real connections to a database of the test's own."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.conftest import Demo
from tests.platform.trust.oidc.test_provider import address, consent, redeem, register
from tests.systems.hall.conftest import at_once


def test_a_code_sent_four_times_at_once_gives_tokens_once(own_city: None, sign_in: Any) -> None:
    demo = Demo()
    party = register(demo)
    code = consent(sign_in(Client(), demo.daughter), address(party[0]))["code"]
    answers = at_once(*[lambda: redeem(*party, code).status_code] * 4)
    assert sorted(answers) == [200, 400, 400, 400]
