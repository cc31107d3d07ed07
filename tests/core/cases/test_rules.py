"""Clocks and workflows: pure rules, with the laws of the clock checked by property."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cases.conftest import CHINA, moment
from yici.base.cityfolder import read_yaml, yaml_files
from yici.core.calendars.rules import DeadlineUnknown, WorkingCalendar
from yici.core.cases import drawing, linting
from yici.core.cases.rules import (
    Clock,
    Segment,
    Workflow,
    faults_of,
    light_of,
    read_clock,
    read_clock_or_unknown,
    with_limits,
)
from yici.core.people.permissions import PERMISSIONS

# 2017 as the State Council arranged it around the National Day; the other weekends stand.
_HOLIDAYS = [dt.date(2017, 10, day) for day in range(1, 9)]
CALENDAR = WorkingCalendar(
    years=frozenset({2016, 2017, 2018}), days=dict.fromkeys(_HOLIDAYS, False) | {dt.date(2017, 9, 30): True}
)
FIVE = Clock.model_validate({"id": "handling", "label": "办理", "limit": 5, "legal_limit": 20, "extension": 10})


def run(start: str | dt.datetime, end: str | dt.datetime | None = None, clock: str = "handling") -> Segment:
    made = [moment(at) if isinstance(at, str) else at for at in (start, end)]
    return Segment(clock, "run", made[0], made[1])  # type: ignore[arg-type]


def stop(start: dt.datetime, end: dt.datetime | None = None) -> Segment:
    return Segment("handling", "correction", start, end)


def test_five_working_days_from_28_september_2017_end_on_11_october() -> None:
    reading = read_clock(FIVE, [run("2017-09-28 10:00")], moment("2017-09-28 10:00"), CALENDAR)
    assert reading.due_at == moment("2017-10-11 17:30")
    assert (reading.consumed, reading.remaining) == (0, 5)


def test_after_hours_acceptance_rolls_to_the_next_working_day() -> None:
    reading = read_clock(FIVE, [run("2017-09-28 18:00")], moment("2017-09-28 18:00"), CALENDAR)
    assert reading.due_at == moment("2017-10-12 17:30")


def test_a_year_without_notice_is_said_and_not_guessed() -> None:
    late = [run("2018-12-28 10:00")]
    with pytest.raises(DeadlineUnknown):
        read_clock(FIVE, late, moment("2018-12-28 10:00"), CALENDAR)
    reading = read_clock_or_unknown(FIVE, late, moment("2018-12-28 10:00"), CALENDAR)
    assert not reading.is_known
    assert light_of(reading, moment("2018-12-28 10:00")) == "none"


def test_light_goes_from_green_to_yellow_to_red() -> None:
    segments = [run("2017-09-28 10:00")]
    found = []
    for now in ("2017-09-28 10:00", "2017-10-09 17:00", "2017-10-09 17:31", "2017-10-11 17:30", "2017-10-11 17:31"):
        found.append(light_of(read_clock(FIVE, segments, moment(now), CALENDAR), moment(now)))
    assert found == ["green", "green", "yellow", "yellow", "red"]


def test_an_extension_lengthens_promise_and_law_alike() -> None:
    extension = Segment("handling", "extension", moment("2017-09-29 10:00"), moment("2017-09-29 10:00"), Decimal(2))
    reading = read_clock(FIVE, [run("2017-09-28 10:00"), extension], moment("2017-09-29 10:00"), CALENDAR)
    assert reading.due_at == moment("2017-10-13 17:30")
    assert reading.limit == 7


def test_another_clock_of_the_case_does_not_count() -> None:
    segments = [run("2017-09-01 10:00", "2017-09-28 10:00", "intake"), run("2017-09-28 10:00")]
    assert read_clock(FIVE, segments, moment("2017-09-28 11:00"), CALENDAR).consumed == 0


moments = st.datetimes(dt.datetime(2017, 1, 3), dt.datetime(2017, 11, 30)).map(lambda at: at.replace(tzinfo=CHINA))
units = st.sampled_from(["working_day", "working_hour", "hour", "calendar_day"])


def clock_in(unit: str, limit: int = 20) -> Clock:
    return Clock.model_validate({"id": "handling", "label": "办理", "limit": limit, "unit": unit})


@given(st.lists(moments, min_size=3, max_size=3, unique=True), units)
def test_what_is_left_never_changes_while_the_clock_stands(times: list[dt.datetime], unit: str) -> None:
    start, stopped, later = sorted(times)
    segments = [run(start, stopped), stop(stopped)]
    first = read_clock(clock_in(unit), segments, stopped, CALENDAR)
    second = read_clock(clock_in(unit), segments, later, CALENDAR)
    assert first.remaining == second.remaining
    assert first.due_at is None
    assert second.is_stopped


@given(st.lists(moments, min_size=2, max_size=2, unique=True), units)
def test_stopping_and_going_on_at_the_same_moment_changes_nothing(times: list[dt.datetime], unit: str) -> None:
    start, middle = sorted(times)
    clock = clock_in(unit)
    straight = read_clock(clock, [run(start)], middle, CALENDAR)
    broken = read_clock(clock, [run(start, middle), stop(middle, middle), run(middle)], middle, CALENDAR)
    assert broken.remaining == straight.remaining
    if unit != "calendar_day":  # its last day moves off a day of rest, so only the count is exact
        assert broken.due_at == straight.due_at


@given(st.lists(moments, min_size=3, max_size=3, unique=True))
def test_a_stop_never_makes_the_case_due_earlier(times: list[dt.datetime]) -> None:
    start, stopped, resumed = sorted(times)
    clock = clock_in("working_day")
    straight = read_clock(clock, [run(start)], resumed, CALENDAR)
    broken = read_clock(clock, [run(start, stopped), stop(stopped, resumed), run(resumed)], resumed, CALENDAR)
    assert broken.due_at is not None
    assert straight.due_at is not None
    assert broken.due_at >= straight.due_at
    lost = CALENDAR.working_time_between(stopped, resumed, "working_day")
    assert CALENDAR.working_time_between(straight.due_at, broken.due_at, "working_day") == lost


def workflow(city: Path, slug: str) -> Workflow:
    return Workflow.model_validate(read_yaml(city / "workflows" / f"{slug}.yaml"))


def test_every_workflow_of_the_city_is_sound(city: Path) -> None:
    assert len(list(yaml_files(city / "workflows"))) >= 5
    assert list(linting.lint(city)) == []


def changed(city: Path, action: str, **changes: Any) -> Workflow:
    raw = workflow(city, "promise-approval").model_dump(mode="json", by_alias=True)
    for entry in raw["actions"]:
        if entry["id"] == action:
            entry.update(changes)
    return Workflow.model_validate(raw)


FAULTS = [
    ("accept", {"to": "nirvana"}, "state-unknown"),
    ("accept", {"stage": "nowhere"}, "stage-unknown"),
    ("accept", {"who": ["case.dream"]}, "who-unknown"),
    ("accept", {"who": []}, "who-missing"),
    ("accept", {"clock": ["start:nothing"]}, "clock-unknown"),
    ("accept", {"clock": ["explode"]}, "clock-verb"),
    ("approve", {"clock": []}, "clock-not-ended"),
    ("approve", {"effects": ["issue"]}, "effect-name"),
    ("approve", {"not_same_as": ["dreaming"]}, "action-unknown"),
    ("answer_correction", {"clock": []}, "stop-without-resume"),
    ("request_correction", {"from": []}, "from-missing"),
    ("extend", {"needs": {}}, "days-missing"),
    ("submit", {"to": "accepted"}, "submit"),
]


@pytest.mark.parametrize(("action", "changes", "rule"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_an_unsound_workflow_is_found_out(city: Path, action: str, changes: dict[str, Any], rule: str) -> None:
    assert rule in {fault.rule for fault in faults_of(changed(city, action, **changes), frozenset(PERMISSIONS))}


def test_a_state_without_an_exit_is_found_out(city: Path) -> None:
    raw = workflow(city, "promise-approval").model_dump(mode="json", by_alias=True)
    leaving = ("confirm_withdrawal", "decline_withdrawal")
    raw["actions"] = [action for action in raw["actions"] if action["id"] not in leaving]
    assert [fault.rule for fault in faults_of(Workflow.model_validate(raw))] == ["dead-end"]


def test_a_promise_longer_than_the_law_is_found_out(city: Path) -> None:
    longer = with_limits(workflow(city, "promise-approval"), {"handling": {"limit": 30}})
    assert [fault.rule for fault in faults_of(longer)] == ["promise-over-legal"]
    with pytest.raises(ValueError, match="没有名为"):
        with_limits(longer, {"lunch": {"limit": 1}})


def test_a_finding_names_file_and_line(tmp_path: Path, city: Path) -> None:
    (tmp_path / "workflows").mkdir()
    text = (city / "workflows" / "instant.yaml").read_text("utf-8").replace("to: approved\n", "to: nirvana\n")
    (tmp_path / "workflows" / "instant.yaml").write_text(text, "utf-8")
    finding = next(found for found in linting.lint(tmp_path) if found.rule == "state-unknown")
    assert finding.path == "workflows/instant.yaml"
    assert "id: approve" in text.splitlines()[finding.line - 1]


def test_the_picture_says_in_words_what_it_shows(city: Path) -> None:
    svg = drawing.workflow_svg(workflow(city, "promise-approval"), "review", ("apply", "intake"))
    assert svg.count("<svg ") == 2
    assert svg.count('role="img"') == 2
    assert "<desc " in svg
    assert "正在进行" in svg
    assert "style=" not in svg


def test_a_hostile_label_stays_text(city: Path) -> None:
    raw = workflow(city, "instant").model_dump(mode="json", by_alias=True)
    raw["stages"][0]["label"] = {"zh": "<script>alert(1)</script>"}
    assert "<script>" not in drawing.workflow_svg(Workflow.model_validate(raw))
