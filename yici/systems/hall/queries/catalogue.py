"""Reading the catalogue of items: by code, by search words, by topic, department and level.

Every list is one query and one page long; a definition is parsed once per version and process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils.safestring import SafeString

from yici.base.cityfolder import city_folder
from yici.base.errors import NotFound
from yici.base.text import localized
from yici.core.people.models import Organisation
from yici.systems.hall import folder, searching
from yici.systems.hall.definitions import ItemDefinition, Level
from yici.systems.hall.models import ServiceItem, ServiceItemVersion

PAGE = 20
FEATURED = 12
SUGGESTIONS = 6
# ts_rank's weights of D, C, B, A.
_WEIGHTS = "{0.05, 0.2, 0.6, 1.0}"

_SEARCH = """
SELECT item.id, count(*) OVER () AS total
FROM hall_serviceitem AS item
WHERE item.search @@ %(wanted)s::tsquery AND item.state <> 'cancelled' {narrowing}
ORDER BY (item.state = 'active') DESC,
         (position(%(phrase)s IN lower(item.name)) > 0) DESC,
         ts_rank(%(weights)s::float4[], item.search, %(rank)s::tsquery) DESC,
         item.popularity DESC, item.id
LIMIT %(limit)s OFFSET %(offset)s
"""


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; empty: not at all. `department` is an organisation's slug."""

    subject: str = ""
    topic: str = ""
    department: str = ""
    level: str = ""

    def q(self) -> Q:
        found = Q()
        if self.subject:
            found &= Q(subjects__contains=[self.subject])
        if self.topic:
            found &= Q(topics__contains=[self.topic])
        if self.department:
            found &= Q(organisation__slug=self.department)
        if self.level:
            found &= Q(level=self.level)
        return found


@dataclass(frozen=True)
class Hit:
    """A found item with its name marked where it was matched."""

    item: ServiceItem
    name: SafeString
    summary: SafeString


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


def listed() -> QuerySet[ServiceItem]:
    """Items that people may find: active ones and suspended ones, the most used first."""
    return (
        ServiceItem.objects.exclude(state=ServiceItem.State.CANCELLED)
        .filter(current__isnull=False)
        .select_related("organisation")
        .defer("search")
        .order_by("-popularity", "id")
    )


def featured() -> list[ServiceItem]:
    """The icons of the home page."""
    return list(listed().filter(is_featured=True, state=ServiceItem.State.ACTIVE)[:FEATURED])


def browse(filters: Filters) -> list[ServiceItem]:
    return list(listed().filter(filters.q())[:500])


def departments() -> list[Organisation]:
    """Owners of listed items with `items` counted, the busiest first."""
    counts = dict(listed().order_by().values_list("organisation").annotate(number=Count("id")))
    found = list(Organisation.objects.filter(pk__in=counts))
    for organisation in found:
        organisation.items = counts[organisation.pk]  # type: ignore[attr-defined]
    return sorted(found, key=lambda one: (-counts[one.pk], one.order, one.pk))


def topic_counts() -> dict[str, int]:
    """Number of listed items by life event."""
    counts: dict[str, int] = {}
    for topics in listed().values_list("topics", flat=True):
        for slug in topics:
            counts[slug] = counts.get(slug, 0) + 1
    return counts


def search(words: str, filters: Filters | None = None, *, page: int = 1) -> Found:
    """Items that match every word; where there are none, those that match some of it, marked as a guess."""
    terms = searching.terms_of(words, folder.synonyms_of(city_folder()).ignore)
    if terms.is_empty:
        return Found()
    page = max(1, min(page, 500))
    narrowing = filters or Filters()
    phrase = "".join(terms.words) if len(terms.words) == 1 else " ".join(words.lower().split())
    rank = searching.any_query(terms)
    ids, total = _ranked(searching.all_query(terms), rank, phrase, narrowing, page)
    is_guess = False
    if not total and page == 1:
        loose = searching.loose_query(terms)
        ids, total = _ranked(loose, loose, phrase, narrowing, page)
        total, is_guess = min(total, SUGGESTIONS), True
        ids = ids[:SUGGESTIONS]
    rows = {row.pk: row for row in listed().filter(pk__in=ids)}
    hits = [_hit(rows[pk], terms) for pk in ids if pk in rows]
    return Found(hits, total, is_guess and bool(hits), page)


def _hit(row: ServiceItem, terms: searching.Terms) -> Hit:
    chinese = localized("zh", "en") == "zh"
    name = searching.highlight(row.name if chinese else row.english, terms, row.spelling if chinese else ())
    return Hit(row, name, searching.highlight(row.summary if chinese else row.english_summary, terms))


def _ranked(wanted: str, rank: str, phrase: str, filters: Filters, page: int) -> tuple[list[int], int]:
    narrowing, parameters = _narrowed(filters)
    sql = _SEARCH.format(narrowing=narrowing)
    parameters |= {
        "wanted": wanted,
        "rank": rank,
        "phrase": phrase,
        "weights": _WEIGHTS,
        "limit": PAGE,
        "offset": (page - 1) * PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def _narrowed(filters: Filters) -> tuple[str, dict[str, str | int]]:
    parts: list[str] = []
    parameters: dict[str, str | int] = {}
    for clause, name, value in _clauses(filters):
        parts.append(f"AND {clause}")
        parameters[name] = value
    return " ".join(parts), parameters


def _clauses(filters: Filters) -> Iterator[tuple[str, str, str]]:
    if filters.subject:
        yield "item.subjects ? %(subject)s", "subject", filters.subject
    if filters.topic:
        yield "item.topics ? %(topic)s", "topic", filters.topic
    if filters.level:
        yield "item.level = %(level)s", "level", filters.level
    if filters.department:
        owner = "item.organisation_id = (SELECT id FROM people_organisation WHERE slug = %(department)s)"
        yield owner, "department", filters.department


def levels() -> list[str]:
    """Levels at which listed items are handled, from the city down."""
    used = set(listed().order_by().values_list("level", flat=True).distinct())
    return [level.value for level in Level if level.value in used]


def whole_catalogue(words: str = "") -> list[ServiceItem]:
    """Every item, cancelled ones too, by words in its name or code: the desk's list."""
    found = ServiceItem.objects.filter(current__isnull=False).select_related("organisation", "current").defer("search")
    if words:
        found = found.filter(Q(name__icontains=words) | Q(code__icontains=words) | Q(english__icontains=words))
    return list(found.order_by("organisation__order", "code")[:500])
