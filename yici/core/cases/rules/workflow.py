"""A workflow as data: stages for the picture, clocks, and the actions that lead from state to state.

Read from `workflows/<slug>.yaml` of the city folder; a published copy is pinned by each case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from yici.base.text import Text
from yici.core.calendars.rules import Unit
from yici.core.cases.rules.states import CLOSED_STATES, STATES

Need = Literal["opinion", "reason", "demands", "days", "kind"]
Guard = Literal["tolerance_open", "tolerance_settled", "correction_overdue"]
PREVIOUS = "$previous"  # as `to`: back to the state the case had before its present one
STOPS = frozenset({"correction", "special"})
CLOCK_VERBS = frozenset({"start", "stop", "resume", "extend", "tolerate", "settle", "end"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Stage(_Part):
    """A step of the drawn workflow."""

    id: str
    label: Text
    role: Text | None = Field(default=None, description="who acts here, for the picture")
    join: Literal["all_closed"] | None = Field(default=None, description="leave only when every sub-case is closed")


class Limit(_Part):
    """The time an item promises and the time the law allows, for one clock."""

    limit: Decimal
    unit: Unit = Unit.WORKING_DAY
    legal_limit: Decimal | None = None
    legal_unit: Unit | None = None
    basis: Text | None = None


class Clock(_Part):
    """A time limit. `limit` is what is promised; `legal_limit` what the law allows (null: no legal limit)."""

    id: str
    label: Text
    limit: Decimal = Field(gt=0)
    unit: Unit = Unit.WORKING_DAY
    legal_limit: Decimal | None = Field(default=None, gt=0)
    legal_unit: Unit | None = None
    basis: Text = Text(zh="")
    extension: Decimal | None = Field(default=None, description="most that one extension may add, in `unit`")
    warn: Decimal | None = Field(default=None, description="light turns yellow with this much left, in `unit`")

    @model_validator(mode="after")
    def _days_are_whole(self) -> Clock:
        for amount, unit in ((self.limit, self.unit), (self.legal_limit, self.legal_unit or self.unit)):
            if amount is not None and unit in (Unit.WORKING_DAY, Unit.CALENDAR_DAY) and amount != int(amount):
                raise ValueError("按天计算的时限应为整数")
        return self

    @property
    def warning(self) -> Decimal:
        """Units left at which the light turns yellow: a quarter of the limit, between 1 and 3 whole units."""
        if self.warn is not None:
            return self.warn
        return max(Decimal(1), min(Decimal(3), (self.limit / 4).to_integral_value(rounding="ROUND_CEILING")))


class KindOption(_Part):
    """A choice of a special procedure: 听证, 检验 …"""

    id: str
    label: Text


class Action(_Part):
    """What somebody may do with a case. `from_` and `at` say when, `who` says who, the rest what follows."""

    id: str
    label: Text
    from_: tuple[str, ...] = Field(default=(), alias="from")
    at: tuple[str, ...] = Field(default=(), description="stages it is possible at; empty: every stage")
    to: str | None = Field(default=None, description="null: the state stays")
    stage: str | None = Field(default=None, description="null: the stage stays")
    who: tuple[str, ...] = Field(description='permissions, "applicant" or "system"')
    not_same_as: tuple[str, ...] = Field(default=(), description="actions this actor must not have done on the case")
    needs: dict[Need, Literal["required", "optional"]] = {}
    kinds: tuple[KindOption, ...] = ()
    clock: tuple[str, ...] = Field(
        default=(), description="start:<id>, stop:<kind>, resume, extend, tolerate, settle, end; in this order"
    )
    effects: tuple[str, ...] = ()
    guard: Guard | None = None
    once: bool = False
    public: bool = True
    style: Literal["primary", "plain", "danger"] = "plain"
    confirm: Text | None = None
    tell: str | None = Field(default=None, description="message to the applicant")
    tell_desk: str | None = Field(default=None, description="message to whoever has the case on the desk")

    @field_validator("from_", "at", "who", "not_same_as", "effects", "clock", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("needs", mode="before")
    @classmethod
    def _listed_means_required(cls, value: Any) -> Any:
        return dict.fromkeys(value, "required") if isinstance(value, (list, tuple)) else value

    @property
    def closes(self) -> bool:
        return self.to in CLOSED_STATES


class CaseTypeOf(_Part):
    """A case type that the folder itself publishes with the workflow."""

    slug: str
    name: Text
    system: str


class Workflow(_Part):
    """Everything a case needs to know about its own course."""

    slug: str
    label: Text
    description: Text | None = None
    case_type: CaseTypeOf | None = None
    stages: tuple[Stage, ...]
    clocks: tuple[Clock, ...] = ()
    actions: tuple[Action, ...]
    state_labels: dict[str, Text] = {}

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Workflow:
        for name, parts in (("stages", self.stages), ("clocks", self.clocks), ("actions", self.actions)):
            ids = [part.id for part in parts]
            if len(ids) != len(set(ids)):
                raise ValueError(f"{name} 中有重复的 id")
        return self

    def action(self, action_id: str) -> Action | None:
        return next((action for action in self.actions if action.id == action_id), None)

    def clock(self, clock_id: str) -> Clock | None:
        return next((clock for clock in self.clocks if clock.id == clock_id), None)

    def stage(self, stage_id: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    @property
    def states(self) -> frozenset[str]:
        """Every state a case of this workflow can be in."""
        return frozenset(action.to for action in self.actions if action.to and action.to != PREVIOUS)

    def actions_from(self, state: str, stage: str) -> Iterator[Action]:
        """Actions that state and stage allow, in the order they are written."""
        for action in self.actions:
            if state in action.from_ and (not action.at or stage in action.at):
                yield action


def with_limits(workflow: Workflow, limits: Mapping[str, Limit | Mapping[str, Any]]) -> Workflow:
    """The workflow with an item's own limits. Raises `ValueError` for a clock it does not have."""
    for clock_id in limits:
        if workflow.clock(clock_id) is None:
            raise ValueError(f"流程 {workflow.slug} 没有名为 {clock_id} 的时钟")
    clocks = []
    for clock in workflow.clocks:
        if clock.id in limits:
            given = limits[clock.id]
            limit = given if isinstance(given, Limit) else Limit.model_validate(given)
            changes = {
                name: getattr(limit, name) for name in limit.model_fields_set if getattr(limit, name) is not None
            }
            clock = Clock.model_validate(clock.model_dump() | changes)
        clocks.append(clock)
    return workflow.model_copy(update={"clocks": tuple(clocks)})


