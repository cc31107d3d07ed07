"""Reading the catalogue of items: by code, by search words, by topic, department and level.

Every list is one query and one page long; a definition is parsed once per version and process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.safestring import SafeString

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.base.text import localized
from yici.core.people.models import Organisation
from yici.core.places.rules import ancestor_codes
from yici.systems.hall import folder, searching
from yici.systems.hall.definitions import ItemDefinition, Level
from yici.systems.hall.models import ItemHolding, ServiceItem, ServiceItemVersion

PAGE = 20
BROWSE_PAGE = 60
FEATURED = 12
SUGGESTIONS = 6
# ts_rank's weights of D, C, B, A.
_WEIGHTS = "{0.05, 0.2, 0.6, 1.0}"

# One row for a base item, whatever its kinds of handling and the authorities that hold it: of the rows that match,
# the one that fits best stands for them. Items held at the place asked for come before the others.
_SEARCH = """
SELECT id, count(*) OVER () AS total
FROM (
    SELECT DISTINCT ON (item.base) item.id, item.popularity,
           item.state = 'active' AS open,
           position(%(phrase)s IN lower(item.name || ' ' || item.english)) > 0 AS named,
           ts_rank(%(weights)s::float4[], item.search, %(rank)s::tsquery) AS rank,
           {near} AS near
    FROM hall_serviceitem AS item
    WHERE item.search @@ %(wanted)s::tsquery AND item.state <> 'cancelled' {narrowing}
    ORDER BY item.base, open DESC, named DESC, rank DESC, item.handling
) AS folded
ORDER BY open DESC, near DESC, named DESC, rank DESC, popularity DESC, id
LIMIT %(limit)s OFFSET %(offset)s
"""
_NEAR = """EXISTS (SELECT FROM hall_itemholding AS holding WHERE holding.item_id = item.id AND holding.is_active
            AND holding.division_id = ANY(%(near)s))"""


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; empty: not at all. `department` is an organisation's slug, `kind` a `Kind`."""

    subject: str = ""
    topic: str = ""
    department: str = ""
    level: str = ""
    kind: str = ""

    def q(self) -> Q:
        found = Q()
        if self.subject:
            found &= Q(subjects__contains=[self.subject])
        if self.topic:
            found &= Q(topics__contains=[self.topic])
        if self.department:
            found &= Q(organisation__slug=self.department)
        if self.kind:
            found &= Q(kind=self.kind)
        if self.level:
            held = ItemHolding.objects.filter(item=OuterRef("pk"), level=self.level, is_active=True)
            found &= Q(Exists(held))
        return found


@dataclass(frozen=True)
class Hit:
    """A found item with its name marked where it was matched.

    `places`: at how many authorities it is had; `others`: how many further kinds of handling the base item has.
    """

    item: ServiceItem
    name: SafeString
    summary: SafeString
    places: int = 0
    others: int = 0


@dataclass(frozen=True)
class Browsed:
    """One page of a list of base items."""

    items: list[ServiceItem]
    total: int
    page: int

    @property
    def has_next(self) -> bool:
        return self.page * BROWSE_PAGE < self.total


@dataclass(frozen=True)
class Found:
    """One page of a search. `is_guess`: nothing had every word, these have some (您要找的是不是)."""

    hits: list[Hit] = field(default_factory=list)
    total: int = 0
    is_guess: bool = False
    page: int = 1

    @property
    def has_next(self) -> bool:
        return self.page * PAGE < self.total


@lru_cache(maxsize=512)
def _parsed(version_id: int) -> ItemDefinition:
    data = ServiceItemVersion.objects.values_list("definition", flat=True).get(pk=version_id)
    return ItemDefinition.model_validate(data)


def definition_of(version: ServiceItemVersion | int) -> ItemDefinition:
    """The frozen definition of a version (`listing` holds defaults: it is not part of a version)."""
    return _parsed(version if isinstance(version, int) else version.pk)


def item_by_code(code: str) -> ServiceItem:
    """A published item with its current version and owner. Raises `NotFound`."""
    found = (
        ServiceItem.objects.select_related("current__case_version", "organisation").filter(
            code=code, current__isnull=False
        )
    ).first()
    if found is None:
        raise NotFound()
    return found


def current_version(row: ServiceItem) -> ServiceItemVersion:
    """The version in force. Raises `NotFound` for an item that was never published."""
    if row.current is None:
        raise NotFound()
    return row.current


def visible() -> QuerySet[ServiceItem]:
    """Items that people may find: active ones and suspended ones, the most used first."""
    return (
        ServiceItem.objects.exclude(state=ServiceItem.State.CANCELLED)
        .filter(current__isnull=False)
        .select_related("organisation")
        .defer("search")
        .order_by("-popularity", "id")
    )


def listed() -> QuerySet[ServiceItem]:
    """Visible base items: their kinds of handling are found on their guides and by search."""
    return visible().filter(handling="")


def siblings(item: ServiceItem) -> list[ServiceItem]:
    """The base item and its other kinds of handling, without the item itself."""
    return list(visible().filter(base=item.base).exclude(pk=item.pk).order_by("handling", "id"))


def featured() -> list[ServiceItem]:
    """The icons of the home page."""
    return list(listed().filter(is_featured=True, state=ServiceItem.State.ACTIVE)[:FEATURED])


def browse(filters: Filters, *, page: int = 1) -> Browsed:
    """Base items that fit, a page of them."""
    found = listed().filter(filters.q())
    page = max(1, page)
    rows = list(found[(page - 1) * BROWSE_PAGE : page * BROWSE_PAGE])
    return Browsed(rows, found.order_by().count(), page)


