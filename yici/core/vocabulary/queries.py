"""Reading the vocabulary: elements and code lists by id, and the searchable catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from yici.core.vocabulary import registry
from yici.core.vocabulary.definitions import Code, CodeList, Element
from yici.core.vocabulary.errors import UnknownCodeList, UnknownElement

__all__ = [
    "Code",
    "CodeList",
    "Element",
    "UnknownCodeList",
    "UnknownElement",
    "code_list",
    "code_lists",
    "element",
    "elements",
    "elements_using",
    "has_element",
    "search_elements",
]


def element(element_id: str) -> Element:
    """The element with this id. Raises `UnknownElement`."""
    try:
        return registry.all_elements()[element_id]
    except KeyError:
        raise UnknownElement(_("没有编号为 {id} 的数据元。").format(id=element_id[:80])) from None


def has_element(element_id: str) -> bool:
    return element_id in registry.all_elements()


def elements() -> Sequence[Element]:
    """Every element in the order of the city folder."""
    return tuple(registry.all_elements().values())


def code_list(list_id: str) -> CodeList:
    """The code list with this id. Raises `UnknownCodeList`."""
    return registry.code_list_named(list_id)


def code_lists() -> Sequence[CodeList]:
    """Every code list, by id."""
    return tuple(registry.code_list_named(list_id) for list_id in registry.code_list_ids())


def elements_using(list_id: str) -> Sequence[Element]:
    """Elements whose values come from this code list."""
    return tuple(item for item in elements() if item.code_list == list_id)


def search_elements(words: str = "", *, group: str = "", source: str = "", sensitivity: str = "") -> Sequence[Element]:
    """Elements whose id, label, standard or help holds every word, narrowed by exact facets."""
    wanted = words[:100].casefold().split()
    return tuple(
        item
        for item in elements()
        if (not group or item.group == group)
        and (not source or item.source == source)
        and (not sensitivity or item.sensitivity == sensitivity)
        and all(word in _haystack(item) for word in wanted)
    )


def _haystack(item: Element) -> str:
    parts = [item.id, item.label.zh, item.label.en, item.standard]
    if item.help:
        parts += [item.help.zh, item.help.en]
    return " ".join(parts).casefold()
