"""The schema of `items/<code>.yaml`: everything a city says about one service item.

Field names follow hall terms of the national item list (实施清单); what a citizen reads is bilingual.
Knows no database; `linting` checks what one model cannot see, `loading` publishes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from yici.base.text import Text, localized
from yici.core.calendars.rules import Unit
from yici.core.forms.rules import FormDefinition
from yici.core.forms.rules import full_years as age_on
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check as check_value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskType(StrEnum):
    """事项类型: the ten kinds of power in the national catalogue, and public service."""

    LICENCE = "行政许可"
    CONFIRMATION = "行政确认"
    BENEFIT = "行政给付"
    REWARD = "行政奖励"
    RULING = "行政裁决"
    FILING = "行政备案"
    OTHER_POWER = "其他行政权力"
    PUBLIC_SERVICE = "公共服务"


class Kind(StrEnum):
    ADMINISTRATIVE_APPROVAL = "administrative_approval"
    PUBLIC_SERVICE = "public_service"


class Level(StrEnum):
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


UNIT_WORDS = {
    Unit.WORKING_DAY: ("个工作日", "working day"),
    Unit.WORKING_HOUR: ("个工作小时", "working hour"),
    Unit.CALENDAR_DAY: ("天", "calendar day"),
    Unit.HOUR: ("小时", "hour"),
}


class Limit(_Part):
    """A time limit. `basis` names the rule it rests on, in Chinese."""

    amount: int = Field(gt=0)
    unit: Unit = Unit.WORKING_DAY
    basis: str = ""

    def in_words(self) -> str:
        """For people: 15 个工作日 / 15 working days."""
        chinese, english = UNIT_WORDS[self.unit]
        return localized(f"{self.amount} {chinese}", f"{self.amount} {english}{'s' if self.amount != 1 else ''}")

    @property
    def hours(self) -> int:
        """A rough length in elapsed hours, for comparing limits of different units (5 of 7 days are worked)."""
        return int(
            self.amount
            * {Unit.WORKING_HOUR: 4.2, Unit.HOUR: 1, Unit.WORKING_DAY: 33.6, Unit.CALENDAR_DAY: 24}[self.unit]
        )


class Limits(_Part):
    """Legal (法定) and promised (承诺) limits of handling, and the limit of the intake check (收件审查)."""

    legal: Limit
    promised: Limit
    intake: Limit
    note: Text | None = None


class Handler(_Part):
    """Who handles it: a function of government at a level; the division decides which body."""

    function: str
    level: Level
    by: Literal["registered", "residence", "business"] = "registered"


class Legal(_Part):
    """A legal basis: title without brackets, document number, article, and its gist in our words."""

    title: str
    number: str = ""
    article: str = ""
    gist: Text | None = None


class Check(_Part):
    """What the records can already say about a condition of acceptance. Every given part must hold."""

    min_age: int | None = None
    max_age: int | None = None
    sex: Literal["1", "2"] | None = None
    registered_in_city: bool | None = None


class Condition(_Part):
    """One condition of acceptance (受理条件)."""

    text: Text
    check: Check | None = None


class Proof(_Part):
    """One way to prove a material without an upload: exactly one of certificate, facts, promise."""

    certificate: str | None = None
    facts: list[str] = []
    source: str = ""
    promise: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Proof:
        if sum((bool(self.certificate), bool(self.facts), self.promise)) != 1:
            raise ValueError("每种证明方式只能写 certificate、facts、promise 中的一个")
        if bool(self.facts) != bool(self.source):
            raise ValueError("facts 与 source（数据来源部门的职能）必须同时写")
        return self


class Material(_Part):
    """A material (申请材料) and how it may be proven; without `proven_by` the applicant uploads it."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)
    name: Text
    necessity: Literal["required", "optional", "tolerant"] = "required"
    form: Literal["paper", "electronic", "either"] = "electronic"
    source: Literal["applicant", "government", "other", ""] = ""  # empty is a finding of the linter
    source_function: str = ""
    basis: str = ""
    copies: int = 0
    proven_by: list[Proof] = []
    upload: bool = True
    accept: list[str] = ["pdf", "jpg", "png"]
    max_files: int = Field(default=3, ge=1, le=20)
    note: Text | None = None
    acceptance_standard: Text | None = None
    only_in_situation: bool = False
    """Not asked for by default: a situation's `add` brings it in."""

    @property
    def must_upload(self) -> bool:
        return not self.proven_by


class Fee(_Part):
    """One charge. `amount` in fen; null where the standard is a range, told in `standard`.

    `code` is its line on the fee list, by which it is charged online; `when` the answers to situations that bring it about.
    """

    code: str = ""
    when: dict[str, str] = {}
    name: Text
    amount: int | None = None
    standard: Text
    basis: str = ""
    reduction: Text | None = None


class Fees(_Part):
    charged: bool
    pay_online: bool = False
    items: list[Fee] = []
    note: Text | None = None


class FaceValue(_Part):
    """What the result shows for an element: an answer of the form (by default its own), a value, by age, or a credit
    code allotted to a body that the decision founds (`allot: uscc`)."""

    element: str
    answer: str = ""
    value: str = ""
    allot: Literal["", "uscc"] = ""
    by_age: dict[int, str] = {}


class Ended(_Part):
    """A certificate that the approval ends (注销): the holder's newest of that type in force.

    `name`: what a general paper is called on its face; `number` and `holder`: answers that tell its number and the ID
    number of who holds it, where that is not the applicant (the seller of a home).
    """

    certificate: str
    name: str = ""
    number: str = ""
    holder: str = ""


