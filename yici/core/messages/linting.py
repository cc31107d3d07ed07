"""Checks of `wording/messages.yaml`: both languages, the same placeholders, known ones, SMS length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from yici.base.cityfolder import Finding, Located, read_yaml
from yici.base.errors import Misconfigured
from yici.base.text import Text
from yici.core.messages import rules
from yici.core.messages.wording import FILE, Wording

REQUIRED = (
    "sign_in.code", "sign_in.new_phone", "case.received", "case.accepted", "case.correction_requested",
    "case.correction_answered", "case.approved", "case.denied", "case.refused", "case.withdrawn", "case.urged",
    "case.supervised", "case.due_soon", "case.overdue", "certificate.issued", "objection.received",
    "objection.decided", "delegation.requested", "delegation.made", "delegation.accepted", "account.phone_changed", "draft.expiring", "rating.request",
)  # fmt: skip
SMS_WARN, SMS_ERROR = 2, 4  # segments: every one is billed


def lint(city: Path) -> Iterable[Finding]:
    """Every finding about the city's message texts."""
    path = city / FILE
    if not path.exists():
        return [Finding(FILE, 0, "wording-missing", "缺少消息文案文件", "新建该文件，写明 signature 和 messages")]
    try:
        source = read_yaml(path)
        parsed = Wording.model_validate(source)
    except Misconfigured as error:
        return [Finding(FILE, 0, "yaml", str(error.message))]
    except ValidationError as error:
        return list(_shape_findings(source, error))
    return list(_findings(source, parsed))


def _shape_findings(source: object, error: ValidationError) -> Iterator[Finding]:
    for item in error.errors():
        line = source.line_of(*item["loc"]) if isinstance(source, Located) else 0  # type: ignore[arg-type]
        where = ".".join(str(step) for step in item["loc"])
        yield Finding(FILE, line, "wording-shape", f"{where}：{item['msg']}", "对照同文件中其他条目的写法修改")


def _findings(source: Located, parsed: Wording) -> Iterator[Finding]:
    for key in REQUIRED:
        if key not in parsed.messages:
            yield Finding(FILE, source.line_of("messages"), "wording-required", f"缺少消息“{key}”", "补充这一条文案")
    for key, template in parsed.messages.items():
        parts: dict[str, Text | None] = {"title": template.title, "body": template.body, "sms": template.sms}
        for part, text in parts.items():
            if text is not None:
                yield from _text_findings(source.line_of("messages", key, part), f"{key}.{part}", text)
        if template.sms is not None:
            line = source.line_of("messages", key, "sms")
            yield from _sms_findings(line, key, template.sms.zh, parsed.signature)


def _text_findings(line: int, where: str, text: Text) -> Iterator[Finding]:
    if not text.en:
        yield Finding(FILE, line, "wording-english", f"{where} 没有英文", "补充 en")
    elif rules.placeholders_of(text.zh) != rules.placeholders_of(text.en):
        yield Finding(FILE, line, "wording-languages", f"{where} 中英文的占位符不一致", "两种语言使用相同的 {占位符}")
    for language in (text.zh, text.en):
        rest = rules.PLACEHOLDER.sub("", language)
        if "{" in rest or "}" in rest:
            yield Finding(FILE, line, "wording-braces", f"{where} 有写错的花括号", "占位符写成 {小写字母}")
        for name in sorted(rules.placeholders_of(language) - rules.PLACEHOLDERS.keys()):
            remedy = f"可用的占位符：{'、'.join(sorted(rules.PLACEHOLDERS))}"
            yield Finding(FILE, line, "wording-placeholder", f"{where} 用了未知的占位符 {{{name}}}", remedy)


def _sms_findings(line: int, key: str, text: str, signature: str) -> Iterator[Finding]:
    sample = rules.signed(rules.fill(text, rules.PLACEHOLDERS), signature)
    segments = rules.sms_segments(sample)
    limit = 1 if key == "sign_in.code" else SMS_ERROR - 1
    message = f"{key} 的短信约 {len(sample)} 字，按 {segments} 条计费"
    if segments > limit:
        yield Finding(FILE, line, "sms-length", message, f"缩短到 {limit} 条以内（单条 70 字，长短信每条 67 字）")
    elif segments > SMS_WARN:
        yield Finding(FILE, line, "sms-length", message, "缩短到两条以内", "warning")
