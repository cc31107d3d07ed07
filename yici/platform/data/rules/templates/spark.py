"""Spark's dialect. Java patterns, tied to both ends by \\A and \\z: `$` would let a newline follow."""

from __future__ import annotations

import re

from yici.base.sql import backquoted
from yici.platform.data.rules.standard import Form
from yici.platform.data.rules.templates.sql import Templates
from yici.platform.data.rules.templates.values import class_of, whole

__all__ = ["SparkTemplates"]


class SparkTemplates(Templates):
    timestamp = "TIMESTAMP_NTZ"

    def name(self, name: str) -> str:
        return backquoted(name)

    def text(self, value: str) -> str:
        """Backslashes are escapes in Spark's strings; control characters are written as escapes too."""
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return "'" + re.sub("[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + "'"

    def full_match(self, value: str, pattern: str) -> str:
        return f"({value} RLIKE {self.text(whole(pattern))})"

    def contains_any(self, value: str, characters: str) -> str:
        return f"({value} RLIKE {self.text(f'[{class_of(characters)}]')})"

    def extract(self, value: str, pattern: str, group: int) -> str:
        return f"regexp_extract({value}, {self.text(whole(pattern))}, {group})"

    def replace_whole(self, value: str, pattern: str, template: str) -> str:
        return self.replaced(value, whole(pattern), template)

    def replaced(self, value: str, pattern: str, template: str) -> str:
        """Java's $7000000 is group 7 and zeros, as long as there are fewer than seventy groups."""
        return f"regexp_replace({value}, {self.text(pattern)}, {self.text(template.replace(chr(92), '$'))})"

    def trimmed(self, value: str, characters: str) -> str:
        return f"trim(BOTH {self.text(characters)} FROM {value})"

    def without_ending_zeros(self, text: str) -> str:
        return f"trim(TRAILING '0' FROM {text})"

    def position(self, text: str, of: str) -> str:
        return f"instr({self.text(text)}, {of})"

    def divided(self, value: str, by: int) -> str:
        return f"({value} DIV {by})"

    def code(self, form: Form, value: str) -> str:
        pairs = ", ".join(f"{self.text(text)}, {self.text(code)}" for text, code in form.codes.items())
        return f"try_element_at(map({pairs}), {value})"
