"""Playing one plan: the application is filed, handled and rated at its moments, through the services everybody uses."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from yici.base import clock
from yici.core.cases import services as cases
from yici.core.cases.models import Case, Instruction
from yici.core.forms import services as forms
from yici.core.people.models import Account, Person
from yici.platform.data import queries as register
from yici.platform.data.services import CASE_TYPE
from yici.systems.hall import services as hall
from yici.systems.hall.models import Application, ServiceItem
from yici.systems.hall.queries import definition_of
from yici.web.demo import applicants, papers, stories
from yici.web.demo.answers import Applicant, answers_for, situation_for
from yici.web.demo.plans import Days, Plan, applied_at, handled_at

_CHANNELS = {"net": 46, "app": 46, "terminal": 8}
_ELSEWHERE = ("老庄 2 组 11 号", "新村 5 排 3 户", "集东头 17 号", "安置小区 4 栋 201 室")


def play(plan: Plan, id_number: str, days: Days) -> Case:
    """File one application and let it go its way. The caller's transaction makes it all or nothing."""
    chance = plan.random
    item = ServiceItem.objects.select_related("current").get(code=plan.item)
    assert item.current is not None
    definition = definition_of(item.current)
    promised = max(1, int(definition.limits.promised.amount))
    filed = applied_at(chance, days, stories.age_of(plan, promised, chance))
    row = register.resident(id_number)
    with clock.at(filed):
        account, person = _who_files(plan, row, chance)
        application = _file(plan, account, person, Applicant(person, row.address, filed.date(), plan.item), chance)
    case = application.case
    story = stories.Story(plan, definition.workflow, promised, days, filed + dt.timedelta(minutes=9), chance)
    _Run(case, account, plan.story, chance).all(story.steps())
    _objections(person, days, filed, chance)
    return case


def _who_files(plan: Plan, row: Any, chance: Random) -> tuple[Account, Person]:
    person = applicants.person_of(row)
    helper = applicants.helper_for(plan, row, chance) if plan.agent else None
    return helper or applicants.account_of(row, chance), person


def _file(plan: Plan, account: Account, person: Person, about: Applicant, chance: Random) -> Application:
    helped = account.person_id != person.pk
    channel = "agent" if plan.agent == "point" and helped else _channel(chance)
    draft = hall.start(account, plan.item, assurance=3, subject=person, channel=channel)
    application = hall.opened(account, draft.token)
    draft, form = application.draft, application.definition.form
    if form.situations:
        forms.save_situation(draft, form, situation_for(form, chance), draft.revision)
    given = answers_for(form, draft.answers, about, chance)
    if "filed_by" in form.by_key:
        given["filed_by"] = ("village" if plan.agent == "point" else "child") if helped else "self"
    given |= _corrected(draft.answers, form.by_key, about, chance)
    forms.save_answers(draft, form, given, draft.revision)
    _settle_materials(application, account, about, chance)
    sent = hall.submit(draft.token, account)
    assert isinstance(sent, Application)  # a draft of one item
    return sent


def _channel(chance: Random) -> str:
    return chance.choices(list(_CHANNELS), weights=list(_CHANNELS.values()))[0]


def _corrected(known: dict[str, Any], asked: Any, about: Applicant, chance: Random) -> dict[str, Any]:
    """Some find their record out of date and correct it, which becomes an objection to the record."""
    if chance.random() > 0.16:
        return {}
    from yici.platform.data.register import numbers

    if "person.phone" in known and chance.random() < 0.5:
        return {"person.phone": numbers.phone(chance)}
    if "person.residential_address" in known and "person.residential_address" in asked:
        village = str(known["person.residential_address"]).rstrip("0123456789组号室栋单元 ")
        return {"person.residential_address": f"{village}{chance.choice(_ELSEWHERE)}"}
    return {}


