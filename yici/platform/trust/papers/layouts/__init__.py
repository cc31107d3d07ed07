"""Which paper a page is, and what stands on it. Adding a kind is adding its layout to `LAYOUTS`."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from yici.platform.trust.papers.layouts import identity, licences
from yici.platform.trust.papers.layouts.anchors import Found, Layout, find_values, plain_text, score
from yici.platform.trust.papers.pictures import PictureRefused
from yici.platform.trust.papers.reader import Page

__all__ = ["LAYOUTS", "Found", "Layout", "kinds_of_certificate", "layouts_of", "values_of"]

LAYOUTS: dict[str, Layout] = {
    layout.kind: layout
    for layout in (
        identity.FRONT,
        identity.BACK,
        identity.HOUSEHOLD,
        licences.BUSINESS,
        licences.DRIVING,
        licences.VEHICLE,
    )
}
_LEAST = 4  # points of `score`: a mark and a label
_PERIOD = re.compile(r"(.{8,11}?)(?:-|至|—|~)(.+)")


def kinds_of_certificate(certificate: str | None) -> list[str]:
    """Kinds of paper that show a certificate type of the city: the two sides of an identity card, for example."""
    return [layout.kind for layout in LAYOUTS.values() if certificate and layout.certificate == certificate]


def layouts_of(page: Page) -> list[Layout]:
    """The layouts a page has: one, or both sides of an identity card. Raises `PictureRefused`."""
    if not page.lines:
        raise PictureRefused(_("图片上没有找到文字。请把证件放平、对焦清楚，重新拍一张。"))
    scores = {kind: score(layout, page.lines) for kind, layout in LAYOUTS.items()}
    best = max(scores, key=lambda kind: scores[kind])
    if scores[best] < _LEAST:
        raise PictureRefused(
            _("认不出这是哪种证件。目前能识别身份证、户口簿、营业执照、驾驶证和行驶证，请拍下完整的一页。")
        )
    sides = [identity.FRONT.kind, identity.BACK.kind]
    if best in sides and all(scores[kind] >= _LEAST for kind in sides):
        return [LAYOUTS[kind] for kind in sides]
    return [LAYOUTS[best]]


def values_of(page: Page) -> tuple[Layout, dict[str, Found]]:
    """The (first) layout of a page and what was read. Raises `PictureRefused` for none, or two of a kind."""
    layouts = layouts_of(page)
    _one_paper(layouts[0], page)
    found: dict[str, Found] = {}
    for layout in layouts:
        found |= find_values(layout, page)
    return layouts[0], _periods_split(found)


def _one_paper(layout: Layout, page: Page) -> None:
    """Two cards on one picture would be mixed up: they are refused, not guessed at."""
    texts = [plain_text(line.text) for line in page.lines]
    numbers = {match[0] for text in texts for match in identity.ID_NUMBER.finditer(text)}
    marked = sum(layout.marks[0] in text for text in texts)
    if marked > 1 or (layout.key in ("person.id_number", "driver.licence_number") and len(numbers) > 1):
        raise PictureRefused(_("这张图片上有两张证件，请一张一张分开拍。"))


def _periods_split(found: dict[str, Found]) -> dict[str, Found]:
    """A printed period (2015.07.15-2035.07.15) is two elements: from and until."""
    periods = {"person.id_valid_until": "person.id_valid_from", "driver.licence_valid_until": ""}
    for until, since in periods.items():
        if until in found and (match := _PERIOD.fullmatch(found[until].text)):
            whole = found[until]
            found[until] = Found(match[2], whole.confidence, whole.corners)
            if since:
                found[since] = Found(match[1], whole.confidence, whole.corners)
    return found
