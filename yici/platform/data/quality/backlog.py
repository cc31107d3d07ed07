"""Series that are still on paper (requirement H05): how much is scanned, how much can be searched, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, FloatField, QuerySet, Sum
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.core.audit import services as audit
from yici.core.people.models import Account, Organisation
from yici.core.people.queries import Scope
from yici.core.people.services import actor_of
from yici.platform.data.models import PaperSeries
from yici.platform.data.scopes import of_units

__all__ = ["Backlog", "by_department", "note_progress", "series"]


_WAITING = Cast("citizens", FloatField()) * (F("papers") - F("structured")) / F("papers")


@dataclass(frozen=True)
class Backlog:
    """Papers of one department: in all, scanned, turned into rows."""

    department: Organisation
    papers: int
    scanned: int
    structured: int

    @property
    def left(self) -> int:
        return self.papers - self.structured

    @property
    def scanned_share(self) -> float:
        """0–1."""
        return self.scanned / self.papers

    @property
    def structured_share(self) -> float:
        """0–1: what the city can search and compute with."""
        return self.structured / self.papers


def series(scope: Scope | None = None) -> QuerySet[PaperSeries]:
    """Series in the scope, those for which the most citizens still wait first."""
    found = PaperSeries.objects.filter(of_units(scope, "department"), withdrawn_at=None)
    return found.select_related("department", "data_class").order_by(
        _WAITING.desc(), F("structured") - F("papers"), "slug"
    )


def by_department(scope: Scope | None = None) -> list[Backlog]:
    """Departments by papers left, most first. Two queries."""
    rows = (
        PaperSeries.objects.filter(of_units(scope, "department"), withdrawn_at=None)
        .order_by()
        .values("department")
        .annotate(p=Sum("papers"), s=Sum("scanned"), t=Sum("structured"))
    )
    departments = Organisation.objects.in_bulk([row["department"] for row in rows])
    found = [Backlog(departments[row["department"]], row["p"], row["s"], row["t"]) for row in rows]
    return sorted(found, key=lambda one: (-one.left, one.department.order))


@transaction.atomic
def note_progress(one: PaperSeries, scanned: int, structured: int, actor: Account, reason: str = "") -> PaperSeries:
    """Record how far a series is. Fewer than before needs a reason. Raises `Invalid` for counts that cannot be."""
    locked = PaperSeries.objects.select_for_update().get(pk=one.pk)
    if not 0 <= structured <= scanned <= locked.papers:
        raise Invalid(
            _("已结构化的不能多于已扫描的，已扫描的不能多于总数 {papers} 件。").format(papers=f"{locked.papers:,}"),
            fields={"scanned": _("请核对数量。")},
        )
    if (scanned < locked.scanned or structured < locked.structured) and not reason.strip():
        raise Invalid(_("数量比以前少，请写明原因。"), fields={"reason": _("请写明原因。")})
    purpose = f"登记纸质档案数字化进度：扫描 {locked.scanned}→{scanned}，结构化 {locked.structured}→{structured}。{reason.strip()}"
    locked.scanned, locked.structured = scanned, structured
    locked.save(update_fields=["scanned", "structured"])
    audit.record(actor_of(actor), "change", subject=("paper_series", locked.pk), purpose=purpose)
    return locked