@dataclass(frozen=True)
class WorkflowFault:
    """Something wrong with a workflow. `where` is a path into the YAML, for the line number."""

    rule: str
    message: str
    where: tuple[str | int, ...] = ()
    remedy: str = ""


def faults_of(workflow: Workflow, permissions: frozenset[str] = frozenset()) -> list[WorkflowFault]:
    """Everything that would let a case get stuck or its clock run wild. Empty for a sound workflow."""
    return [
        *_unknown_names(workflow, permissions),
        *_submission_faults(workflow),
        *_unreachable(workflow),
        *_dead_ends(workflow),
        *_clock_faults(workflow),
        *_legal_faults(workflow),
    ]


def _unknown_names(workflow: Workflow, permissions: frozenset[str]) -> Iterator[WorkflowFault]:
    stages = {stage.id for stage in workflow.stages}
    actions = {action.id for action in workflow.actions}
    for index, action in enumerate(workflow.actions):
        where = ("actions", index)
        for state in (*action.from_, *([action.to] if action.to else [])):
            if state not in STATES and state != PREVIOUS:
                yield WorkflowFault("state-unknown", f"动作 {action.id} 用了未知状态 {state}", where, "只用十六种状态")
        for stage in (*action.at, *([action.stage] if action.stage else [])):
            if stage not in stages:
                yield WorkflowFault("stage-unknown", f"动作 {action.id} 用了未定义的环节 {stage}", where)
        for other in action.not_same_as:
            if other not in actions:
                yield WorkflowFault("action-unknown", f"动作 {action.id} 的 not_same_as 指向不存在的 {other}", where)
        for who in action.who:
            if permissions and who not in permissions | {"applicant", "system"}:
                yield WorkflowFault("who-unknown", f"动作 {action.id} 的办理者 {who} 不是已知权限", where)
        if not action.who:
            yield WorkflowFault("who-missing", f"动作 {action.id} 没有人可以办理", where)
        for effect in action.effects:
            if effect.count(".") != 1:
                yield WorkflowFault("effect-name", f"动作 {action.id} 的效果 {effect} 应写作 系统.名称", where)
        if ("kind" in action.needs) != bool(action.kinds):
            yield WorkflowFault("kinds", f"动作 {action.id} 的 kinds 与 needs.kind 应同时给出", where)


