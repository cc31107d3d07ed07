"""`yici data`: what the desk does, from a terminal; ids stand whole, times are the city's, nothing personal is printed unasked."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from django.utils import timezone
from typer.testing import CliRunner

from tests.platform.data.factories import make_class, make_definition
from tests.platform.data.runs.conftest import content, line, valid_id
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound, YiciError
from yici.core.audit.models import Entry
from yici.platform.data.commands import app, catalogue, lake, loads, quality, terminal
from yici.platform.data.errors import Refused
from yici.platform.data.models import DataClass, Mend, Run, Snapshot

SLUG = "public_security.from_terminal"
Command = Callable[..., str]


class _Here(threading.Thread):
    """Runs where it is started: a test's transaction is seen by its own connection only."""

    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        return

    def is_alive(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (catalogue, loads, lake, quality):
        monkeypatch.setattr(module, "set_up_django", lambda: None)
    monkeypatch.setattr(terminal, "threading", SimpleNamespace(Thread=_Here))


@pytest.fixture
def data_class(demo: Any, tmp_path: Path, settings: Any) -> DataClass:
    settings.DATA_HOME = tmp_path / "data"
    return make_class(make_definition(SLUG))


@pytest.fixture
def yici(data_class: DataClass) -> Command:
    """`yici("classes", …)`: what `yici data classes …` prints; raises what it raises."""

    def call(*arguments: str, given: str = "", code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments), input=given)
        if isinstance(result.exception, YiciError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Thirty good rows, a wrong day, a line with a comma too many; one header that no class knows."""
    path = tmp_path / "人员.csv"
    rows = [line(number) for number in range(30)]
    wrong = [line(31, born="1990-02-30"), line(32, address="涡阳县,某村")]
    path.write_bytes(content(*rows, *wrong, header="公民身份号码,姓名,出生日期,住址,数"))
    return path


def test_a_file_is_mapped_loaded_mended_and_replayed(yici: Command, data_class: DataClass, file: Path) -> None:
    told = yici("upload", SLUG, str(file), "--map", "数=金额", "--yes")
    assert "命令中指定" in told and "读入 32  接受 30  隔离 2" in told
    run = Run.objects.get(data_class=data_class)
    assert f"yici data quarantine {run.pk}" in told
    held = yici("quarantine", str(run.pk))
    assert "出生日期的写法无法识别" in held and valid_id(31) not in held and valid_id(32) not in held
    assert not Entry.objects.filter(purpose__contains="命令行查看").exists()
    assert valid_id(32) in yici("quarantine", str(run.pk), "--clear")
    assert Entry.objects.filter(purpose__contains="命令行查看").count() == 1
    with pytest.raises(Invalid) as refused:
        yici("mend", str(run.pk), "32", "birth_day=1980-01-01")
    assert "birth_date" in str(refused.value.message)
    yici("mend", str(run.pk), "32", "出生日期=1980-01-01", "--note", "户口簿")
    yici("discard", str(run.pk), "33", "--note", "重复报送")
    assert "接受 1  隔离 0" in yici("replay", str(run.pk))
    assert dict(Mend.objects.values_list("row", "state")) == {32: "replayed", 33: "discarded"}
    assert "2 ←" in yici("versions", SLUG) and "没有发现问题" in yici("verify", SLUG)


def test_held_rows_are_put_right_in_a_spreadsheet(
    yici: Command, data_class: DataClass, file: Path, tmp_path: Path
) -> None:
    yici("upload", SLUG, str(file), "--map", "数=金额", "--yes")
    run = str(Run.objects.get(data_class=data_class).pk)
    held = tmp_path / "隔离.xlsx"
    assert "2 行" in yici("quarantine", run, "--into", str(held))
    with pytest.raises(Invalid):
        yici("mend-table", run, str(held))
    yici("quarantine", run, "--clear", "--into", str(held))
    book = openpyxl.load_workbook(held)
    sheet = book.worksheets[0]
    column = [cell.value for cell in sheet[1]].index("出生日期") + 1
    sheet.cell(2, column, "1980-01-01")
    book.save(held)
    assert "已修正 1 行，没有改动 1 行" in yici("mend-table", run, str(held), "--note", "户口簿")


def test_a_row_is_looked_up_as_it_stood(yici: Command, data_class: DataClass, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content(line(1, name="王甲")))
    yici("upload", SLUG, str(path), "--yes")
    between = timezone.localtime(clock.now()).replace(tzinfo=None).isoformat(timespec="seconds")
    Snapshot.objects.filter(data_class=data_class).update(published_at=clock.now() - dt.timedelta(hours=1))
    path.write_bytes(content(line(1, name="王乙")))
    yici("upload", SLUG, str(path), "--yes")
    Snapshot.objects.filter(data_class=data_class, number=2).update(published_at=clock.now() + dt.timedelta(hours=1))
    ask = ("look-up", SLUG, f"公民身份号码={valid_id(1)}", "--purpose", "核实")
    assert "王乙" in yici(*ask) and "王甲" in yici(*ask, "--version", "1") and "王甲" in yici(*ask, "--as-of", between)
    assert Entry.objects.filter(purpose="核实", actor_name__contains="命令行").count() == 3
    with pytest.raises(Invalid):
        yici("look-up", SLUG, "公民身份号码=123", "--purpose", "")
    with pytest.raises(NotFound):
        yici(*ask, "--version", "9")


def test_what_is_not_confirmed_is_cancelled_and_what_cannot_be_used_refused(
    yici: Command, data_class: DataClass, file: Path, tmp_path: Path
) -> None:
    yici("upload", SLUG, str(file), given="n\n", code=1)
    yici("upload", SLUG, str(file), code=1)  # nobody there to ask
    with pytest.raises(Invalid):
        yici("upload", SLUG, str(file), "--map", "没有这个表头=金额", "--yes")
    empty = tmp_path / "空.csv"
    empty.write_bytes(b"\n")
    with pytest.raises(Refused):
        yici("upload", SLUG, str(empty), "--yes")
    states = list(Run.objects.filter(data_class=data_class).order_by("pk").values_list("state", flat=True))
    assert states == ["cancelled", "cancelled", "cancelled", "refused"]
    assert "空" in yici("runs", "--state", "refused") and "共" not in yici("runs", "--state", "waiting")


def test_a_run_whose_layout_changed_is_decided(yici: Command, data_class: DataClass, tmp_path: Path) -> None:
    path = tmp_path / "改版.csv"
    path.write_bytes(content(*(line(number) for number in range(5)), header="证号,xm,出生日期,住址,金额"))
    yici("upload", SLUG, str(path), "--map", "证号=", "--map", "xm=", "--yes")
    run = Run.objects.get(data_class=data_class)
    assert run.state == "waiting" and f"yici data decide {run.pk}" in yici("show", str(run.pk))
    told = yici("decide", str(run.pk), "--map", "证号=id_number", "--map", "xm=姓名", given="y\n")
    assert "接受 5" in told
    with pytest.raises(Conflict):
        yici("decide", str(run.pk), "--yes")
    assert "无变化" in yici("retry", str(run.pk))


def test_ids_stand_whole_however_narrow_the_screen(
    yici: Command, data_class: DataClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yici.platform.data.commands.terminal import console

    for width in (80, 240):
        monkeypatch.setattr(console, "_width", width)
        for told in (yici("classes", "--department", "public_security"), yici("departments")):
            assert "public_security" in told and "…" not in told
    assert SLUG in yici("classes", "--described")
    assert "867 类，869 条" not in yici("classes")  # the city's and this test's


def test_quality_issues_and_what_is_missing_are_told(yici: Command, data_class: DataClass, file: Path) -> None:
    yici("upload", SLUG, str(file), "--map", "数=金额", "--yes")
    told = yici("issues", SLUG)
    assert "出生日期的写法无法识别" in told and "市公安局" in told and "共 1 个" in told
    assert "完整性" in yici("quality") and "户籍人口与基本医疗保险" in yici("coverage")
    assert "户口登记簿底册" in yici("backlog")


def test_a_description_is_drafted_and_written_once(yici: Command, file: Path, tmp_path: Path) -> None:
    assert "person.id_number" in yici("draft", "development.project_approval", str(file))
    yici("draft", "development.project_approval", str(file), "--into", str(tmp_path))
    assert "person.id_number" in (tmp_path / "classes/development/project_approval.yaml").read_text("utf-8")
    with pytest.raises(Conflict):
        yici("draft", "development.project_approval", str(file), "--into", str(tmp_path))


def test_a_class_that_is_only_registered_is_refused_before_a_run_begins(yici: Command) -> None:
    with pytest.raises(Invalid):
        yici("run", "development.project_approval")
    assert not Run.objects.filter(data_class="development.project_approval").exists()
