"""The regular expressions a rule may use: a small dialect that means the same to Python, RE2 (DuckDB) and Java (Spark).

A pattern always speaks of the whole value. What the engines read differently is refused: `$` (Java lets a newline
follow), `\\d` and `\\w` (full-width digits), `.` (line ends), look-arounds, back-references, lazy and possessive signs.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import gettext as _

from yici.base.errors import Misconfigured

__all__ = ["LONGEST_MATCHED", "MOST_REPEATS", "checked_pattern"]

# RE2 refuses more; Java and Python would take it.
MOST_REPEATS = 1000
_LONGEST = 1000
# No longer value matches any pattern: Java walks repeated groups by recursion, and its stack ends at some 2,000 signs.
LONGEST_MATCHED = 500  # characters
_ESCAPABLE = frozenset(r"\.-+*?()[]{}|/^$&~ ")
_QUANTIFIER = re.compile(r"[*+?]|\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")


@lru_cache(maxsize=1024)
def checked_pattern(pattern: str) -> str:
    """The pattern itself where every engine reads it alike. Raises `Misconfigured` with the place of the fault."""
    if not pattern or len(pattern) > _LONGEST:
        raise Misconfigured(_("正则表达式不能为空，也不能超过 %(limit)d 个字符。") % {"limit": _LONGEST})
    reader = _Reader(pattern)
    reader.alternatives(depth=0)
    if reader.place != len(pattern):
        raise reader.refused(_("括号不成对"))
    try:
        re.compile(pattern)
    except re.error as error:
        raise reader.refused(str(error)) from error
    return pattern


class _Reader:
    """Walks a pattern once. `alternatives` says whether what it read may repeat without limit."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def refused(self, why: str) -> Misconfigured:
        message = _("正则表达式 %(pattern)s 第 %(place)d 个字符处：%(why)s。规则只用各引擎含义一致的写法。")
        return Misconfigured(message % {"pattern": self.pattern, "place": self.place + 1, "why": why})

    def alternatives(self, depth: int) -> bool:
        if depth > 5:
            raise self.refused(_("括号嵌套过深"))
        unbounded = False
        while self.place < len(self.pattern):
            sign = self.pattern[self.place]
            if sign == ")":
                break
            if sign == "|":
                self.place += 1
                continue
            inner = self._atom(sign, depth)
            repeats = self._quantifier()
            if inner and repeats:
                raise self.refused(_("重复之中不能再有无限重复"))
            unbounded = unbounded or inner or repeats
        return unbounded

    def _atom(self, sign: str, depth: int) -> bool:
        if sign == "(":
            return self._group(depth)
        if sign == "[":
            self._class()
        elif sign == "\\":
            self._escape()
        elif sign in "^$.*+?{}]":
            raise self.refused(_("不能使用 %(sign)s，需要这个字符时请写成 \\%(sign)s") % {"sign": sign})
        else:
            self.place += 1
        return False

    def _group(self, depth: int) -> bool:
        self.place += 1
        if self.pattern.startswith("?", self.place):
            if not self.pattern.startswith("?:", self.place):
                raise self.refused(_("不能使用环视、命名分组或选项"))
            self.place += 2
        inner = self.alternatives(depth + 1)
        if not self.pattern.startswith(")", self.place):
            raise self.refused(_("括号不成对"))
        self.place += 1
        return inner

    def _escape(self) -> None:
        following = self.pattern[self.place + 1 : self.place + 2]
        if following not in _ESCAPABLE or not following:
            raise self.refused(_("不能使用 \\%(sign)s，数字请写 [0-9]，字母请写 [A-Za-z]") % {"sign": following})
        self.place += 2

    def _class(self) -> None:
        self.place += 1
        if self.pattern.startswith("^", self.place):
            self.place += 1
        start = self.place
        while not self.pattern.startswith("]", self.place) or self.place == start:
            if self.place >= len(self.pattern):
                raise self.refused(_("方括号不成对"))
            sign = self.pattern[self.place]
            if sign == "\\":
                self._escape()
                continue
            # Java nests classes and reads && as intersection; POSIX names are RE2's own.
            if sign in "[]^" or self.pattern.startswith(("&&", "--", "~~", "||"), self.place):
                raise self.refused(_("方括号中的 %(sign)s 请写成 \\%(sign)s") % {"sign": sign})
            self.place += 1
        self.place += 1

    def _quantifier(self) -> bool:
        """Reads one quantifier if there is one; true where it has no upper limit."""
        found = _QUANTIFIER.match(self.pattern, self.place)
        if not found:
            return False
        self.place = found.end()
        if self.pattern[self.place : self.place + 1] in ("?", "+", "*", "{"):
            raise self.refused(_("不能使用懒惰、占有或连续的重复符号"))
        if any(number and int(number) > MOST_REPEATS for number in (found[1], found[3])):
            raise self.refused(_("重复次数不能超过 %(limit)d") % {"limit": MOST_REPEATS})
        return found[0] in "*+" or (found[2] is not None and found[3] is None)
