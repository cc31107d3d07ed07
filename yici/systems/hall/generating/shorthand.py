"""The short way of writing an item: `中文 | English`, ` // ` between parts, names of shared fragments.

`expand` turns it into the long form that `definitions.ItemDefinition` validates; what is already long passes through.
The notation is described in `docs/city-folder.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from yici.base.cityfolder import Located
from yici.base.errors import Misconfigured

NO_LEGAL_LIMIT = "法律、法规没有规定这项服务的办理期限，按本市办件管理要求执行"
LICENCE_LIMIT = "中华人民共和国行政许可法第四十二条"
PROMISE_NOTE = "查不到时书面承诺即可。 | A written promise will do where no record is found."
COUNTER_FEE = "到窗口缴纳或者扫缴费单上的码；列入网上收费清单后改为网上缴。 | Paid at the counter or by the code on the bill, until it is on the online fee list."
_LIMIT = re.compile(r"(\d+) (working_day|working_hour|calendar_day|hour)(?: (.*))?")
_MATERIAL = re.compile(r"([a-z][a-z0-9_]*)([~^+]*)(?:@([a-z_]+)(?:[/=]([a-z0-9_.,]+))?)?([~^+]*)")
_USUAL_BASIS = "?"
_LISTING = ("topics", "keywords", "icon", "short_name", "featured", "popularity")
GENERAL_RESULTS = {"certificate": "general_licence", "document": "general_document", "decision": "general_decision"}
GENERAL = frozenset(GENERAL_RESULTS.values())
"""Types of the certificate library that stand for no paper in particular."""


def chinese(written: Any) -> str:
    """The Chinese half of a text, written short or long."""
    return str(written.get("zh", "")) if isinstance(written, Mapping) else text(str(written))["zh"]


def expand(raw: Mapping[str, Any], fragments: Mapping[str, Any]) -> Located:
    """The long form of one item. Raises `Misconfigured` for a fragment nobody wrote or a part that cannot be read."""
    item = _like(raw, raw)
    _gather_listing(item)
    for name, reader in _READERS.items():
        if name in item:
            item[name] = reader(item[name], fragments)
    _fill(item)
    return _texts(item)


def _texts(node: Any) -> Any:
    """Every `中文 | English` as a text of two languages, in a copy; line numbers are kept."""
    if isinstance(node, str):
        return text(node) if " | " in node else node
    if isinstance(node, dict):
        return _like(node, {key: _texts(value) for key, value in node.items()})
    return [_texts(one) for one in node] if isinstance(node, list) else node


def text(written: str) -> dict[str, str]:
    """Chinese and English; quotation marks that YAML would have taken around a half are dropped."""
    chinese, _bar, english = (half.strip() for half in written.partition(" | "))
    return {"zh": _unquoted(chinese), "en": _unquoted(english)}


def _unquoted(half: str) -> str:
    return half[1:-1] if len(half) > 1 and half[0] == half[-1] == '"' else half


def _line(value: Any) -> Any:
    """A line of text with a colon in it, which YAML read as a mapping of one key, as the line it was."""
    if isinstance(value, dict) and len(value) == 1:
        ((key, rest),) = value.items()
        return f"{key}: {rest}" if isinstance(rest, str) else value
    return value


def parts(written: str) -> list[str]:
    return [part.strip() for part in written.split(" // ")]


def _gather_listing(item: Located) -> None:
    moved = {name: item.pop(name) for name in _LISTING if name in item}
    if moved:
        listing = Located({**item.get("listing", {}), **moved})
        listing.lines = {
            **getattr(item.get("listing"), "lines", {}),
            **{name: item.lines.get(name, 0) for name in moved},
        }
        listing.line = item.line
        item["listing"] = listing


def _like(old: Any, new: Mapping[str, Any]) -> Located:
    """`new` with the line numbers of `old`."""
    copy = Located(new)
    copy.lines, copy.line = dict(getattr(old, "lines", {})), getattr(old, "line", 0)
    return copy


def _fragment(kind: str, name: str, fragments: Mapping[str, Any]) -> Any:
    try:
        return fragments[kind][name]
    except KeyError:
        raise Misconfigured(f"没有共用片段 {kind}.{name}，请在 catalogue/fragments.yaml 里写，或改正名称") from None


def _list(one: Callable[[Any, Mapping[str, Any]], Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    def read(value: Any, fragments: Mapping[str, Any]) -> Any:
        return [one(entry, fragments) for entry in value] if isinstance(value, list) else value

    return read


# Limits -----------------------------------------------------------------------------------------------


def limit(value: Any) -> Any:
    """`20 working_day 法第几条`, or a number of working days."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"amount": value}
    found = _LIMIT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    amount, unit, basis = found.groups()
    return {"amount": int(amount), "unit": unit, **({"basis": basis} if basis else {})}


