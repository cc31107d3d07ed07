"""Pure rules of cases: what a workflow is, what its clocks say. No database."""

from yici.core.cases.rules.clocks import ClockReading, Segment, read_clock, read_clock_or_unknown
from yici.core.cases.rules.lights import light_of, words_left
from yici.core.cases.rules.states import CLOSED_STATES, DECIDED_OUTCOMES, STATES, state_label
from yici.core.cases.rules.workflow import (
    Action,
    Clock,
    KindOption,
    Limit,
    Stage,
    Workflow,
    WorkflowFault,
    faults_of,
    with_limits,
)

__all__ = [
    "CLOSED_STATES",
    "DECIDED_OUTCOMES",
    "STATES",
    "Action",
    "Clock",
    "ClockReading",
    "KindOption",
    "Limit",
    "Segment",
    "Stage",
    "Workflow",
    "WorkflowFault",
    "faults_of",
    "light_of",
    "read_clock",
    "read_clock_or_unknown",
    "state_label",
    "with_limits",
    "words_left",
]
