"""Words for finding items: what goes into the index and what a query becomes. Pure, no database.

Chinese is cut into single characters and pairs, so neither side needs a dictionary. Pinyin is written for
every place a word could begin, so that `laonian`, `gaoling` and `gljt` are prefixes of something. Only the
index needs pypinyin; a query is cut by regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Weights of a tsvector, best first: name, keywords, summary, English.
NAME, KEYWORD, SUMMARY, ENGLISH = "A", "B", "C", "D"
MAX_QUERY = 60
_MAX_LEXEME = 60
_HAN = re.compile(r"[\u3400-\u9fff]+")
_RUNS = re.compile(r"[\u3400-\u9fff]+|[0-9]+|[a-z]+")
_STOP = frozenset({"a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"})


@dataclass(frozen=True)
class Terms:
    """A query cut up. `exact` are lexemes, `prefixes` beginnings of lexemes, `words` what to highlight."""

    exact: tuple[str, ...]
    prefixes: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.exact or self.prefixes)


def terms_of(query: str, ignore: Iterable[str] = ()) -> Terms:
    """Cut a query. Filler words (怎么办, 申请) are dropped unless nothing else was said."""
    text = " ".join(query.lower().split())[:MAX_QUERY]
    kept = text
    for word in sorted(ignore, key=len, reverse=True):
        kept = kept.replace(word, " ")
    runs = _RUNS.findall(kept) or _RUNS.findall(text)
    exact: list[str] = []
    prefixes: list[str] = []
    for run in runs:
        if _HAN.fullmatch(run):
            exact.extend(pairs(run) or [run])
        elif run not in _STOP:
            prefixes.append(run[:_MAX_LEXEME])
    return Terms(tuple(dict.fromkeys(exact)), tuple(dict.fromkeys(prefixes)), tuple(dict.fromkeys(runs)))


def pairs(run: str) -> list[str]:
    return [run[index : index + 2] for index in range(len(run) - 1)]


def all_query(terms: Terms) -> str:
    """A tsquery literal that wants every term."""
    return " & ".join(_query_parts(terms))


def any_query(terms: Terms) -> str:
    """A tsquery literal that is content with one term; for ranking, and when `all_query` finds nothing."""
    return " | ".join(_query_parts(terms))


def loose_query(terms: Terms) -> str:
    """A tsquery literal for a typist's slips: single characters, and ever shorter beginnings down to half of the letters."""
    parts = [*_query_parts(terms)]
    for pair in terms.exact:
        parts.extend(_quoted(char) for char in pair)
    for prefix in terms.prefixes:
        shortest = max(min(4, len(prefix) - 1), len(prefix) // 2, 3)
        parts.extend(f"{_quoted(prefix[:length])}:*" for length in range(len(prefix) - 1, shortest - 1, -1))
    return " | ".join(dict.fromkeys(parts))


def _query_parts(terms: Terms) -> list[str]:
    return [_quoted(one) for one in terms.exact] + [f"{_quoted(one)}:*" for one in terms.prefixes]


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


# The index --------------------------------------------------------------------------------------------


def lexemes_of(text: str, *, pinyin: bool) -> Iterator[str]:
    """Lexemes of one text: characters, pairs, numbers, English words; with `pinyin`, spellings of each suffix."""
    for run in _RUNS.findall(text.lower()):
        if not _HAN.fullmatch(run):
            yield run[:_MAX_LEXEME]
            continue
        yield from run
        yield from pairs(run)
        if pinyin:
            syllables = syllables_of(run)
            for start in range(len(syllables)):
                yield "".join(syllables[start:])[:_MAX_LEXEME]
                yield "".join(syllable[0] for syllable in syllables[start:])[:_MAX_LEXEME]


def syllables_of(run: str) -> list[str]:
    """One toneless syllable per character; a character without a reading stands for itself."""
    from pypinyin import Style, lazy_pinyin

    found = lazy_pinyin(run, style=Style.NORMAL, errors=list)  # type: ignore[arg-type] # a list is taken, too
    return [syllable or "?" for syllable in found]


def spelling_of(name: str) -> list[str]:
    """One entry per character of the name: its syllable, or the character in lower case."""
    spelling: list[str] = []
    for run in re.split(r"([\u3400-\u9fff]+)", name):
        spelling.extend(syllables_of(run) if _HAN.fullmatch(run) else list(run.lower()))
    return spelling


def variants_of(text: str, groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """The text with each word that has synonyms put as each of them."""
    for group in groups:
        for word in group:
            if word in text:
                yield from (text.replace(word, other) for other in group if other != word)


def vector_of(weighted: Iterable[tuple[str, str]]) -> str:
    """A tsvector literal of (lexeme, weight); a lexeme keeps its best weight."""
    best: dict[str, str] = {}
    for lexeme, weight in weighted:
        if lexeme and weight <= best.get(lexeme, "E"):
            best[lexeme] = weight
    return " ".join(f"{_quoted(lexeme)}:1{weight}" for lexeme, weight in sorted(best.items()))


# Showing ----------------------------------------------------------------------------------------------


def highlight(text: str, terms: Terms, spelling: Sequence[str] = ()) -> SafeString:
    """The text with what was matched in `<mark>`; everything else escaped. Pinyin marks the characters it spells."""
    marked = [False] * len(text)
    lowered = text.lower()
    aligned = len(lowered) == len(text)
    for needle in (*terms.words, *terms.exact):
        start = lowered.find(needle) if aligned else -1
        while start >= 0:
            marked[start : start + len(needle)] = [True] * len(needle)
            start = lowered.find(needle, start + 1)
    if len(spelling) == len(text):
        for prefix in terms.prefixes:
            for start, end in _spelled(prefix, spelling):
                marked[start:end] = [True] * (end - start)
    parts: list[str] = []
    for index, char in enumerate(text):
        if marked[index] and (index == 0 or not marked[index - 1]):
            parts.append("<mark>")
        parts.append(str(escape(char)))
        if marked[index] and (index + 1 == len(text) or not marked[index + 1]):
            parts.append("</mark>")
    return mark_safe("".join(parts))  # noqa: S308 - every character was escaped above


def _spelled(prefix: str, spelling: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Stretches of characters whose full pinyin, or whose initials, the prefix spells."""
    for start in range(len(spelling)):
        whole, end = "", start
        while end < len(spelling) and len(whole) < len(prefix) and spelling[end]:
            whole += spelling[end]
            end += 1
        if whole.startswith(prefix):
            yield start, end
        initials = "".join(one[:1] for one in spelling[start : start + len(prefix)])
        if len(prefix) > 1 and initials == prefix:
            yield start, start + len(prefix)
