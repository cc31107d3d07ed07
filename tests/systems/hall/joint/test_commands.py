"""`yici merge` reads the folder alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yici.cli import app
from yici.systems.hall.joint import themes


def run(city: Path, *codes: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["merge", *codes, "--city", str(city)], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_merge_prints_form_materials_order_days(city: Path) -> None:
    code, text = run(city, "geti-gongshanghu", "shipin-jingying-xuke")
    assert code == 0
    for words in ("前后对照", "申请表", "申请材料", "办理顺序", "不用交：由本次办出的"):
        assert words in text


def test_merge_names_an_unknown_item(city: Path) -> None:
    code, text = run(city, "no-such-item")
    assert code == 1 and "no-such-item" in text


@pytest.mark.parametrize("codes", [("geti-gongshanghu", "geti-gongshanghu")])
def test_the_same_item_twice_is_one(city: Path, codes: tuple[str, ...]) -> None:
    code, text = run(city, *codes)
    assert code == 0 and "1 张" in text


def test_merge_names_a_contradiction_and_fails(city: Path) -> None:
    code, text = run(city, "geti-gongshanghu", "nongmin-hezuoshe")
    assert code == 1 and "不能合并" in text and "只能选一项" in text


def test_merge_names_a_circle_and_fails(city: Path, tmp_path: Path) -> None:
    copy = tmp_path / "city"
    shutil.copytree(city, copy)
    theme = copy / "joint" / "budongchan-dengji.yaml"
    circle = "supplies:\n  - {giver: budongchan-zhuanyi, taker: qishui, material: contract}\n"
    theme.write_text(theme.read_text("utf-8").replace("supplies:\n", circle), "utf-8")
    code, text = run(copy, "budongchan-zhuanyi", "qishui")
    themes.forget()
    assert code == 1 and "互相等待" in text
