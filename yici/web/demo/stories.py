"""How each application goes on after it was filed, as steps with their moments. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from yici.web.demo.plans import Days, Plan, answered_at, handled_at

REVIEWED = (
    "材料齐全，与登记信息一致，拟同意。",
    "已核对户籍和银行账户信息，符合条件。",
    "经核查符合规定，建议准予。",
    "信息比对无误，同意上报。",
)
APPROVED = ("同意。", "符合条件，准予。", "同意，按规定办理。", "")
DENIED = (
    "经与数据比对，申请人已在外省领取同类待遇，不符合条件。", "现场核查发现经营场所与申报不一致，不符合许可条件。",
    "所提交材料不能证明符合规定条件，补正后仍不齐全。", "个人负担费用未超过起付线，不予报销。",
)  # fmt: skip
REFUSED = (
    "申请事项依法不属于本机关职权范围。",
    "申请人户籍已迁出本县，请向现户籍地申请。",
    "同一事项已在办理中，不予重复受理。",
)
NOT_ACCEPTED = ("材料内容与申请事项不符，请核实后重新申报。", "所填单位未在本县登记，请向登记地申请。")
WITHDRAWN = ("信息填错了，想重新填。", "暂时不办了。", "家里人已经在窗口办过了。", "等材料备齐了再申请。")
CORRECTIONS = (
    ("照片不清楚，请重新上传近期正面免冠照片。", "近照"), ("请补充银行卡开户行名称，并核对户名与本人一致。", "收款账户"),
    ("居住地址请写到门牌号。", "居住地址"), ("请补充出院小结盖章页。", "出院小结"), ("联系电话打不通，请更换能接通的号码。", "联系电话"),
)  # fmt: skip
ANSWERS = (
    "已按要求补充，请查收。",
    "地址和电话已经改过来了。",
    "新照片已上传。",
    "开户行是涡阳农商行城关支行，户名是本人。",
)
URGES = (
    "老人等着用，麻烦快一点。",
    "已经过了说好的时间，请尽快办理。",
    "孩子开学要用，请帮忙加急。",
    "请问到哪一步了？",
)
ORDERS = ("已超过承诺时限，请查明原因，两个工作日内办结并反馈。", "群众多次催办，请今日内与申请人联系说明进度。")
REPLIES = ("已与申请人电话说明，材料正在复核，明日办结。", "因系统核验延迟，已安排专人办理。")


@dataclass(frozen=True)
class Step:
    """One thing that happens. `by`: permission of the staff member, or `applicant`, `assignee`, `supervisor`."""

    at: dt.datetime
    what: str
    by: str
    opinion: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def age_of(plan: Plan, promised: int, chance: Random) -> int:
    """Working days since the application, as the story wants it."""
    ages = {
        "new": (0, 0), "taken_in": (0, 1), "to_review": (1, max(1, min(promised - 2, 6))), "to_decide": (2, max(2, min(promised - 1, 8))),
        "due_soon": (promised, promised + 1), "overdue": (promised + 2, promised + 11), "correction_waiting": (2, 11),
        "correction_answered": (3, 9), "special": (3, 9), "withdrawal_asked": (2, 4),
    }  # fmt: skip
    if plan.is_open:
        return chance.randint(*ages[plan.story])
    newest = promised + (7 if plan.story in ("late", "corrected") else 2)
    # More lately than at the beginning: the hall is still becoming known.
    return min(59, newest + int((59 - newest) * chance.random() ** 1.25))


class Story:
    """Walks one plan through its workflow, keeping the time."""

    def __init__(
        self, plan: Plan, workflow: str, promised: int, days: Days, filed: dt.datetime, chance: Random
    ) -> None:
        self.plan, self.workflow, self.promised, self.days, self.chance = plan, workflow, promised, days, chance
        self.now = filed
        self.reviews = workflow != "pre-review"

    def steps(self) -> list[Step]:
        return [step for step in self._walk() if step.at <= self.days.now]

    def _staff(self, after: int, what: str, by: str, opinion: str = "", **data: Any) -> Step:
        self.now = handled_at(self.chance, self.days, self.now, after)
        return Step(self.now, what, by, opinion, data)

    def _applicant(self, after: int, what: str, opinion: str = "", **data: Any) -> Step:
        self.now = answered_at(self.chance, self.days, self.now, after)
        return Step(self.now, what, "applicant", opinion, data)

    def _walk(self) -> Iterator[Step]:
        story = self.plan.story
        if story == "new":
            if self.chance.random() < 0.45:
                yield self._staff(0, "claim", "case.accept")
            return
        yield self._staff(0 if self.chance.random() < 0.8 else 1, "claim", "case.accept")
        if story == "taken_in":
            if self.reviews:
                yield self._staff(0, "window_accept", "case.accept", "材料已收齐，待核对。")
            return
        if story in ("refused", "not_accepted", "withdrawn") or story.startswith("correct"):
            yield from self._before_acceptance(story)
            if story not in ("corrected",):
                return
        yield self._staff(0, "accept", "case.accept")
        yield from self._after_acceptance(story)

    def _before_acceptance(self, story: str) -> Iterator[Step]:
        chance = self.chance
        if story == "refused" and self.reviews:
            yield self._staff(0, "refuse", "case.accept", reason=chance.choice(REFUSED))
        elif story in ("refused", "not_accepted"):
            yield self._staff(0, "not_accept", "case.accept", reason=chance.choice(NOT_ACCEPTED))
        elif story == "withdrawn":
            yield self._applicant(chance.randint(0, 1), "withdraw", reason=chance.choice(WITHDRAWN))
        else:
            request, label = chance.choice(CORRECTIONS)
            demand = {"label": label, "request": request}
            yield self._staff(
                0, "request_correction", "case.accept", request, demands=[demand], days=chance.choice((10, 15))
            )
            if story != "correction_waiting":
                yield self._applicant(chance.randint(0, 2), "answer_correction", chance.choice(ANSWERS))

    def _after_acceptance(self, story: str) -> Iterator[Step]:
        chance = self.chance
        if story == "withdrawal_asked":
            what = "request_withdrawal" if self.reviews else "withdraw"
            yield self._applicant(1, what, reason=chance.choice(WITHDRAWN))
            return
        if self.workflow == "home-visit" and story != "to_review":
            yield self._staff(1, "start_visit", "case.accept", "已与申请人约好上门时间。", kind="home_visit", days=10)
            if story == "special":
                return
            yield self._staff(chance.randint(1, 3), "end_visit", "case.review", "已入户评定，填写评定表。")
        elif story == "special" and self.reviews:
            yield self._staff(0, "start_special", "case.review", kind="survey", reason="需到现场勘验核实。", days=10)
            return
        if story in ("to_review", "special") or (story in ("due_soon", "overdue") and chance.random() < 0.4):
            yield from self._pressed(story)
            return
        if self.reviews:
            most = max(0, min(self.promised - 2, 4)) if story != "late" else self.promised
            yield self._staff(chance.randint(0, most), "review", "case.review", chance.choice(REVIEWED))
        if self.plan.is_open:
            yield from self._pressed(story)
            return
        yield from self._decided(story)

    def _pressed(self, story: str) -> Iterator[Step]:
        """An overdue matter is urged by the applicant, and sometimes by the supervision office."""
        if story != "overdue":
            return
        last = self.now
        if self.chance.random() < 0.6:
            yield self._applicant(self.promised + 1, "urge", self.chance.choice(URGES))
            if self.chance.random() < 0.4:
                yield self._staff(0, "reply", "case.accept", self.chance.choice(REPLIES))
        if self.chance.random() < 0.35:
            self.now = max(last, self.now)
            yield self._staff(1, "supervise", "supervisor", self.chance.choice(ORDERS))

    def _decided(self, story: str) -> Iterator[Step]:
        chance = self.chance
        wait = chance.randint(1, 5) if story == "late" else chance.randint(0, 1 if self.promised > 2 else 0)
        decides = "case.approve" if self.reviews else "case.review"
        if story == "late" and chance.random() < 0.5:
            yield self._applicant(1, "urge", chance.choice(URGES))
        if story == "denied":
            yield self._staff(wait, "deny", decides, reason=chance.choice(DENIED))
        else:
            yield self._staff(wait, "approve", decides, chance.choice(APPROVED))
            yield Step(self.now + dt.timedelta(seconds=20), "issue", "system")
        if chance.random() < 0.58:
            yield self._applicant(chance.randint(0, 3), "rate")


RATED = {
    5: (("手机上就办好了，不用跑路，真方便。", "老人不用去窗口，太好了。", "上午申请下午就办好了。", "信息都是自动填好的，省心。", ""), ("01", "03", "05")),
    4: (("整体不错，希望再快一点。", "挺方便，字再大点就更好。", "办得挺顺利。", ""), ("02", "04", "05")),
    3: (("还可以，就是等了几天。", "地址那里不好填。", ""), ("06", "09")),
    2: (("补了一次材料，耽误时间。", "打电话没人接。"), ("06", "08")),
    1: (("超过说好的时间才办好。", "为什么又要我交一遍材料？"), ("06", "08", "10")),
}  # fmt: skip


def rating(story: str, chance: Random) -> tuple[int, str, list[str]]:
    """Level 1–5, words and tags; whoever waited or was refused is less content."""
    weights = (62, 27, 8, 2, 1) if story in ("on_time", "corrected") else (14, 24, 28, 20, 14)
    level = chance.choices((5, 4, 3, 2, 1), weights=weights)[0]
    texts, tags = RATED[level]
    return level, chance.choice(texts), sorted(chance.sample(tags, k=chance.randint(1, 2)))