def _settle_materials(application: Any, account: Account, about: Applicant, chance: Random) -> None:
    """What no record proves is promised where that is allowed, else uploaded."""
    for line in hall.materials_of(application):
        if line.is_settled:
            continue
        material = line.material
        if any(proof.promise for proof in material.proven_by):
            hall.promise(application, material.id, given=True)
        elif material.necessity == "tolerant" and chance.random() < 0.3:
            hall.promise(application, material.id, given=True, deferred=True)
        else:
            content, name = _paper(material, about, chance)
            hall.attach(application, material.id, content, name, account)


def _paper(material: Any, about: Applicant, chance: Random) -> tuple[bytes, str]:
    accepted = tuple(material.accept or ())
    if (accepted and "pdf" not in accepted) or ("照" in material.name.zh and "执照" not in material.name.zh):
        return papers.portrait(chance), f"{material.name.zh}.png"
    day = f"{about.day.year}年{about.day.month}月{about.day.day}日"
    lines = [f"申请人：{about.person.name}", f"日期：{day}", f"编号：{chance.randrange(10**8):08d}"]
    return papers.page(material.name.zh, lines), f"{material.name.zh}.pdf"


class _Run:
    """Takes the steps of one story on one case."""

    def __init__(self, case: Case, applicant: Account, story: str, chance: Random) -> None:
        self.number, self.applicant, self.story, self.chance = case.number, applicant, story, chance
        self.desk = applicants.Desk(case.organisation)
        self.reviewer: Account | None = None
        self.clerk: Account | None = None

    def all(self, steps: list[stories.Step]) -> None:
        for step in steps:
            with clock.at(step.at):
                self._take(step)

    def _take(self, step: stories.Step) -> None:
        if step.what == "issue":
            hall.issue(self.number)
        elif step.what == "rate":
            level, text, tags = stories.rating(self.story, self.chance)
            hall.evaluate(
                self.number, self.applicant, level=level, tags=tags, text=text, anonymous=self.chance.random() < 0.2
            )
        elif step.what == "urge":
            cases.urge(self.number, self.applicant, step.opinion)
        elif step.what == "supervise":
            if by := applicants.supervisor():
                cases.supervise(self.number, by, step.opinion)
        elif step.what == "claim":
            self.clerk = self._actor(step.by)
            cases.assign(self.number, self.clerk, self.clerk)
        elif step.what == "reply":
            self._reply(step)
        elif step.what == "withdraw":
            cases.withdraw(self.number, self.applicant, reason=str(step.data.get("reason", "")))
        elif step.what == "answer_correction":
            hall.answer_correction(self.number, self.applicant, answers={}, uploads={}, remark=step.opinion)
        else:
            cases.act(self.number, step.what, self._actor(step.by), opinion=step.opinion, data=step.data)

    def _actor(self, by: str) -> Account:
        if by == "applicant":
            return self.applicant
        if by == "case.approve" or (by == "case.review" and self.clerk):
            found = self.desk.holder(by, other_than=self.reviewer if by == "case.approve" else self.clerk)
        else:
            found = self.desk.holder(by)
        if by == "case.review":
            self.reviewer = found
        return found

    def _reply(self, step: stories.Step) -> None:
        waiting = Instruction.objects.filter(case__number=self.number, replied_at=None).order_by("pk").first()
        if waiting:
            cases.reply_instruction(waiting.pk, self._actor(step.by), step.opinion)


def _objections(person: Person, days: Days, filed: dt.datetime, chance: Random) -> None:
    """Source departments decide most objections within their five working days."""
    raised = Case.objects.filter(type__slug=CASE_TYPE, subject=person, closed_at=None, opened_at=filed)
    for case in raised.select_related("organisation").order_by("pk"):
        decided = handled_at(chance, days, filed, chance.choice((1, 1, 2, 3, 4, 7)))
        if decided > days.now or chance.random() < 0.12:
            continue
        officer = applicants.Desk(case.organisation).holder("data.objection")
        with clock.at(decided):
            if chance.random() < 0.7:
                cases.act(case.number, "confirm", officer, opinion="经核实，原登记未及时更新，予以更正。")
            else:
                reason = "经电话和入户核实，原登记无误，如有变动请先到派出所办理变更登记。"
                cases.act(case.number, "reject", officer, data={"reason": reason})


__all__ = ["play"]
