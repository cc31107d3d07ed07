"""Five questions about opening a restaurant, a list of one's own, one form, one case, done: page by page, no JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.systems.hall.joint.conftest import fill
from tests.systems.hall.joint.test_cases import close, part
from tests.systems.hall.test_story import City
from tests.visitor import Visitor
from yici.platform.trust.models import Certificate
from yici.systems.hall.joint.models import JointApplication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("story_day")]

ANSWERS = (
    ("licence", "no"),
    ("form", "sole"),
    ("size", "small"),
    ("smoke", "yes"),
    ("sign", "no"),
    ("place", "341602000000"),
)


def personal_list(visitor: Visitor) -> Visitor:
    for name, value in ANSWERS:
        visitor.press("继续", **{name: value})
    assert "您的清单" in visitor.text
    return visitor


def test_from_five_questions_to_both_licences(
    demo: Any, sms: Any, run_jobs: Any, sign_in: Callable[..., Client]
) -> None:
    trader = City(demo, sms, run_jobs).citizen("trader", "/login/?next=/guided/kai-fandian/")
    sign_in(trader.client, demo.trader, 3)  # an item of the list wants proof of identity
    personal_list(trader)
    assert "一次申请全部" in trader.text and "3张并成1张" in trader.bare
    trader.press("一次申请全部")
    token = re.search(r"/apply/([^/]+)/", trader.path)
    assert token, trader.path
    fill(demo.trader, token[1])
    trader.open(f"/apply/{token[1]}/materials/")
    assert "由本次办出的《个体工商户营业执照》证明" in trader.text
    trader.open(f"/apply/{token[1]}/check/")
    assert trader.text.count("谯城区") >= 1
    trader.press("确认并提交")
    joint = JointApplication.objects.select_related("case").get()
    assert trader.path == f"/my/joint/{joint.case.number}/"
    assert "办成后自动开始" in trader.text
    close(part(joint, "geti-gongshanghu").case)
    run_jobs()
    close(part(joint, "jiankangzheng").case)
    run_jobs()
    close(part(joint, "shipin-jingying-xuke").case)
    run_jobs()
    trader.open(f"/my/joint/{joint.case.number}/")
    assert "办成" in trader.text and "食品经营许可证" in trader.text and "营业执照" in trader.text
    assert Certificate.objects.filter(case_number__in=joint.parts.values("case__number")).count() == 3
