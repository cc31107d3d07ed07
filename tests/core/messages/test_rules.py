"""Texts, segments, back-off, masking, and the linter of the city's wording."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.cityfolder import Finding
from yici.core.messages import linting, rules
from yici.core.messages.providers.webhook import is_public


@pytest.mark.parametrize(("length", "segments"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)])
def test_sms_is_one_segment_to_seventy_characters_then_sixty_seven_each(length: int, segments: int) -> None:
    assert rules.sms_segments("字" * length) == segments


def test_rare_characters_outside_the_basic_plane_count_twice() -> None:
    assert rules.sms_segments("𠮷" * 36) == 2


def test_filling_leaves_out_missing_values_and_never_reads_attributes() -> None:
    assert rules.fill("您好{name}，{missing}{name.__class__}", {"name": "王秀英"}) == "您好王秀英，{name.__class__}"


def test_waiting_doubles_from_half_a_minute_to_six_hours() -> None:
    waits = [rules.delay_after(attempt, spread=0).total_seconds() for attempt in range(1, 13)]
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == 6 * 3600
    assert sum(waits) < dt.timedelta(days=1).total_seconds()


@given(st.integers(1, 60))
def test_jitter_stays_within_the_limits(attempt: int) -> None:
    assert dt.timedelta(seconds=30) <= rules.delay_after(attempt) <= dt.timedelta(hours=6)


def test_addresses_are_masked_for_the_desk() -> None:
    assert rules.mask_address("sms", "13856781234") == "138****1234"
    assert rules.mask_address("email", "wang@example.cn") == "w***@example.cn"
    assert rules.mask_address("webhook", "https://u:p@example.cn/secret?x=1") == "https://example.cn/…"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",  # noqa: S104
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::"],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "218.22.1.1", "2400:3200::1", "::ffff:1.1.1.1"])
def test_outer_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_wording_of_the_city_has_no_findings(city: Path) -> None:
    assert list(linting.lint(city)) == []


def findings(tmp_path: Path, messages: str) -> dict[str, Finding]:
    (tmp_path / "wording").mkdir(exist_ok=True)
    (tmp_path / "wording" / "messages.yaml").write_text(f"signature: 亳州一次办\nmessages:\n{messages}", "utf-8")
    return {finding.rule: finding for finding in linting.lint(tmp_path)}


def test_linter_names_line_and_fault(tmp_path: Path) -> None:
    text = (
        "  case.received:\n"
        "    title: {zh: 只有中文}\n"
        '    body: {zh: "{title}", en: "{case_number}"}\n'
        '    sms: {zh: "{nonsense}", en: "{nonsense}"}\n'
    )
    found = findings(tmp_path, text)
    assert found["wording-english"].line == 4
    assert found["wording-languages"].line == 5
    assert found["wording-placeholder"].line == 6
    assert "sign_in.code" in {f.message.split("“")[1].split("”")[0] for f in linting.lint(tmp_path) if f.rule == "wording-required"}  # fmt: skip


def test_linter_measures_sms(tmp_path: Path) -> None:
    body = "    title: {zh: 甲, en: A}\n    body: {zh: 甲, en: A}\n"
    long, longer = "字" * 150, "字" * 300
    found = findings(tmp_path, f"  a.b:\n{body}    sms: {{zh: {long}, en: A}}\n")
    assert found["sms-length"].level == "warning"
    found = findings(tmp_path, f"  a.b:\n{body}    sms: {{zh: {longer}, en: A}}\n")
    assert found["sms-length"].level == "error"
    code = "字" * 71
    found = findings(tmp_path, f"  sign_in.code:\n{body}    sms: {{zh: {code}, en: A}}\n")
    assert found["sms-length"].level == "error"


def test_linter_reports_a_missing_file_and_a_wrong_shape(tmp_path: Path) -> None:
    assert [finding.rule for finding in linting.lint(tmp_path)] == ["wording-missing"]
    assert "wording-shape" in findings(tmp_path, "  a.b:\n    titel: 甲\n")