def _limits(value: Any, fragments: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    written = {name: limit(one) if name != "note" else one for name, one in value.items()}
    written.setdefault("intake", {"amount": 1, "unit": "working_day"})
    if isinstance(value.get("legal"), int | str) and "basis" not in written["legal"]:
        written["legal"]["basis"] = _USUAL_BASIS
    return _like(value, written)


# Parts of the substance -------------------------------------------------------------------------------


def _legal(value: Any, fragments: Mapping[str, Any]) -> Any:
    value = _line(value)
    if not isinstance(value, str):
        return value
    if " // " not in value:
        return _legal(_fragment("legal", value, fragments), fragments)
    title, number, *more = [*parts(value), ""]
    return {"title": title, "number": number, "article": more[0], **({"gist": more[1]} if more[1:] and more[1] else {})}


def _condition(value: Any, fragments: Mapping[str, Any]) -> Any:
    value = _line(value)
    return {"text": value} if isinstance(value, str) else value


def _material(value: Any, fragments: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        name = value.rstrip("~+")
        found = {"id": name, **_fragment("materials", name, fragments)}
        marks: dict[str, dict[str, Any]] = {"~": {"necessity": "optional"}, "+": {"only_in_situation": True}}
        return found | marks.get(value[-1], {})
    if isinstance(value, dict) and len(value) == 1:
        return _written_material(*next(iter(value.items())))
    return value


def _written_material(key: str, written: str) -> dict[str, Any]:
    """`id@function/element,…^: 名称 | Name // 受理标准 | Standard // 说明 | Note`; `=type` names a certificate."""
    match = _MATERIAL.fullmatch(key)
    if match is None:
        raise Misconfigured(f"材料 {key} 的写法不对，应为 编号@职能/数据元^ 的形式")
    ident, before, function, proof, after = match.groups()
    marks = before + after
    name, standard, note, *_rest = [*parts(written), "", ""]
    found: dict[str, Any] = {"id": ident, "name": name, "acceptance_standard": standard, "source": "applicant"}
    proven: list[dict[str, Any]] = []
    if function:
        found |= {"source": "government", "source_function": function}
        if f"={proof}" in key:
            proven.append({"certificate": proof})
        else:
            elements = proof.split(",") if proof else ["certificate.number", "certificate.name"]
            proven.append({"facts": elements, "source": function})
    if "^" in marks:
        proven.append({"promise": True})
    if proven:
        found["proven_by"] = proven
    if "~" in marks:
        found["necessity"] = "optional"
    if "+" in marks:
        found["only_in_situation"] = True
    if note:
        found["note"] = note
    elif "^" in marks:
        found["note"] = PROMISE_NOTE
    return found


def _fields(value: list[Any]) -> Iterator[dict[str, Any]]:
    for one in value:
        if isinstance(one, str) and ": " in one:
            yield _own_field(*one.split(": ", 1))
        elif isinstance(one, str):
            name = one.rstrip("!~")
            yield (
                {"element": name}
                | ({"readonly": True} if "!" in one else {})
                | ({"required": False} if "~" in one else {})
            )
        elif isinstance(one, dict) and len(one) == 1 and "element" not in one:
            yield _own_field(*next(iter(one.items())))
        else:
            yield one


def _own_field(key: str, written: str) -> dict[str, Any]:
    """`id~: type 名称 | Label // value=选项 | Option // …`."""
    head, *rest = parts(written)
    kind, _space, label = head.partition(" ")
    field: dict[str, Any] = {"id": key.rstrip("~"), "type": kind, "label": label}
    if key.endswith("~"):
        field["required"] = False
    options = [option.partition("=") for option in rest]
    if options:
        field["options"] = [{"value": value, "label": words} for value, _sign, words in options]
    return field


def _page(value: Any, fragments: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _page({"id": value, **_fragment("pages", value, fragments)}, fragments)
    if isinstance(value, dict) and isinstance(value.get("fields"), list):
        return _like(value, {**value, "fields": list(_fields(value["fields"]))})
    if isinstance(value, dict) and len(value) == 1:
        ((ident, body),) = value.items()
        title, *fields = body
        return {"id": ident, "title": title, "fields": list(_fields(fields))}
    return value


def _situation(value: Any, fragments: Mapping[str, Any]) -> Any:
    """`id: 问题 | Question // value=回答 | Answer +material -material // …`."""
    if not (isinstance(value, dict) and len(value) == 1):
        return value
    ((ident, written),) = value.items()
    question, *options = parts(written)
    return {"id": ident, "question": question, "options": [_option(one) for one in options]}


def _option(written: str) -> dict[str, Any]:
    words = written.split(" ")
    add = [word[1:] for word in words if re.fullmatch(r"\+[a-z0-9_]+", word)]
    remove = [word[1:] for word in words if re.fullmatch(r"-[a-z0-9_]+", word)]
    label = " ".join(word for word in words if not re.fullmatch(r"[+-][a-z0-9_]+", word))
    value, _sign, label = label.partition("=")
    return {"value": value, "label": label, "add": add, "remove": remove}


def _form(value: Any, fragments: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        value = {"pages": value}
    if not isinstance(value, dict):
        return value
    form = _like(value, value)
    form["pages"] = _list(_page)(form.get("pages"), fragments)
    if "situations" in form:
        form["situations"] = _list(_situation)(form["situations"], fragments)
    return form


def _step(value: Any, fragments: Mapping[str, Any]) -> Any:
    value = _line(value)
    if not isinstance(value, str):
        return value
    if " // " not in value:
        name, note = parts(_fragment("steps", value, fragments))
        return {"fragment": value, "name": name, "note": note}
    name, note = parts(value)
    return {"name": name, "note": note}


def _faq(value: Any, fragments: Mapping[str, Any]) -> Any:
    value = _line(value)
    if not isinstance(value, str):
        return value
    if " // " not in value:
        return _faq(_fragment("faqs", value, fragments), fragments)
    question, answer = parts(value)
    return {"question": question, "answer": answer}


def _result(value: Any, fragments: Mapping[str, Any]) -> Any:
    return result_of(value) if isinstance(value, str) else value


def result_of(written: str) -> dict[str, Any]:
    """`certificate 名称 | Name // 有效期 | Validity // certificate type`, the type after `change` or `renew` where the
    approval does that to the one held."""
    named, validity, *rest = parts(written)
    sort, _space, name = named.partition(" ")
    *action, kind = rest[0].split(" ") if rest else [GENERAL_RESULTS.get(sort, "")]
    return {
        "kind": sort,
        "name": name,
        "validity": validity,
        "certificate": kind,
        "certificate_action": action[0] if action else "issue",
        "sample": text(name)["zh"] + "（电子）",
        "retention": "办结后 10 年",
    }


def _fees(value: Any, fragments: Mapping[str, Any]) -> Any:
    """`收费名称 | Name // 标准 | Standard // 依据`, one or several; `none`."""
    if value == "none":
        return {"charged": False}
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    items = []
    for one in value:
        name, standard, basis = parts(one)
        items.append({"name": name, "standard": standard, "basis": basis})
    return {"charged": True, "pay_online": False, "items": items, "note": COUNTER_FEE}


def _visits(value: Any, fragments: Mapping[str, Any]) -> Any:
    if isinstance(value, int):
        return {"count": value}
    if isinstance(value, str):
        count, _space, reason = value.partition(" ")
        return {"count": int(count), "reason": reason}
    return value


_READERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "limits": _limits,
    "legal_basis": _list(_legal),
    "conditions": _list(_condition),
    "materials": _list(_material),
    "form": _form,
    "steps": _list(_step),
    "faqs": _list(_faq),
    "result": _result,
    "fees": _fees,
    "visits": _visits,
}


# What the writer may leave out ------------------------------------------------------------------------


def _fill(item: Located) -> None:
    licence = item.get("task_type") == "行政许可"
    item.setdefault("kind", "public_service" if item.get("task_type") == "公共服务" else "administrative_approval")
    item.setdefault("project_type", "promised")
    item.setdefault("workflow", "instant" if item["project_type"] == "immediate" else "promise-approval")
    item.setdefault("visits", {"count": 0})
    item.setdefault("fees", {"charged": False})
    visited = bool(item["visits"].get("count")) if isinstance(item["visits"], dict) else False
    item.setdefault("online_depth", "III" if visited else "IV")
    result = item.get("result")
    if isinstance(result, dict):
        item.setdefault("courier", {"result": result.get("kind") == "certificate"})
        if isinstance(item.get("form"), dict):
            result.setdefault("face", list(_face(result, item["form"])))
    limits = item.get("limits")
    if isinstance(limits, dict):
        legal = limits.get("legal")
        if isinstance(legal, dict) and legal.get("basis") == _USUAL_BASIS:
            legal["basis"] = LICENCE_LIMIT if licence else NO_LEGAL_LIMIT
        if isinstance(item.get("steps"), list) and "intake" in limits:
            item["steps"] = list(_timed(item["steps"], limits))


def _face(result: dict[str, Any], form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The name of a paper of a general type, and of whom it is made out to as far as the form asks."""
    asked = {field.get("element") for page in form.get("pages") or [] for field in page.get("fields", ())}
    if result.get("certificate") in GENERAL:
        yield {"element": "certificate.name", "value": chinese(result["name"])}
    for element in ("organisation.name", "organisation.uscc", "person.name", "person.id_number"):
        if element in asked:
            yield {"element": element}


def _timed(steps: list[Any], limits: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Limits of the shared steps: the intake check its own; of a promise of two days and more the decision gets one
    and the review what is left."""
    promised = limits.get("promised") or {}
    amount, unit = promised.get("amount", 0), promised.get("unit", "working_day")
    shared = {step.get("fragment") for step in steps}
    left = amount - 1
    for step in steps:
        fragment = step.get("fragment")
        timed = _like(step, {key: value for key, value in step.items() if key != "fragment"})
        if fragment == "accept":
            timed["limit"] = {name: limits["intake"][name] for name in ("amount", "unit") if name in limits["intake"]}
        elif {"review", "decide"} <= shared and left > 0 and fragment in ("review", "decide"):
            timed["limit"] = {"amount": left if fragment == "review" else 1, "unit": unit}
        yield timed
