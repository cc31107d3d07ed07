"""Indicators of the catalogue, computed from holdings and cases, never typed; and what reaching a target would take.

Every share names its denominator. Figures of cases come from the city's metrics, so that they agree everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from yici.core.metrics import queries as metrics
from yici.core.metrics.queries import Measurement
from yici.core.metrics.rules import Period

CASE_METRICS = ("case.self_filed_rate", "case.on_time_rate", "case.satisfaction_rate")
# What a visit costs to do away with, in points: what the law wants in person is dearest.
LAW_POINTS, EXAM_POINTS, SITE_POINTS = 8, 5, 3
_EXAM = ("考试", "测试", "体检")
_LAW = ("法律", "亲自", "双方", "指纹", "公证", "面签", "双人")

_SUMS = """
SELECT count(*),
       count(*) FILTER (WHERE holding.level = 'city'),
       count(*) FILTER (WHERE holding.level = 'city' AND item.visits = 0),
       count(*) FILTER (WHERE holding.level = 'city' AND item.visits > 0),
       count(*) FILTER (WHERE holding.level = 'city' AND item.kind = 'public_service'),
       count(*) FILTER (WHERE holding.level = 'city' AND item.kind = 'public_service' AND item.promised_days <= 1),
       count(*) FILTER (WHERE item.kind = 'administrative_approval'),
       count(*) FILTER (WHERE item.kind = 'public_service'),
       coalesce(sum((item.materials->>'asked')::int) FILTER (WHERE holding.level = 'city'), 0),
       coalesce(sum((item.materials->>'left')::int) FILTER (WHERE holding.level = 'city'), 0)
FROM hall_itemholding AS holding JOIN hall_serviceitem AS item ON item.id = holding.item_id
WHERE holding.is_active AND item.state = 'active'
"""
# City items that still need a visit, with the cases of the last year: what changing each would save.
_VISITED = """
SELECT item.code, item.name, item.english, item.visits, version.definition->'visits'->'reason'->>'zh',
       (item.materials->>'left')::int,
       (SELECT count(*) FROM cases_case AS one JOIN cases_casetype AS type ON type.id = one.type_id
         WHERE type.slug = 'hall.' || item.code AND one.opened_at >= now() - interval '1 year' AND NOT one.is_simulated),
       (SELECT count(*) FROM hall_itemholding AS held
         WHERE held.item_id = item.id AND held.level = 'city' AND held.is_active)
FROM hall_serviceitem AS item JOIN hall_serviceitemversion AS version ON version.id = item.current_id
WHERE item.visits > 0 AND item.state = 'active' AND EXISTS (
    SELECT FROM hall_itemholding AS held WHERE held.item_id = item.id AND held.level = 'city' AND held.is_active)
"""


@dataclass(frozen=True)
class Share:
    """A share with both its parts. `denominator_name` says what it is a share of."""

    name: str
    numerator: int
    denominator: int
    denominator_name: str

    @property
    def percent(self) -> Decimal | None:
        """Per cent to two places; None where there is nothing to divide by."""
        return round(Decimal(self.numerator) * 100 / self.denominator, 2) if self.denominator else None


@dataclass(frozen=True)
class Indicators:
    """All figures of the page. `materials_asked` and `materials_left`: papers of the city's items, before and after sharing."""

    total: int
    approvals: int
    services: int
    city: int
    no_visit: Share
    one_visit: Share
    one_day: Share
    materials_asked: int
    materials_left: int
    cases: list[Measurement]

    @property
    def is_partition(self) -> bool:
        """Zero visits and one or more make up all items of the city; if not, the figures are not to be published."""
        return self.no_visit.numerator + self.one_visit.numerator == self.city


@dataclass(frozen=True)
class Candidate:
    """An item that could be done without a visit: what is gained a year, what it takes, in points and in words."""

    code: str
    name: str
    english: str
    visits: int
    reason: str
    cases: int
    items: int
    points: int
    takes: str

    @property
    def gain(self) -> int:
        """Visits saved a year; an item without cases still counts as one, for the share."""
        return max(1, self.cases * self.visits)


@dataclass(frozen=True)
class Simulation:
    """The items to change, best first, until the share reaches the target. `is_reached`: whether they suffice."""

    target: Decimal
    needed: int
    chosen: list[Candidate]
    after: Share
    is_reached: bool


def indicators(period: Period) -> Indicators:
    """The figures of today's catalogue, and of the period's cases."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS)
        total, city, zero, some, services, one_day, approvals, all_services, asked, left = cursor.fetchone()
    items = _("市级事项")
    return Indicators(
        total=total, approvals=approvals, services=all_services, city=city,
        no_visit=Share(_("最多上一次（到现场 0 次）"), zero, city, items),
        one_visit=Share(_("最多跑一次（到现场 1 次）"), some, city, items),
        one_day=Share(_("一日办结"), one_day, services, _("市级公共服务事项")),
        materials_asked=asked, materials_left=left,
        cases=[metrics.measure(name, period) for name in CASE_METRICS],
    )  # fmt: skip


def candidates() -> list[Candidate]:
    """Items of the city that need a visit, the best return for the effort first."""
    with connection.cursor() as cursor:
        cursor.execute(_VISITED)
        rows = cursor.fetchall()
    found = [_candidate(*row) for row in rows]
    return sorted(found, key=lambda one: (-Decimal(one.gain) / one.points, one.points, one.code))


def _candidate(
    code: str, name: str, english: str, visits: int, reason: str | None, left: int, cases: int, items: int
) -> Candidate:
    why = reason or ""
    if any(word in why for word in _LAW):
        points, takes = LAW_POINTS, _("要修法或者取得授权，用远程视频和人脸核验代替到场")
    elif any(word in why for word in _EXAM):
        points, takes = EXAM_POINTS, _("把考试、体检放到乡镇或者合作机构，结果由系统回传")
    else:
        points, takes = SITE_POINTS, _("用照片、视频和数据核验代替现场核验")
    if left:
        points, takes = points + left, takes + _("；另有 {count} 份材料要由数据证明").format(count=left)
    return Candidate(code, name, english, visits, why, cases, items, points, takes)


def simulate(found: Indicators, target: Decimal) -> Simulation:
    """Which items to change so that the share with zero visits reaches `target` per cent."""
    wanted = math.ceil(target * found.city / 100) - found.no_visit.numerator
    chosen: list[Candidate] = []
    gained = 0
    for one in candidates():
        if gained >= wanted:
            break
        chosen.append(one)
        gained += one.items
    after = Share(found.no_visit.name, found.no_visit.numerator + gained, found.city, found.no_visit.denominator_name)
    return Simulation(target, max(0, wanted), chosen, after, gained >= wanted)