def _submission_faults(workflow: Workflow) -> Iterator[WorkflowFault]:
    submit = workflow.action("submit")
    if submit is None or submit.from_ or submit.to != "received" or submit.stage is None:
        yield WorkflowFault("submit", "流程须有 submit 动作：无 from，to 为 received，并指明 stage", ("actions",))
    for index, action in enumerate(workflow.actions):
        if not action.from_ and action.id != "submit":
            yield WorkflowFault("from-missing", f"动作 {action.id} 没有 from，永远不能办理", ("actions", index))


def _unreachable(workflow: Workflow) -> Iterator[WorkflowFault]:
    reached = {"received"}
    grows = True
    while grows:
        grows = False
        for action in workflow.actions:
            if action.to in STATES and action.to not in reached and reached & set(action.from_):
                reached.add(str(action.to))
                grows = True
    used = workflow.states | {state for action in workflow.actions for state in action.from_}
    for state in sorted(used - reached - {PREVIOUS}):
        yield WorkflowFault("unreachable", f"状态 {state} 无法到达", ("actions",), "补上通向它的动作，或删去它")


def _dead_ends(workflow: Workflow) -> Iterator[WorkflowFault]:
    """Every open state needs an exit that people can take; a system action alone may never come."""
    for state in sorted(workflow.states - CLOSED_STATES):
        exits = [a for a in workflow.actions if state in a.from_ and a.to not in (None, state) and a.who != ("system",)]
        if not exits:
            yield WorkflowFault("dead-end", f"状态 {state} 没有出口，办件会停在这里", ("actions",))


def _clock_faults(workflow: Workflow) -> Iterator[WorkflowFault]:
    clock_ids = {clock.id for clock in workflow.clocks}
    for index, action in enumerate(workflow.actions):
        where = ("actions", index, "clock")
        verbs = {}
        for order in action.clock:
            verb, _, target = order.partition(":")
            verbs[verb] = target
            if verb not in CLOCK_VERBS:
                yield WorkflowFault("clock-verb", f"动作 {action.id} 的 clock 写法 {order} 无法识别", where)
            if verb == "start" and target not in clock_ids:
                yield WorkflowFault("clock-unknown", f"动作 {action.id} 启动了未定义的时钟 {target}", where)
            if verb == "stop" and target not in STOPS:
                yield WorkflowFault(
                    "stop-kind", f"动作 {action.id} 的停表原因 {target} 应为 correction 或 special", where
                )
        closes_open_case = action.closes and not set(action.from_) <= CLOSED_STATES
        if closes_open_case and workflow.clocks and "end" not in verbs:
            yield WorkflowFault("clock-not-ended", f"动作 {action.id} 办结时没有结束计时", where, "加 clock: end")
        if {"extend", "tolerate"} & set(verbs) and action.needs.get("days") != "required":
            yield WorkflowFault("days-missing", f"动作 {action.id} 须填写天数", where, "needs 加 days: required")
        if "stop" in verbs and not _resumes(workflow, action):
            yield WorkflowFault("stop-without-resume", f"动作 {action.id} 停表后没有恢复计时的动作", where)


def _resumes(workflow: Workflow, stopping: Action) -> bool:
    return any("resume" in action.clock for action in workflow.actions if stopping.to in action.from_)


def _legal_faults(workflow: Workflow) -> Iterator[WorkflowFault]:
    for index, clock in enumerate(workflow.clocks):
        same_unit = (clock.legal_unit or clock.unit) == clock.unit
        if clock.legal_limit is not None and same_unit and clock.limit > clock.legal_limit:
            yield WorkflowFault(
                "promise-over-legal",
                f"时钟 {clock.id} 的承诺时限 {clock.limit} 长于法定时限 {clock.legal_limit}",
                ("clocks", index, "limit"),
            )
