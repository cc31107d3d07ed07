"""Prices, shares and numerals without a database; and what the linter says about a fee list."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.errors import Invalid
from yici.platform.pay.definitions import Fee, fees_of
from yici.platform.pay.linting import lint
from yici.platform.pay.providers import BillUnreadable
from yici.platform.pay.providers.money import fen, yuan
from yici.platform.pay.rules import NotCharged, half_up, price, split
from yici.platform.pay.services.receipts import capitals

DAY = dt.date(2026, 11, 26)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (1, "壹分"), (10, "壹角整"), (105, "壹元零伍分"), (1010, "壹拾元壹角整"), (2000, "贰拾元整"), (100560, "壹仟零伍元陆角整"),
        (685184, "陆仟捌佰伍拾壹元捌角肆分"), (10000000, "壹拾万元整"), (100050000, "壹佰万零伍佰元整"), (1001000, "壹万零壹拾元整"),
        (10000001000000, "壹仟亿零壹万元整"), (123456789012, "壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元壹角贰分"),
    ],
)  # fmt: skip
def test_amount_in_the_numerals_of_cheques(amount: int, words: str) -> None:
    assert capitals(amount) == f"人民币{words}"


@given(st.integers(0, 10**12))
def test_fen_survive_the_way_to_yuan_and_back(amount: int) -> None:
    assert fen(yuan(amount)) == amount


@pytest.mark.parametrize("text", ["", "1.234", "1,234.00", "1e3", "NaN", "１２", " 1", "--1", "1.", "12345678901234"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BillUnreadable):
        fen(text)


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    st.integers(0, 10**6),
    st.lists(st.floats(0.01, 1), max_size=6),
)
def test_parts_of_a_refund_add_up_and_nobody_gives_more_than_is_left(
    amounts: list[int], subsidy: int, parts: list[float]
) -> None:
    left = {f"payee{number}": amount for number, amount in enumerate(amounts)}
    left["budget"] = -min(subsidy, sum(amounts) // 2)
    for part in [*parts, 1.0]:
        total = sum(left.values())
        fen = round(total * part)
        if not 0 < fen <= total:
            continue
        shares = split(fen, left)
        assert sum(shares.values()) == fen
        for name, share in shares.items():
            assert 0 <= share <= left[name] or left[name] <= share <= 0
            assert abs(share * total - left[name] * fen) < total
            left[name] -= share
    assert not any(left.values()) or sum(left.values()) == 0


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_half_a_fen_goes_up(numerator: int, denominator: int) -> None:
    assert abs(half_up(numerator, denominator) * denominator - numerator) * 2 <= denominator


def test_prices_by_unit_rate_reduction_and_subsidy(city: Path) -> None:
    fees = fees_of(city)
    tax, registration, phone = fees["fangwu-qishui"], fees["budongchan-dengji-zhuzhai"], fees["huafei-chongzhi"]
    small = {"house.is_first": "1", "house.is_small": "1"}
    assert price(tax, 1, 10_000_000, {}, DAY).fen == 300_000
    assert price(tax, 1, 10_000_000, small, DAY).fen == 99_000  # the first that fits, not the second
    assert price(registration, 2, None, {"registration.kind": "change"}, DAY).fen == 8000
    assert price(registration, 1, None, {"organisation.is_small": "1"}, DAY).fen == 0
    paid = price(phone, 1, 10_000, {}, DAY)
    assert (paid.fen, paid.subsidy, paid.to_pay) == (10_000, 200, 9_800)
    with pytest.raises(NotCharged):
        price(registration, 1, None, {}, dt.date(2016, 11, 30))
    with pytest.raises(Invalid):
        price(registration, 10_001, None, {}, DAY)


@pytest.fixture
def folder(tmp_path: Path, city: Path) -> Path:
    for name in ("fees", "organisations"):
        shutil.copytree(city / name, tmp_path / name)
    return tmp_path


def test_demo_citys_fee_list_is_sound(folder: Path) -> None:
    assert list(lint(folder)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("payee: {organisation: bz.local_tax}", "payee: {organisation: bz.nobody}", "fee-payee"),
        ("fen: 8000", "fen: -8000", "fee-shape"),
        ("fen: 8000", "fen: 80.5", "fee-shape"),
        ("code: fangwu-qishui", "code: fangchan-cehui", "fee-twice"),
        ("  kind: tax\n  non_tax: false", "  kind: tax\n  non_tax: true", "fee-non-tax"),
        ("  kind: administrative\n  non_tax: true", "  kind: administrative\n  non_tax: false", "fee-non-tax"),
        ('when: {house.is_first: "1", house.is_small: "1"}', 'when: {house.is_first: "1"}', "fee-reduction"),
        ("valid_from: 2016-12-01", "valid_from: 2016-12-01\n  valid_until: 2016-01-01", "fee-days"),
        (", en: Deed tax}", "}", "fee-english"),
        ("- code: budongchan-dengji-zhuzhai", "code: x", "fee-yaml"),
    ],
)
def test_linter_says_what_is_wrong(folder: Path, old: str, new: str, rule: str) -> None:
    path = folder / "fees" / "real-estate.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    assert rule in {finding.rule for finding in lint(folder)}


def test_biller_must_stand_on_a_fee(folder: Path) -> None:
    path = folder / "fees" / "billers.yaml"
    path.write_text(path.read_text("utf-8").replace("fee: shui-fei", "fee: none"), "utf-8")
    assert {finding.rule for finding in lint(folder)} == {"biller-fee"}


def test_fee_needs_a_basis_and_one_price(city: Path) -> None:
    raw: dict[str, Any] = fees_of(city)["budongchan-dengji-zhuzhai"].model_dump(mode="json")
    for wrong in (
        {"basis": []},
        {"fen": None},
        {"rate": {"of": "价", "per_mille": 1}},
        {"payee": {"organisation": "a", "function": "b", "level": "c"}},
    ):
        with pytest.raises(ValueError):
            Fee.model_validate({**raw, **wrong})
