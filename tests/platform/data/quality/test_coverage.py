"""Who should stand in a class and does not, over the lake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import person
from tests.platform.data.quality.conftest import Loads
from yici.base.cityfolder import city_folder
from yici.base.errors import Misconfigured
from yici.core.people.queries import scope_of
from yici.platform.data.quality.coverage import Coverage, coverage, entries_in
from yici.platform.data.quality.linting import lint

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 26)


def write(city: Path, reference: str, covered: str = "class: civil_affairs.cards, key: id_number") -> Path:
    (city / "coverage.yaml").write_text(
        "coverage:\n"
        "  - id: cards\n"
        "    label: {zh: 老人与老年卡, en: Elders with a card}\n"
        f"    reference: {{{reference}}}\n"
        f"    covered_by: {{{covered}}}\n",
        encoding="utf-8",
    )
    return city


RESIDENTS = "class: public_security.people, key: id_number, born: birth_date, age: [80, 130]"


@pytest.fixture
def people(make_loads: Callable[..., Loads]) -> Callable[..., None]:
    """`people(slug, (number, birth date), …)`: a loaded class of these people."""

    def load(slug: str, *rows: tuple[int, str]) -> None:
        loads = make_loads(slug)
        loads.load([person(number, birth_date=dt.date.fromisoformat(born)) for number, born in rows])

    return load


def only(city: Path) -> Coverage:
    (found,) = coverage(today=TODAY, city=city)
    return found


def test_who_reached_the_age_and_has_no_card_is_missing(people: Callable[..., None], tmp_path: Path) -> None:
    people(
        "public_security.people",
        (1, "1940-01-01"), (2, "1946-11-26"), (3, "1946-11-27"), (4, "1980-01-01"),
    )  # fmt: skip
    people("civil_affairs.cards", (1, "1940-01-01"), (9, "1930-01-01"))
    found = only(write(tmp_path, RESIDENTS))
    assert (found.reference, found.covered, found.missing, found.share) == (2, 1, 1, 0.5)


def test_both_ends_of_an_age_are_completed_years(people: Callable[..., None], tmp_path: Path) -> None:
    people("public_security.people", (1, "2020-11-26"), (2, "2020-11-27"), (3, "2010-11-27"), (4, "2010-11-26"))
    people("civil_affairs.cards")
    ages = RESIDENTS.replace("[80, 130]", "[6, 15]")
    assert only(write(tmp_path, ages)).lacking == ("civil_affairs.cards",)  # an empty class proves nothing
    people("civil_affairs.more", (1, "2020-11-26"), (3, "2010-11-27"))
    found = only(write(tmp_path, ages, "class: civil_affairs.more, key: id_number"))
    assert (found.reference, found.covered) == (2, 2)


def test_who_died_is_not_missed(people: Callable[..., None], tmp_path: Path) -> None:
    people("public_security.people", (1, "1940-01-01"), (2, "1941-01-01"))
    people("public_security.gone", (2, "1941-01-01"))
    people("civil_affairs.cards", (1, "1940-01-01"))
    without = f"{RESIDENTS}, without: {{class: public_security.gone, key: id_number}}"
    assert only(write(tmp_path, without)).missing == 0


def test_a_population_can_be_those_with_certain_values(people: Callable[..., None], tmp_path: Path) -> None:
    people("public_security.people", (1, "1940-01-01"), (2, "1941-01-01"))
    people("civil_affairs.cards", (1, "1940-01-01"))
    found = only(write(tmp_path, "class: public_security.people, key: id_number, where: {name: [王2, 王3]}"))
    assert (found.reference, found.covered) == (1, 0)


def test_a_class_that_was_never_loaded_is_named_and_nothing_is_claimed(
    people: Callable[..., None], tmp_path: Path
) -> None:
    people("public_security.people", (1, "1940-01-01"))
    found = only(write(tmp_path, RESIDENTS))
    assert (found.reference, found.covered, found.missing, found.share) == (None, None, None, None)
    assert found.lacking == ("civil_affairs.cards",)


def test_an_officer_sees_the_comparisons_of_the_own_classes(
    people: Callable[..., None], tmp_path: Path, demo: Any
) -> None:
    people("public_security.people", (1, "1940-01-01"))
    people("public_security.cards", (1, "1940-01-01"))
    city = write(tmp_path, RESIDENTS, "class: public_security.cards, key: id_number")
    assert len(coverage(scope_of(demo.data_officer, "data.view"), TODAY, city)) == 1
    assert coverage(scope_of(demo.clerk, "data.view"), TODAY, city) == []


def test_the_citys_comparisons_name_only_classes_and_columns_that_are_described() -> None:
    assert list(lint(city_folder())) == []
    assert len(entries_in(city_folder())) >= 5


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("class: public_security.none, key: id_number", "没有已描述的数据类"),
        ("class: public_security.resident, key: nothing", "没有 nothing 这一列"),
        ("class: public_security.resident, key: id_number, born: name, age: [1, 2]", "不是日期列"),
        ("class: public_security.resident, key: id_number, age: [1, 2]", "born 和 age"),
        ("class: public_security.resident, key: id_number, born: birth_date, age: [9, 2]", "下限"),
        ("class: public_security.resident", "key"),
    ],
)
def test_the_linter_says_what_is_wrong_and_where(tmp_path: Path, reference: str, says: str) -> None:
    (tmp_path / "classes").symlink_to(city_folder() / "classes")
    write(tmp_path, reference, "class: education.school_roll, key: id_number")
    (finding,) = lint(tmp_path)
    assert says in finding.message
    assert finding.line >= 2


def test_a_wrong_entry_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "class: a.b")
    with pytest.raises(Misconfigured) as refused:
        entries_in(tmp_path)
    assert "coverage.yaml:2" in str(refused.value.message)
