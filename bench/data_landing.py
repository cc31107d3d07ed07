"""Landing held against DuckDB alone in the same run: text of two encodings, a workbook with its checks, a small file.

D1, D7, D8 (its landing part) and D10 of the data platform's targets. Each kind runs in a process of its own, so that
memory is that work's alone; ratios are medians of rounds in which both sides take turns.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import site
from bench.results import Result

ROWS = int(os.environ.get("YICI_BENCH_LANDING_ROWS", "3000000"))
SHEET_ROWS, SMALL_ROWS, ROUNDS = 100_000, 100, 3
HEADERS = ("公民身份号码", "姓名", "性别", "出生日期", "民族", "住址", "手机号码", "金额")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_BORN = "printf('%04d{0}%02d{0}%02d', 1940 + i % 70, 1 + i // 70 % 12, 1 + i // 840 % 28)"
_STEM = f"'341602' || {_BORN.format('')} || printf('%03d', i // 23520 % 1000)"
_SUM = " + ".join(f"(ascii(substr({_STEM}, {place}, 1)) - 48) * {weight}" for place, weight in enumerate(_WEIGHTS, 1))
# About four rows in a hundred have a fault.
_VALUES = (
    f"{_STEM} || CASE WHEN hash(i) % 100 < 1 THEN '*' ELSE substr('10X98765432', ({_SUM}) % 11 + 1, 1) END",
    "CASE WHEN hash(i + 1) % 100 >= 1 THEN chr(29579 + CAST(i % 200 AS INTEGER)) || chr(33521 + CAST(i * 7 % 500 AS INTEGER)) END",
    "CASE WHEN i // 23520 % 2 = 1 THEN '男' ELSE '女' END",
    f"CASE WHEN hash(i + 2) % 100 < 1 THEN '1990-02-30' ELSE {_BORN.format('-')} END",
    "'汉族'",
    "printf('安徽省亳州市涡阳县高炉镇陆杨村%d组%d号', i % 40, hash(i) % 900)",
    "CASE WHEN hash(i + 3) % 100 < 1 THEN '12345' ELSE printf('139%08d', hash(i + 7) % 100000000) END",
    "printf('%d.%02d', hash(i) % 90000, i % 100)",
)
# Every key stands there several times with other content, and ten in eleven have a wrong check digit.
_WORST = ("printf('341602%04d%02d%02d%03dX', 1940 + i % 70, 1 + i % 12, 1 + i % 28, i % 1000)", *_VALUES[1:])


def _record(values: tuple[str, ...] = _VALUES) -> str:
    return ", ".join(f'{value} AS "{header}"' for value, header in zip(values, HEADERS, strict=True))


def run() -> list[Result]:
    site.prepare()
    text, gb, memory = _in_own_process("text")
    bare, memory_before, row = _in_own_process("memory")
    sheet, parse, cells, sheet_memory = _in_own_process("sheet")
    worst, _parse, _cells, worst_memory = _in_own_process("worst")
    small, small_sheet, _spare = _in_own_process("small")
    return [
        Result("landing CSV: speed of DuckDB's CSV → Parquet alone", text, "×", 0.5, higher_is_better=True,
               note=f"{ROWS:,} rows, UTF-8, with row numbers, hashes and profile"),
        Result("landing CSV in GB18030: the same", gb, "×", note="transcoded first; DuckDB cannot read it"),
        Result("landing CSV: most memory", memory, "MB", 4_000,
               note=f"of it {memory_before:,.0f} for DuckDB alone, {bare:,.0f} before either, {row:,.0f} rows"),
        Result("landing XLSX: rows a CPU second, with mapping and checks", sheet, "", 60_000, higher_is_better=True,
               note=f"{SHEET_ROWS:,} × {len(HEADERS)}; reading the cells alone {parse:,.0f}: {cells:.2f} of the whole"),
        Result("  the same where every row is held and every key repeated", worst, ""),
        Result("landing XLSX: most memory", max(sheet_memory, worst_memory), "MB", 4_000),
        Result(f"landing {SMALL_ROWS} rows of CSV, mapped", small, "ms", 50, note=f"XLSX {small_sheet:.0f} ms"),
    ]  # fmt: skip


def _in_own_process(part: str) -> tuple[float, ...]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.data_landing", part], capture_output=True, text=True, check=True, env=dict(os.environ)
    )  # fmt: skip
    return tuple(float(figure) for figure in done.stdout.split())


def _text(folder: Path) -> tuple[float, ...]:
    """Our speed in DuckDB's, UTF-8 and GB18030, and the most memory (MB)."""
    from yici.platform.data.landing.landing import land

    utf8, gb = folder / "utf8.csv", folder / "gb.csv"
    _write_csv(utf8, ROWS)
    _transcode(utf8, gb)
    raw, ours, theirs = [], [], []
    for _ in range(ROUNDS):
        raw.append(_seconds(lambda: _bare(utf8, folder / "raw.parquet")))
        ours.append(_seconds(lambda: land(utf8, folder / "ours.parquet", name="a.csv")))
        theirs.append(_seconds(lambda: land(gb, folder / "gb.parquet", name="a.csv")))
    base = statistics.median(raw)
    return base / statistics.median(ours), base / statistics.median(theirs), _peak()


def _memory(folder: Path) -> tuple[float, ...]:
    before = _peak()
    _write_csv(folder / "utf8.csv", ROWS)
    _bare(folder / "utf8.csv", folder / "raw.parquet")
    return before, _peak(), ROWS


