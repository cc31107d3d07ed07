"""The tables of the data service, by subject."""

from yici.platform.data.models.catalogue import Channel, ClassChannel, Cycle, DataClass, PaperSeries
from yici.platform.data.models.lake import Snapshot
from yici.platform.data.models.quality import Issue, RuleResult, Score
from yici.platform.data.models.register import Household, Resident
from yici.platform.data.models.runs import ColumnDecision, Mend, PushNonce, RawObject, Run

__all__ = [
    "Channel",
    "ClassChannel",
    "ColumnDecision",
    "Cycle",
    "DataClass",
    "Household",
    "Issue",
    "Mend",
    "PaperSeries",
    "PushNonce",
    "RawObject",
    "Resident",
    "RuleResult",
    "Run",
    "Score",
    "Snapshot",
]