def departments() -> list[Organisation]:
    """Owners of listed items with `items` counted, the busiest first."""
    counts = dict(listed().order_by().values_list("organisation").annotate(number=Count("id")))
    found = list(Organisation.objects.filter(pk__in=counts))
    for organisation in found:
        organisation.items = counts[organisation.pk]  # type: ignore[attr-defined]
    return sorted(found, key=lambda one: (-counts[one.pk], one.order, one.pk))


def topic_counts() -> dict[str, int]:
    """Number of listed items by life event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT topic, count(*) FROM hall_serviceitem, jsonb_array_elements_text(topics) AS topic"
            " WHERE state <> 'cancelled' AND handling = '' AND current_id IS NOT NULL GROUP BY topic"
        )
        return dict(cursor.fetchall())


def search(words: str, filters: Filters | None = None, *, page: int = 1, near: str = "") -> Found:
    """Items that match every word; where there are none, those that match some of it, marked as a guess.

    `near`: code of a division; what is held for it comes first.
    """
    terms = searching.terms_of(words, folder.synonyms_of(city_folder()).ignore)
    if terms.is_empty:
        return Found()
    page = max(1, min(page, 500))
    asked = _Asked(
        filters or Filters(), "".join(terms.words) if len(terms.words) == 1 else " ".join(words.lower().split()), near
    )
    rank = searching.any_query(terms)
    ids, total = _ranked(searching.all_query(terms), rank, asked, page)
    is_guess = False
    if not total and page == 1:
        loose = searching.loose_query(terms)
        ids, total = _ranked(loose, loose, asked, page)
        total, is_guess = min(total, SUGGESTIONS), True
        ids = ids[:SUGGESTIONS]
    rows = {row.pk: row for row in visible().filter(pk__in=ids)}
    places = _place_counts(ids)
    others = _handling_counts([row.base for row in rows.values()])
    hits = [
        replace(_hit(rows[pk], terms), places=places.get(pk, 0), others=others.get(rows[pk].base, 1) - 1)
        for pk in ids
        if pk in rows
    ]
    return Found(hits, total, is_guess and bool(hits), page)


def _place_counts(ids: list[int]) -> dict[int, int]:
    held = ItemHolding.objects.filter(item__in=ids, is_active=True).order_by()
    return dict(held.values_list("item").annotate(number=Count("pk")))


def _handling_counts(bases: list[str]) -> dict[str, int]:
    return dict(visible().order_by().filter(base__in=bases).values_list("base").annotate(number=Count("pk")))


@dataclass(frozen=True)
class _Asked:
    filters: Filters
    phrase: str
    near: str


def _hit(row: ServiceItem, terms: searching.Terms) -> Hit:
    chinese = localized("zh", "en") == "zh"
    name = searching.highlight(row.name if chinese else row.english, terms, row.spelling if chinese else ())
    return Hit(row, name, searching.highlight(row.summary if chinese else row.english_summary, terms))


def _ranked(wanted: str, rank: str, asked: _Asked, page: int) -> tuple[list[int], int]:
    narrowing, parameters = _narrowed(asked.filters)
    sql = _SEARCH.format(narrowing=narrowing, near=_NEAR if asked.near else "true")
    parameters |= {
        "wanted": wanted,
        "rank": rank,
        "phrase": asked.phrase,
        "near": [*ancestor_codes(asked.near), asked.near] if asked.near else [],
        "weights": _WEIGHTS,
        "limit": PAGE,
        "offset": (page - 1) * PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def _narrowed(filters: Filters) -> tuple[str, dict[str, Any]]:
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for clause, name, value in _clauses(filters):
        parts.append(f"AND {clause}")
        parameters[name] = value
    return " ".join(parts), parameters


def _clauses(filters: Filters) -> Iterator[tuple[str, str, str]]:
    if filters.subject:
        yield "item.subjects ? %(subject)s", "subject", filters.subject
    if filters.topic:
        yield "item.topics ? %(topic)s", "topic", filters.topic
    if filters.kind:
        yield "item.kind = %(kind)s", "kind", filters.kind
    if filters.level:
        held = "SELECT FROM hall_itemholding AS held WHERE held.item_id = item.id AND held.is_active"
        yield f"EXISTS ({held} AND held.level = %(level)s)", "level", filters.level
    if filters.department:
        owner = "item.organisation_id = (SELECT id FROM people_organisation WHERE slug = %(department)s)"
        yield owner, "department", filters.department


def levels() -> list[str]:
    """Levels at which items are held, from the city down."""
    used = set(ItemHolding.objects.filter(is_active=True).order_by().values_list("level", flat=True).distinct())
    return [level.value for level in Level if level.value in used]


def whole_catalogue(words: str = "", *, page: int = 1) -> Browsed:
    """Every item, cancelled ones too, by words in its name or code: a page of the desk's list."""
    found = ServiceItem.objects.filter(current__isnull=False)
    if words:
        found = found.filter(Q(name__icontains=words) | Q(code__icontains=words) | Q(english__icontains=words))
    page = max(1, page)
    rows = found.select_related("organisation", "current").defer("search", "current__definition")
    chosen = rows.annotate(held=Count("holdings", filter=Q(holdings__is_active=True)))
    ordered = chosen.order_by("organisation__order", "base", "handling")
    return Browsed(list(ordered[(page - 1) * BROWSE_PAGE : page * BROWSE_PAGE]), found.count(), page)