def _sheet(folder: Path, values: tuple[str, ...] = _VALUES) -> tuple[float, ...]:
    """Rows a CPU second with everything up to the accepted rows, and of reading the cells alone; the share of the latter
    in the former's time; the most memory (MB). Medians; both sides take turns."""
    import fastexcel

    path = folder / "sheet.xlsx"
    _write_sheet(path, SHEET_ROWS, values)

    def parse() -> None:
        fastexcel.read_excel(str(path)).load_sheet(0, header_row=None, dtypes="string").to_arrow()

    _to_accepted(path, folder, "sheet.xlsx")  # the first call imports
    whole, alone = [], []
    for _ in range(2 * ROUNDS + 1):
        whole.append(_seconds(lambda: _to_accepted(path, folder, "sheet.xlsx"), time.process_time))
        alone.append(_seconds(parse, time.process_time))
    cells = statistics.median(part / total for part, total in zip(alone, whole, strict=True))
    return SHEET_ROWS / statistics.median(whole), SHEET_ROWS / statistics.median(alone), cells, _peak()


def _small(folder: Path) -> tuple[float, ...]:
    """Milliseconds to land and map a hundred rows: CSV, XLSX."""
    _write_csv(folder / "a.csv", SMALL_ROWS)
    _write_sheet(folder / "a.xlsx", SMALL_ROWS)
    return _median_of_mapping(folder, "a.csv"), _median_of_mapping(folder, "a.xlsx"), 0


def _median_of_mapping(folder: Path, name: str) -> float:
    """Milliseconds."""
    _mapped(folder / name, folder, name)  # the first call imports
    return statistics.median(_seconds(lambda: _mapped(folder / name, folder, name)) for _ in range(21)) * 1e3


def _mapped(path: Path, folder: Path, name: str) -> Any:
    from yici.platform.data.landing.applying import apply_mapping
    from yici.platform.data.landing.drift import compare
    from yici.platform.data.landing.landing import land

    landed = land(path, folder / "landed.parquet", name=name)
    drift = compare(landed, _definition(), {}, [])
    assert not drift.is_blocking and len(drift.mapping) == len(HEADERS), drift
    return apply_mapping(folder / "landed.parquet", landed, drift.mapping, folder / "mapped.parquet", _definition())


def _to_accepted(path: Path, folder: Path, name: str) -> None:
    import datetime as dt

    from yici.platform.data.engines import engine
    from yici.platform.data.engines.base import Screening
    from yici.platform.data.rules.deriving import rules_of

    mapped = _mapped(path, folder, name)
    engine("duckdb").screen(
        Screening(
            definition=_definition(), rules=rules_of(_definition()), landed=[mapped.file], names=mapped.names,
            accepted=folder / "accepted.parquet", quarantined=folder / "held.parquet", today=dt.date(2026, 11, 26),
        )
    )  # fmt: skip


def _definition():  # type: ignore[no-untyped-def]
    from yici.platform.data.catalogue.definition import ClassDefinition

    elements = ("person.id_number", "person.name", "person.sex", "person.birth_date", "person.ethnicity",
                "person.home_address", "person.phone")  # fmt: skip
    from yici.core.vocabulary import queries as vocabulary

    columns = [
        {"name": f"c{place}", "headers": [header], "element": element}
        if vocabulary.has_element(element)
        else {"name": f"c{place}", "headers": [header], "type": "text"}
        for place, (header, element) in enumerate(zip(HEADERS, elements, strict=False))
    ]
    columns.append({"name": "amount", "headers": [HEADERS[-1]], "type": "money"})
    return ClassDefinition.model_validate(
        {
            "id": "bench.residents", "name": {"zh": "人口"}, "department": "public_security", "category": "base.population",
            "code": "bench", "summary": {"zh": "测量"}, "share": {"type": "conditional"}, "cycle": "daily",
            "published": "2017-06-01", "key": ["c0"], "channels": [{"kind": "static", "unit": "public_security"}],
            "columns": columns,
        }
    )  # fmt: skip


def _bare(path: Path, target: Path) -> None:
    """The plainest way with the same engine, threads and memory: no row number, no hash, no look at the file."""
    from yici.platform.data.engines.duckdb import connect

    with connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true, header = true, delim = ',')) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _write_csv(path: Path, rows: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {_record()} FROM range({rows}) t(i)) TO '{path}' (FORMAT csv, HEADER, DELIMITER ',')"
        )


def _write_sheet(path: Path, rows: int, values: tuple[str, ...] = _VALUES) -> None:
    import duckdb

    from yici.platform.data.landing.exporting import write_xlsx

    with duckdb.connect() as connection, path.open("wb") as out:
        write_xlsx(out, HEADERS, connection.execute(f"SELECT {_record(values)} FROM range({rows}) t(i)").fetchall())


def _transcode(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8") as incoming, target.open("w", encoding="gb18030") as outgoing:
        shutil.copyfileobj(incoming, outgoing, 1 << 20)


def _seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _alone(part: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    django.setup()
    from django.conf import settings

    folder = Path(tempfile.mkdtemp(prefix="landing-"))
    settings.DATA_HOME = folder
    parts: dict[str, Callable[[Path], tuple[float, ...]]] = {
        "text": _text, "memory": _memory, "sheet": _sheet, "worst": lambda folder: _sheet(folder, _WORST), "small": _small,
    }  # fmt: skip
    try:
        print(*parts[part](folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    _alone(sys.argv[1])