class Result(_Part):
    """What the applicant gets. `certificate` is a type of the certificate library; `sample` a caption of its picture.

    `certificate_action`: an approval issues it, makes a new version of the one held (`change`), or one with a new term
    (`renew`); `number` is the answer that tells which, where one may hold several.
    """

    kind: Literal["certificate", "document", "decision"]
    name: Text
    certificate: str = ""
    certificate_action: Literal["issue", "change", "renew"] = "issue"
    number: str = ""
    ends: Ended | None = None
    validity: Text
    sample: str = ""
    face: list[FaceValue] = []
    retention: str = ""


class Signing(_Part):
    """A document made of the answers that several people sign before the application is accepted.

    `template`: a typst file of the city's `documents/`. The signers are the rows of the form's group `group`; `name`,
    `id_number`, `phone` and `share` are ids of its cells. Shares must add up to `total`, an amount of the form; the
    applicant, and whoever is named in `among`, must be one of the signers.
    """

    document: Text
    template: str = Field(pattern=r"^[a-z][a-z0-9-]*\.typ$")
    role: Text
    group: str
    name: str
    id_number: str
    phone: str
    share: str = ""
    total: str = ""
    among: str = ""
    days: int = Field(default=7, ge=1, le=90)

    @model_validator(mode="after")
    def _shares_have_a_total(self) -> Signing:
        if bool(self.share) != bool(self.total):
            raise ValueError("share（每人的份额）与 total（总额）必须同时写")
        return self


class Step(_Part):
    """A step of handling as told to people, with its own limit where it has one."""

    name: Text
    note: Text
    limit: Limit | None = None


class Faq(_Part):
    question: Text
    answer: Text


class Window(_Part):
    """A counter, found at each of these service centres of `hall.yaml`."""

    centres: list[str]
    counter: Text


class Remedies(_Part):
    """Where to seek reconsideration (行政复议) and to sue (行政诉讼)."""

    reconsideration: Text
    litigation: Text


class Visits(_Part):
    """How often one must come in person (到现场次数), and why when it is not zero."""

    count: int = Field(ge=0, le=9)
    reason: Text | None = None


class Courier(_Part):
    """双向快递: materials sent in, the result sent out."""

    materials: bool = False
    result: bool = False


class Listing(_Part):
    """How lists and search show the item. Not part of a published version."""

    state: Literal["active", "suspended", "cancelled"] = "active"
    state_reason: Text | None = None
    icon: str = "file-text"
    short_name: Text | None = None
    featured: bool = False
    popularity: int = 0
    topics: list[str] = []
    keywords: list[str] = []


class ItemDefinition(_Part):
    """A service item (实施清单 entry). `code` is its local code in pinyin and part of its address."""

    code: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    task_code: str = Field(default="", max_length=40)
    listing: Listing = Listing()
    name: Text
    summary: Text
    task_type: TaskType
    kind: Kind
    project_type: Literal["immediate", "promised"]
    subjects: list[Literal["person", "enterprise"]]
    handler: Handler
    joint: list[str] = []
    """Functions of other bodies that take part (联办机构)."""
    workflow: str
    assurance: Literal[1, 2, 3] = 1
    agents_allowed: bool = True
    limits: Limits
    suspension: Text | None = None
    """Special procedures whose time does not count (特别程序), for people."""
    online: bool = True
    online_depth: Literal["I", "II", "III", "IV"]
    visits: Visits
    courier: Courier = Courier()
    schedule: Text | None = None
    tolerance_days: int = 0
    quota: Text | None = None
    conditions: list[Condition]
    legal_basis: list[Legal]
    materials: list[Material]
    form: FormDefinition
    fees: Fees
    result: Result
    signing: Signing | None = None
    steps: list[Step]
    rights: list[Text] = []
    duties: list[Text] = []
    remedies: Remedies | None = None
    windows: list[Window]
    consult_phone: str
    complaint_phone: str
    faqs: list[Faq]

    def material(self, material_id: str) -> Material:
        """Raises `KeyError` for an unknown id."""
        for material in self.materials:
            if material.id == material_id:
                return material
        raise KeyError(material_id)

    def published(self) -> dict[str, Any]:
        """The part that is frozen as a version, as JSON data."""
        return self.model_dump(mode="json", exclude={"listing"})

    def digest(self) -> str:
        """SHA-256 (hex) of the published part; equal content has an equal digest."""
        text = json.dumps(self.published(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def unmet_conditions(
    definition: ItemDefinition, *, birth_date: dt.date, sex: str, registered_in_city: bool | None, on: dt.date
) -> Iterator[Condition]:
    """Conditions the records contradict. `registered_in_city` None: not known, so nothing is contradicted."""
    age = age_on(birth_date, on)
    for condition in definition.conditions:
        check = condition.check
        if check is None:
            continue
        too_young = check.min_age is not None and age < check.min_age
        too_old = check.max_age is not None and age > check.max_age
        wrong_sex = check.sex is not None and sex in ("1", "2") and sex != check.sex
        elsewhere = check.registered_in_city is True and registered_in_city is False
        if too_young or too_old or wrong_sex or elsewhere:
            yield condition


def face_of(result: Result, answers: dict[str, Any], *, age: int) -> dict[str, str]:
    """Element id → stored value for the face of the result. An element nobody answered is left out.

    What the item itself states is written as people write it (50 yuan) and stored as every answer is (fen).
    """
    face: dict[str, str] = {}
    for entry in result.face:
        if entry.by_age:
            reached = [start for start in entry.by_age if age >= start]
            stated = entry.by_age[max(reached)] if reached else ""
        else:
            stated = entry.value
        value: Any = answers.get(entry.answer or entry.element, "") if not stated and not entry.by_age else ""
        if stated:
            value = check_value(vocabulary.element(entry.element), stated)
        if value not in ("", None):
            face[entry.element] = str(value)
    return face
