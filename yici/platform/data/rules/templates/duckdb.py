"""DuckDB's dialect. RE2 patterns; code lists are joined, since a CASE over an ethnicity list costs a microsecond a row."""

from __future__ import annotations

from collections.abc import Sequence

from yici.base.sql import quoted, text
from yici.platform.data.rules.standard import Form
from yici.platform.data.rules.templates.sql import CLEANED, Templates
from yici.platform.data.rules.templates.values import class_of, whole

__all__ = ["DuckDBTemplates"]

_CODES = "k$"


class DuckDBTemplates(Templates):
    def name(self, name: str) -> str:
        return quoted(name)

    def text(self, value: str) -> str:
        return text(value)

    def full_match(self, value: str, pattern: str) -> str:
        return f"regexp_full_match({value}, {self.text(pattern)})"

    def contains_any(self, value: str, characters: str) -> str:
        return f"regexp_matches({value}, {self.text(f'[{class_of(characters)}]')})"

    def extract(self, value: str, pattern: str, group: int) -> str:
        return f"regexp_extract({value}, {self.text(whole(pattern))}, {group})"

    def replace_whole(self, value: str, pattern: str, template: str) -> str:
        return f"regexp_replace({value}, {self.text(whole(pattern))}, {self.text(template)})"

    def replaced(self, value: str, pattern: str, template: str) -> str:
        return f"regexp_replace({value}, {self.text(pattern)}, {self.text(template)}, 'g')"

    def one_of(self, value: str, texts: Sequence[str]) -> str:
        """DuckDB makes a join of IN, and a join knows nothing of the CASE around it."""
        return f"list_contains([{', '.join(self.text(one) for one in texts)}], {value})"

    def trimmed(self, value: str, characters: str) -> str:
        return f"trim({value}, {self.text(characters)})"

    def without_ending_zeros(self, text: str) -> str:
        return f"rtrim({text}, '0')"

    def position(self, text: str, of: str) -> str:
        return f"instr({self.text(text)}, {of})"

    def divided(self, value: str, by: int) -> str:
        return f"({value} // {by})"

    def code(self, form: Form, value: str) -> str:
        return f"{self.name(_CODES + form.name)}.code"

    def code_joins(self, columns: Sequence[str]) -> str:
        joins = []
        for column in columns:
            form = self.forms[column]
            if form.type in ("code", "yes_no") and form.codes:
                listed = ", ".join(f"({self.text(text)}, {self.text(code)})" for text, code in form.codes.items())
                alias, own = self.name(_CODES + column), self.name(CLEANED + column)
                joins.append(
                    f"LEFT JOIN (VALUES {listed}) AS {alias}(written, code) ON {alias}.written = cleaned.{own}"
                )
        return " ".join(joins)
