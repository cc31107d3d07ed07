"""The dialect: what every engine reads alike is taken, the rest refused with its place."""

from __future__ import annotations

import pytest

from yici.base.errors import Misconfigured
from yici.platform.data.rules.checks import ELEMENT_PATTERNS
from yici.platform.data.rules.patterns import checked_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{11}", "[A-Z]{2}[0-9]+", "(?:皖|苏)[A-Z].{0}"[:-4], r"[0-9]{1,3}(?:\.[0-9]{2})?", r"\(安徽\)", r"[^0-9\-\]]{2,}",
        "a|b|", "(ab)+", "a?b*", "(?:a+b)?", r"[\[\]\^]", "[0-9]{1000}", *ELEMENT_PATTERNS.values(),
    ],
)  # fmt: skip
def test_what_every_engine_reads_alike_is_taken(pattern: str) -> None:
    assert checked_pattern(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "", "^a", "a$", "a.b", r"\d{4}", r"\w+", r"\s", r"\bword", r"\Aa\z", r"a\1", r"\p{L}", r"\x41", "(?=a)", "(?!a)", "(?<=a)b",
        "(?i)a", "(?P<x>a)", "(?<x>a)", "a*?", "a+?", "a*+", "a{2}{3}", "a{2,1}", "a{1001}", "a{1,1001}", "(a+)+", "(?:a*)*",
        "((a+b)c)*", "(a", "a)", "[a", "[]", "[a[b]]", "[a&&b]", "[[:alpha:]]", "[b-a]", "a{", "*a", "+", "a\\", "[a-z&&[^b]]",
        "(" * 7 + "a" + ")" * 7, "a" * 1001,
    ],
)  # fmt: skip
def test_what_engines_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(Misconfigured):
        checked_pattern(pattern)


def test_a_refusal_says_where_and_what_to_write_instead() -> None:
    with pytest.raises(Misconfigured, match=r"第 5 个字符处.*\[0-9\]"):
        checked_pattern(r"1[3]\d{9}")
