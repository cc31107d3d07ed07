"""Kinds of handling (业务办理项): changing, renewing, replacing or giving back what an item once granted.

Each is an item of its own in the national list: shorter, with the paper one holds instead of the first proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yici.base.cityfolder import Located
from yici.systems.hall.generating.shorthand import GENERAL, expand, result_of

# Pages that say who asks; they are asked again in every handling.
WHO = ("who", "who_lives", "business", "company", "contact", "project", "place")


def handled(
    item: Mapping[str, Any], written: Mapping[str, Any], fragments: Mapping[str, Any], again: Sequence[str] = ()
) -> Located:
    """The item of this handling. `item` is the base in its long form, `again` the materials it asks for afresh."""
    words = _words(item)
    raw = Located(
        {key: value for key, value in item.items() if key not in ("form", "listing", "tolerance_days", "steps", "faqs")}
    )
    for special in ("workflow", "signing"):  # the signatures of all are for the first time
        raw.pop(special, None)
    raw.lines, raw.line = dict(getattr(item, "lines", {})), getattr(item, "line", 0)
    raw["code"] = f"{item['code']}-{written['suffix']}"
    raw["name"] = f"{words['name']}（{_zh(written['label'])}） | {words['english']}: {_en(written['label'])}"
    for key in ("summary", "conditions", "faqs", "result_validity"):
        if key in written:
            raw[key] = _worded(written[key], words)
    raw["limits"] = _limits(item, written)
    raw["materials"] = [*_held(item, words), *_worded(written.get("materials", []), words), *_again(item, again)]
    raw["form"] = _form(item, written, words)
    raw["steps"] = written["steps"]
    raw["listing"] = _listing(item, written)
    raw["visits"] = written.get("visits", item.get("visits", {"count": 0}))
    raw["online_depth"] = "III" if _count(raw["visits"]) else "IV"
    raw["fees"] = {"charged": False}
    raw["result"] = _result(item, written, words)
    raw.pop("result_validity", None)
    return expand(raw, fragments)


def _words(item: Mapping[str, Any]) -> dict[str, str]:
    name, result = item.get("name") or {}, (item.get("result") or {}).get("name") or {}
    return {
        "name": _zh(name), "english": _en(name), "result": _zh(result), "result_english": _en(result),
        "function": (item.get("handler") or {}).get("function", ""),
        "certificate": (item.get("result") or {}).get("certificate", ""),
    }  # fmt: skip


def _zh(text: Any) -> str:
    return str(text.get("zh", "")) if isinstance(text, Mapping) else str(text).partition(" | ")[0]


def _en(text: Any) -> str:
    return str(text.get("en", "")) if isinstance(text, Mapping) else str(text).partition(" | ")[2]


def _worded(node: Any, words: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        for key, value in words.items():
            node = node.replace("{" + key + "}", value)
        return node
    if isinstance(node, Mapping):
        return {_worded(key, words): _worded(value, words) for key, value in node.items()}
    return [_worded(one, words) for one in node] if isinstance(node, list) else node


def _count(visits: Any) -> int:
    return int(visits.get("count", 0)) if isinstance(visits, Mapping) else int(str(visits).split(" ")[0])


def _limits(item: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """The shorter of the base's promise and what the handling promises in working days."""
    limits = dict(item.get("limits") or {})
    promised = dict(limits.get("promised") or {})
    if promised.get("unit", "working_day") in ("working_day", "calendar_day"):
        promised["amount"] = min(int(promised.get("amount", 1)), int(written["promised"]))
    limits["promised"] = promised
    return limits


def _held(item: Mapping[str, Any], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """The paper one holds: proven by the certificate library, else by the records of the body that gave it."""
    proofs: list[dict[str, Any]] = []
    if words["certificate"]:
        proofs.append({"certificate": words["certificate"]})
    proofs.append({"facts": ["certificate.number"], "source": words["function"]})
    proofs.append({"promise": True})
    return [
        {
            "id": "held",
            "name": f"{words['result']} | {words['result_english']}",
            "source": "government",
            "source_function": words["function"],
            "proven_by": proofs,
            "acceptance_standard": "在有效期内，与登记一致 | In force and as registered",
        }
    ]


def _again(item: Mapping[str, Any], asked: Sequence[str]) -> list[Any]:
    """Materials of the base that this handling asks again, and proofs of who asks."""
    chosen = [one for one in item.get("materials") or [] if isinstance(one, Mapping)]
    return [
        {key: value for key, value in one.items() if key not in ("only_in_situation",)}
        for one in chosen
        if one.get("id") in asked or one.get("id") in ("identity", "business_licence")
    ]


def _form(item: Mapping[str, Any], written: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Who asks, then what is asked for; of what was founded by the base item its credit code too, for now it has one."""
    pages = [_known(page) for page in (item.get("form") or {}).get("pages") or [] if page.get("id") in WHO]
    if not pages:
        pages = list((item.get("form") or {}).get("pages") or [])[:1]
    asked = {field.get("element") for page in pages for field in page.get("fields", [])}
    own = [_without(page, asked) for page in _worded(written["pages"], words)]
    if "organisation.name" in asked and "organisation.uscc" not in asked:
        ((page, (title, *fields)),) = own[0].items()
        own[0] = {page: [title, "organisation.uscc", *fields]}
    return {"pages": [*pages, *own]}


def _known(page: Mapping[str, Any]) -> dict[str, Any]:
    """What a base asks afresh (a company's name at its founding) the records know by now."""
    fields = [
        {key: value for key, value in field.items() if key != "prefill"} if isinstance(field, Mapping) else field
        for field in page.get("fields") or []
    ]
    return {**page, "fields": fields}


def _without(page: Mapping[str, Any], asked: set[Any]) -> dict[str, Any]:
    """The page in short form without elements that an earlier page asks."""
    return {key: [one for one in body if one not in asked] for key, body in page.items()}


def _listing(item: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    listing = item.get("listing") or {}
    return {
        "icon": written.get("icon", listing.get("icon", "file-text")),
        "topics": listing.get("topics", []),
        "keywords": [*listing.get("keywords", []), *written.get("keywords", [])],
        "popularity": int(listing.get("popularity", 0)) // 2,
        **({"state": listing["state"], "state_reason": listing.get("state_reason")} if listing.get("state") else {}),
    }


def _result(item: Mapping[str, Any], written: Mapping[str, Any], words: Mapping[str, str]) -> Any:
    """What becomes of the paper that is held: a new version of it, one with a new term, or its end with a decision."""
    held = {key: value for key, value in (item.get("result") or {}).items() if key not in ("face", "ends")}
    if written["effect"] != "end":
        face = [{"element": "certificate.name", "value": words["result"]}] if words["certificate"] in GENERAL else []
        face += [{"element": element, "answer": answer} for element, answer in written.get("face", {}).items()]
        return held | {"certificate_action": written["effect"], "face": face}
    own = result_of(_worded(written["result"], words))
    if words["certificate"]:
        own["ends"] = {
            "certificate": words["certificate"],
            "name": words["result"] if words["certificate"] in GENERAL else "",
        }
    return own
