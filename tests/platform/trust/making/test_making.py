"""Making certificates from the lake: exact counts, idempotent, resumable after a kill, every record provable."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings as django_settings
from django.db import connection

from tests.conftest import SERVER, cloned_city
from tests.environment import ROOT
from tests.platform.trust.lake import COLUMNS, TYPE, write_rows
from yici.base.errors import Conflict, Invalid, Misconfigured, NotFound
from yici.platform.trust import definitions, ports, rules
from yici.platform.trust.making import reading, running
from yici.platform.trust.models import CertificateEvent, MadeBatch, MadeCertificate, MakingRun
from yici.platform.trust.ports import LakeClass


def test_every_row_becomes_one_certificate_under_a_signed_root(db: None, lake: Callable[..., None]) -> None:
    lake(1, 5000)
    run = running.make(TYPE)
    assert (run.state, run.total, run.made, run.refused) == ("done", 5000, 5000, 0)
    assert [batch.count for batch in MadeBatch.objects.order_by("number")] == [4096, 904]
    held = reading.holdings_of("341602198001014500")
    assert [one.face["person.name"] for one in held] == ["王4500"]
    rules.parse_identifier(held[0].certificate.identifier)
    assert reading.judge_evidence(reading.evidence_of(held[0])) == "authentic"
    assert json.loads(held[0].record)["valid_from"] == "2015-01-01"


def test_the_record_is_unreadable_in_the_database(db: None, lake: Callable[..., None]) -> None:
    lake(1, 3)
    running.make(TYPE)
    stored = MadeCertificate.objects.first()
    assert stored is not None
    assert "王".encode() not in bytes(stored.record) and b"34160219800101" not in bytes(stored.holder)


def test_a_row_pays_for_the_three_indexes_that_are_asked(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'trust_madecertificate' ORDER BY 1")
        indexes = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'trust_madecertificate'::regclass")
        assert cursor.fetchone() == (0,), "no foreign key is checked row by row"
    assert indexes == ["trust_made_holder", "trust_made_number", "trust_madecertificate_pkey"]


def test_the_same_source_made_twice_adds_nothing(db: None, lake: Callable[..., None]) -> None:
    lake(1, 50)
    first, second = running.make(TYPE), running.make(TYPE)
    assert first.pk == second.pk and MadeCertificate.objects.count() == 50


def test_the_last_day_of_a_certificate_is_kept_as_a_day(
    db: None, lake: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = definitions.certificate_type(TYPE)
    assert kind.made_from is not None
    ending = kind.model_copy(update={"made_from": kind.made_from.model_copy(update={"valid_to": "since"})})
    monkeypatch.setattr(definitions, "certificate_type", lambda slug: ending)
    lake(1, 3)
    assert running.make(TYPE).made == 3
    made = MadeCertificate.objects.first()
    assert made is not None and made.valid_to == dt.date(2015, 1, 1)
    assert json.loads(reading.open_record(made).record)["valid_to"] == "2015-01-01"


def test_every_type_whose_class_is_there_is_made_and_the_others_are_left(db: None, lake: Callable[..., None]) -> None:
    """The lake of these tests gives every class the same rows; types that ask for other columns cannot be made."""
    lake(1, 50)
    assert running.make_all() >= 1
    assert MadeCertificate.objects.filter(type=TYPE).count() == 50
    before = MadeCertificate.objects.count()
    running.make_all()
    assert MadeCertificate.objects.count() == before


def test_a_changed_row_gets_a_new_version_and_the_old_one_says_so(db: None, lake: Callable[..., None]) -> None:
    lake(1, 50)
    running.make(TYPE)
    lake(2, 52, moved=7)
    run = running.make(TYPE)
    assert (run.made, run.changed, run.unchanged) == (2, 7, 43)
    held = reading.holdings_of("341602198001010003", current_only=False)
    assert [(one.certificate.version, one.certificate.state) for one in held] == [(1, "changed"), (2, "valid")]
    assert held[1].face["household.address"] == "涡阳县新某村3号"
    event = CertificateEvent.objects.get(identifier=held[0].certificate.identifier)
    assert event.successor == held[1].certificate.identifier
    assert [one.certificate.version for one in reading.holdings_of("341602198001010003")] == [2]


def test_rows_that_lack_what_the_type_demands_are_counted_by_reason(
    db: None, lake: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "dirty.parquet"
    pq.write_table(
        pa.table(
            {
                "number": ["1", None, "3", "1"],
                "id_number": ["341602198001010001", "341602198001010002", None, "341602198001010001"],
                "name": ["甲", "乙", "丙", "甲"],
                "address": ["一", "二", "三", "一"],
                "since": [None, None, None, None],
            },
            schema=pa.schema([(name, pa.date32() if name == "since" else pa.string()) for name in COLUMNS]),
        ),
        path,
    )
    ports.register_lake(lambda class_id: LakeClass("dirty", [path], COLUMNS, 4))
    run = running.make(TYPE)
    assert run.made == 1
    assert run.refusals == {"缺证照编号": 1, "缺持证主体": 1, "证照编号重复": 1}


def test_an_altered_record_a_foreign_key_and_nonsense_are_told_apart(db: None, lake: Callable[..., None]) -> None:
    lake(1, 9)
    running.make(TYPE)
    evidence = reading.evidence_of(reading.holdings_of("341602198001010004")[0])
    altered = {**evidence, "record": evidence["record"].replace("王4", "王5")}
    assert reading.judge_evidence(altered) == "altered"
    assert reading.judge_evidence({**evidence, "proof": evidence["proof"][:-1]}) == "altered"
    assert reading.judge_evidence({**evidence, "key": "0" * 64}) == "foreign"
    assert reading.judge_evidence({**evidence, "root": "zz"}) == "unreadable"
    assert reading.judge_evidence({}) == "unreadable"


def test_a_wrong_check_character_and_an_unknown_identifier_are_refused(db: None, lake: Callable[..., None]) -> None:
    lake(1, 2)
    running.make(TYPE)
    found = MadeCertificate.objects.first()
    assert found is not None
    assert reading.find(found.identifier).certificate.pk == found.pk
    wrong = found.identifier[:-1] + ("A" if found.identifier[-1] != "A" else "B")
    with pytest.raises(Invalid):
        reading.find(wrong)
    kind = rules.parse_identifier(found.identifier)
    other = rules.make_identifier(kind.type_code, kind.issuer_code, "2099000000001")
    with pytest.raises(NotFound):
        reading.find(str(other))


def test_a_class_that_lacks_a_column_is_refused_before_anything_is_made(db: None, lake: Callable[..., None]) -> None:
    lake(1, 2)
    found = ports.lake_class("test.household")
    ports.register_lake(lambda class_id: dataclasses.replace(found, columns={"name": "person.name"}))
    with pytest.raises(Misconfigured, match="number"):
        running.make(TYPE)
    assert not MadeCertificate.objects.exists()


def test_two_processes_that_make_one_type_do_not_make_a_batch_twice(db: None, lake: Callable[..., None]) -> None:
    lake(1, 5000)
    run = MakingRun.objects.create(
        type=TYPE, source="test.household v1", total=5000, started_at=dt.datetime.now(dt.UTC)
    )
    maker = running._Maker(definitions.certificate_type(TYPE))
    rows = next(running.batches(definitions.certificate_type(TYPE), ports.lake_class("x"), 0))
    running._one_batch(run, maker, rows, 0.0)
    with pytest.raises(Conflict):
        running._one_batch(run, maker, rows, 0.0)  # the other process still believes the batch is to be made
    assert MadeCertificate.objects.count() == 4096


_KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from yici.web.database import set_up_django
set_up_django()
import pyarrow.parquet as pq
from yici.platform.trust import definitions, ports
from yici.platform.trust.making import running, sources
from yici.platform.trust.ports import LakeClass
from tests.platform.trust.making.test_making import COLUMNS, TYPE
sources.BATCH = 50
made_from = definitions.MadeFrom.model_validate(
    {"class": "test.household", "number": "number", "holder": "id_number", "valid_from": "since"}
)
kind = definitions.certificate_type(TYPE).model_copy(update={"made_from": made_from})
definitions.certificate_type = lambda slug: kind
path = Path(sys.argv[1])
ports.register_lake(lambda class_id: LakeClass("killed v1", [path], COLUMNS, pq.read_metadata(path).num_rows))
draw, kills = random.Random(341600), 0
while True:
    child = os.fork()
    if child == 0:
        running.make(TYPE)
        os._exit(0)
    if kills < 50:
        time.sleep(draw.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        kills += 1
    elif kills >= 50:
        break
    else:
        sys.exit(f"the run ended with {status} after {kills} kills: it was too short")
print(kills)
"""


@pytest.mark.slow
def test_a_run_killed_fifty_times_makes_every_certificate_once(tmp_path: Path) -> None:
    """SIGKILL at random moments; afterwards no certificate is there twice and none is missing."""
    count = 60_000
    path = write_rows(tmp_path / "killed.parquet", count)
    with cloned_city(f"yici_making_{os.getpid()}") as name:
        url = SERVER.replace("/yici?", f"/{name}?")
        environment = {**os.environ, "DATABASE_URL": url, "YICI_HOME": str(django_settings.HOME)}
        ended = subprocess.run(
            [sys.executable, "-c", _KILLER, str(path)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.stdout.strip() == "50", ended.stderr
        with psycopg.connect(url) as connection:
            total, distinct, provable = connection.execute(
                "SELECT count(*), count(DISTINCT number), (SELECT sum(count) FROM trust_madebatch) FROM trust_madecertificate"
            ).fetchone() or (0, 0, 0)
            made = connection.execute("SELECT made, state FROM trust_makingrun").fetchone()
    assert (total, distinct, int(provable)) == (count, count, count)
    assert made == (count, "done")
