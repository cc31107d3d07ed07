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
_VALUES = (
    "printf('341602%04d%02d%02d%03dX', 1940 + i % 70, 1 + i % 12, 1 + i % 28, i % 1000)",
    "chr(29579 + CAST(i % 200 AS INTEGER)) || chr(33521 + CAST(i * 7 % 500 AS INTEGER))",
    "CASE WHEN i % 2 = 0 THEN '男' ELSE '女' END",
    "printf('%04d-%02d-%02d', 1940 + i % 70, 1 + i % 12, 1 + i % 28)",
    "'汉族'",
    "printf('安徽省亳州市涡阳县高炉镇陆杨村%d组%d号', i % 40, hash(i) % 900)",
    "printf('139%08d', hash(i + 7) % 100000000)",
    "printf('%d.%02d', hash(i) % 90000, i % 100)",
)
_RECORD = ", ".join(f'{value} AS "{header}"' for value, header in zip(_VALUES, HEADERS, strict=True))


def run() -> list[Result]:
    site.prepare()
    text, gb, memory = _in_own_process("text")
    bare, memory_before, row = _in_own_process("memory")
    sheet, parse, cpu, sheet_memory = _in_own_process("sheet")
    small, small_sheet, _spare = _in_own_process("small")
    return [
        Result("landing CSV: speed of DuckDB's CSV → Parquet alone", text, "×", 0.5, higher_is_better=True,
               note=f"{ROWS:,} rows, UTF-8, with row numbers, hashes and profile"),
        Result("landing CSV in GB18030: the same", gb, "×", note="transcoded first; DuckDB cannot read it"),
        Result("landing CSV: most memory", memory, "MB", 4_000,
               note=f"of it {memory_before:,.0f} for DuckDB alone, {bare:,.0f} before either, {row:,.0f} rows"),
        Result("landing XLSX: rows a second, with mapping and checks", sheet, "", 60_000, higher_is_better=True,
               note=f"{SHEET_ROWS:,} × {len(HEADERS)}; reading the cells alone {parse:,.0f}; {cpu:,.0f} rows a CPU-second"),
        Result("landing XLSX: most memory", sheet_memory, "MB", 4_000),
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


def _sheet(folder: Path) -> tuple[float, ...]:
    """Rows a second with everything up to the accepted rows, of reading the cells alone, a CPU-second; the most memory (MB)."""
    import fastexcel

    path = folder / "sheet.xlsx"
    _write_sheet(path, SHEET_ROWS)
    _to_accepted(path, folder, "sheet.xlsx")  # the first call imports
    before = time.process_time()
    whole = [_seconds(lambda: _to_accepted(path, folder, "sheet.xlsx")) for _ in range(ROUNDS)]
    cpu, peak = (time.process_time() - before) / ROUNDS, _peak()

    def parse() -> None:
        fastexcel.read_excel(str(path)).load_sheet(0, header_row=None, dtypes="string").to_arrow()

    alone = [_seconds(parse) for _ in range(ROUNDS)]
    return SHEET_ROWS / statistics.median(whole), SHEET_ROWS / statistics.median(alone), SHEET_ROWS / cpu, peak


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
            f"COPY (SELECT {_RECORD} FROM range({rows}) t(i)) TO '{path}' (FORMAT csv, HEADER, DELIMITER ',')"
        )


def _write_sheet(path: Path, rows: int) -> None:
    import duckdb

    from yici.platform.data.landing.exporting import write_xlsx

    with duckdb.connect() as connection, path.open("wb") as out:
        write_xlsx(out, HEADERS, connection.execute(f"SELECT {_RECORD} FROM range({rows}) t(i)").fetchall())


def _transcode(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8") as incoming, target.open("w", encoding="gb18030") as outgoing:
        shutil.copyfileobj(incoming, outgoing, 1 << 20)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


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
        "text": _text, "memory": _memory, "sheet": _sheet, "small": _small,
    }  # fmt: skip
    try:
        print(*parts[part](folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    _alone(sys.argv[1])
