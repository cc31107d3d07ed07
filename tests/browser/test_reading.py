"""Large type, English, and the keyboard alone: every way of reading the citizens' pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Device

New = Callable[..., Device]
FIVE = ["/", "/search/?q=gljt", "/browse/", "/items/gaoling-jintie/", "/login/"]
# Text in Chinese whose nearest language mark is not Chinese: what an English reader cannot read aloud.
CHINESE_LEFT = """() => {
    const left = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        if (/[\\u3400-\\u9fff]/.test(node.data) && !parent.closest('[lang]').lang.startsWith('zh') && !parent.closest('script'))
            left.push(node.data.trim().slice(0, 60));
    }
    return left;
}"""
SMALL = """() => [...document.querySelectorAll('main *')]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && !one.closest('svg, .hidden')
        && one.getClientRects().length && parseFloat(getComputedStyle(one).fontSize) < 18)
    .map(one => one.textContent.trim().slice(0, 40) + ' ' + getComputedStyle(one).fontSize)"""
COVERED = """() => {
    scrollTo(0, document.body.scrollHeight);
    const bar = document.querySelector('.tabbar').getBoundingClientRect();
    const last = [...document.querySelectorAll('footer a')].at(-1).getBoundingClientRect();
    return last.bottom > bar.top;
}"""


@pytest.mark.parametrize("kind", ["phone", "desk"])
def test_english_pages_leave_no_chinese_unmarked(device: New, kind: str) -> None:
    reader = device(kind, cookies={"language": "en"})
    for address in FIVE:
        reader.open(address)
        assert reader.page.evaluate("document.documentElement.lang") == "en"
        assert not (left := reader.page.evaluate(CHINESE_LEFT)), f"{address}: {left}"


def test_elder_mode_shows_nothing_small(device: New) -> None:
    elder = device("phone", cookies={"elder": "1"})
    for address in FIVE:
        elder.open(address)
        assert elder.page.evaluate("document.documentElement.hasAttribute('data-elder')")
        assert not (small := elder.page.evaluate(SMALL)), f"{address}: {small}"
    device("desk", cookies={"elder": "1"}).open("/")


def test_the_bottom_bar_covers_nothing(device: New) -> None:
    phone = device("phone")
    for address in FIVE:
        assert not phone.open(address).page.evaluate(COVERED), address


def test_a_form_is_filled_and_mended_by_keyboard_alone(device: New) -> None:
    desk = device("desk")
    page = desk.open("/login/").page
    for words in ("", "12", "999"):
        _tab_to(desk, "main input:not([type=hidden])")
        page.keyboard.type(words)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    desk.check()
    assert page.title().startswith("错误：")
    assert page.evaluate("document.activeElement.className") == "error-summary", "the summary is read first"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.error-summary') !== null")
    target = str(page.evaluate("document.activeElement.hash"))
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("'#' + document.activeElement.id") == target, "the link leads to its field"


def _tab_to(desk: Device, selector: str) -> None:
    """Press Tab until the next element that matches has the focus."""
    for _ in range(40):
        desk.page.keyboard.press("Tab")
        if desk.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"no {selector} in the order of the keyboard")
