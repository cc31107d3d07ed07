"""Every read of cases: work lists, the case page, statistics, words about a case.

Scope is part of each query, never a loop after it; counts stop at 10,000.
"""

from __future__ import annotations

from yici.core.cases.reading.case_page import (
    CaseView,
    TimelineEntry,
    available_actions,
    case_for_applicant,
    case_for_staff,
    case_view,
    cases_of_applicant,
    days_left_in_words,
    done_stages,
    entry_of,
    parties,
    state_in_words,
    timeline,
    workflow_for,
)
from yici.core.cases.reading.statistics import Breakdown, StatisticsRow, light_counts, statistics
from yici.core.cases.reading.trend import DayCount, daily_counts
from yici.core.cases.reading.work_list import (
    COUNT_CAP,
    WorkListFilter,
    WorkListPage,
    WorkListRow,
    desk_counts,
    export_rows,
    types_at_hand,
    work_list,
)

__all__ = [
    "COUNT_CAP",
    "Breakdown",
    "CaseView",
    "DayCount",
    "StatisticsRow",
    "TimelineEntry",
    "WorkListFilter",
    "WorkListPage",
    "WorkListRow",
    "available_actions",
    "case_for_applicant",
    "case_for_staff",
    "case_view",
    "cases_of_applicant",
    "daily_counts",
    "days_left_in_words",
    "desk_counts",
    "done_stages",
    "entry_of",
    "export_rows",
    "light_counts",
    "parties",
    "state_in_words",
    "statistics",
    "timeline",
    "types_at_hand",
    "work_list",
    "workflow_for",
]
