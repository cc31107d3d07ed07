"""The links to the pages before and after, of whatever is paged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory

ASKED = "/somewhere/?q=%E7%8E%8B&page=2&tab=done"


def shown(tag: str, **context: Any) -> str:
    template = engines["django"].from_string(tag)
    return str(template.render(context, RequestFactory().get(ASKED)))


@pytest.mark.parametrize(
    ("tag", "context", "says"),
    [
        ("{% pager page %}", {"page": Paginator(range(30), 10).page(2)}, "第 2 / 3 页"),
        ("{% pager page %}", {"page": SimpleNamespace(page=2, has_next=True)}, "第 2 页"),
        ("{% pager page has_next last %}", {"page": 2, "has_next": True, "last": 5}, "第 2 / 5 页"),
    ],
)
def test_both_ways_keep_the_rest_of_the_address(tag: str, context: dict[str, Any], says: str) -> None:
    html = shown(tag, **context)
    assert says in html
    assert 'rel="prev" href="?q=%E7%8E%8B&amp;page=1&amp;tab=done"' in html
    assert 'rel="next" href="?q=%E7%8E%8B&amp;page=3&amp;tab=done"' in html


def test_ends_have_one_link_and_a_single_page_has_none() -> None:
    first, last = Paginator(range(20), 10).page(1), Paginator(range(20), 10).page(2)
    assert "next" in shown("{% pager page %}", page=first) and "prev" not in shown("{% pager page %}", page=first)
    assert "prev" in shown("{% pager page %}", page=last) and "next" not in shown("{% pager page %}", page=last)
    assert "nav" not in shown("{% pager page %}", page=Paginator(range(5), 10).page(1))
