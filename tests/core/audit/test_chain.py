"""The access log cannot be changed, and whoever changes it behind the database's back is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from yici.base import clock
from yici.core.audit import queries, services
from yici.core.audit.models import Entry
from yici.core.audit.services import SYSTEM, Actor, Draft, FaultKind

pytestmark = pytest.mark.django_db

CLERK = Actor(-7, "张晓雨", "涡阳县民政局", "10.0.0.7")


def write(count: int = 5, person: int = -1) -> list[Entry]:
    return services.record_many(
        CLERK, [Draft("read", ("person", person), f"事由 {n}", ["person.name"]) for n in range(count)]
    )


@contextmanager
def behind_the_triggers() -> Iterator[None]:
    """What a superuser with ill will would do."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER; ALTER TABLE audit_shardhead DISABLE TRIGGER USER")
        yield
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER; ALTER TABLE audit_shardhead ENABLE TRIGGER USER")


def kinds_of(shard: int) -> set[FaultKind]:
    return {fault.kind for fault in services.verify(shard)}


def test_an_entry_holds_what_was_recorded_and_extends_the_chain() -> None:
    first, second = write(2)
    assert (second.shard, second.seq) == (first.shard, first.seq + 1)
    assert bytes(second.previous_hash) == bytes(first.hash)
    kept = Entry.objects.get(pk=second.pk)
    assert (kept.actor_name, kept.address, kept.elements, kept.purpose) == (
        "张晓雨",
        "10.0.0.7",
        ["person.name"],
        "事由 1",
    )
    assert services.verify() == []


def test_recording_takes_one_query(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        services.record(CLERK, "read", subject=("person", -1), purpose="一次")
    with django_assert_num_queries(1):
        write(20)


def test_nothing_recorded_asks_the_database_nothing(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(0):
        assert services.record_many(SYSTEM, []) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET purpose = 'x' WHERE id = %s",
        "DELETE FROM audit_entry WHERE id = %s",
        "TRUNCATE audit_entry -- %s",
        "UPDATE audit_shardhead SET seq = 0 -- %s",
        "DELETE FROM audit_shardhead -- %s",
    ],
)
def test_the_database_refuses_to_change_the_log(statement: str) -> None:
    (entry,) = write(1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.replace("%s", str(entry.pk)))


def test_a_changed_entry_is_found() -> None:
    entries = write()
    with behind_the_triggers():
        Entry.objects.filter(pk=entries[2].pk).update(purpose="另一个事由")
    faults = services.verify(entries[2].shard)
    assert [(fault.kind, fault.seq) for fault in faults] == [(FaultKind.CHANGED, entries[2].seq)]


def test_a_changed_entry_with_a_recomputed_hash_is_found() -> None:
    entries = write()
    with behind_the_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET purpose = '伪造' WHERE id = %s", [entries[2].pk])
        cursor.execute("UPDATE audit_entry e SET hash = audit_digest(e) WHERE id = %s", [entries[2].pk])
    faults = services.verify(entries[2].shard)
    assert [(fault.kind, fault.seq) for fault in faults] == [(FaultKind.CHANGED, entries[2].seq)]


def test_a_removed_entry_is_found() -> None:
    entries = write()
    with behind_the_triggers():
        Entry.objects.filter(pk=entries[2].pk).delete()
    assert kinds_of(entries[2].shard) == {FaultKind.REMOVED}


def test_a_changed_entry_after_a_gap_is_found_too() -> None:
    entries = write()
    with behind_the_triggers():
        Entry.objects.filter(pk=entries[1].pk).delete()
        Entry.objects.filter(pk=entries[2].pk).update(actor_name="别人")
    assert kinds_of(entries[2].shard) == {FaultKind.REMOVED, FaultKind.CHANGED}


def test_reordered_entries_are_found() -> None:
    entries = write()
    one, two = entries[1], entries[2]
    with behind_the_triggers():
        Entry.objects.filter(pk=one.pk).update(seq=-1)
        Entry.objects.filter(pk=two.pk).update(seq=one.seq)
        Entry.objects.filter(pk=one.pk).update(seq=two.seq)
    assert FaultKind.REORDERED in kinds_of(one.shard)


def test_a_truncated_tail_is_found() -> None:
    entries = write()
    with behind_the_triggers():
        Entry.objects.filter(pk__in=[entries[3].pk, entries[4].pk]).delete()
    assert kinds_of(entries[0].shard) == {FaultKind.TRUNCATED}


def test_an_emptied_shard_without_head_is_found() -> None:
    entries = write()
    with behind_the_triggers(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE shard = %s", [entries[0].shard])
        cursor.execute("DELETE FROM audit_shardhead WHERE shard = %s", [entries[0].shard])
    assert kinds_of(entries[0].shard) == {FaultKind.TRUNCATED}


def test_values_cannot_be_moved_between_columns_unnoticed() -> None:
    one = services.record(CLERK, "read", subject=("person", "ab"), purpose='c","d')
    two = services.record(CLERK, "read", subject=("person", 'ab","c'), purpose="d")
    assert bytes(one.hash) != bytes(two.hash)
    assert services.verify() == []


def test_hostile_text_is_recorded_without_breaking() -> None:
    entry = services.record(
        Actor(None, "<script>\x00'; DROP TABLE audit_entry; --"),
        "read",
        subject=("person", "x\x00y"),
        purpose="“\\u0000”",
    )
    assert "DROP TABLE" in Entry.objects.get(pk=entry.pk).actor_name
    assert services.verify(entry.shard) == []


def test_the_log_is_rolled_back_with_the_act() -> None:
    before = queries.recorded_count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        write(3)
        raise ZeroDivisionError
    assert queries.recorded_count() == before
    assert services.verify() == []


def test_the_page_of_the_log_continues_where_it_stopped() -> None:
    day = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    for minute in (0, 0, 1, 2, 2):
        with clock.at(day + dt.timedelta(minutes=minute)):
            write(1, person=-99)
    wanted = queries.EntryFilter(subject_kind="person", subject_id="-99")
    seen, cursor = [], None
    for _round in range(5):
        page = queries.entries_matching(wanted, limit=2, before=cursor)
        seen += [entry.pk for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break
        cursor = queries.Cursor.parse(str(cursor))
    assert len(seen) == len(set(seen)) == 5
    assert [entry.pk for entry in queries.entries_about("person", -99, 10)] == seen


@pytest.mark.parametrize(
    "text", ["", "x", "~", "2026-01-01~5", "2026-13-01T00:00:00+08:00~5", "2026-01-01T00:00:00+00:00~x"]
)
def test_a_broken_cursor_means_the_first_page(text: str) -> None:
    assert queries.Cursor.parse(text) is None


def test_filters_narrow_by_actor_action_and_day() -> None:
    with clock.at(dt.datetime(2026, 11, 20, 16, 30, tzinfo=dt.UTC)):  # 21 November in the city
        write(1, person=-98)
    base = {"subject_kind": "person", "subject_id": "-98"}
    assert queries.entries_matching(queries.EntryFilter(**base, first_day=dt.date(2026, 11, 21))).entries
    assert not queries.entries_matching(queries.EntryFilter(**base, last_day=dt.date(2026, 11, 20))).entries
    assert queries.entries_matching(queries.EntryFilter(**base, actors=(-7,))).entries
    assert not queries.entries_matching(queries.EntryFilter(**base, actors=())).entries
    assert not queries.entries_matching(queries.EntryFilter(**base, action="export")).entries


def test_the_person_sees_who_looked_by_day_with_labels_but_not_themselves() -> None:
    for day in (19, 20):
        with clock.at(dt.datetime(2026, 11, day, 2, tzinfo=dt.UTC)):
            write(2, person=-97)
    services.record(Actor(-50, "本人"), "read", subject=("person", -97), purpose="自己看")
    services.record(SYSTEM, "read", subject=("person", -97), purpose="自动比对")
    looks = queries.looks_at(-97, label={"person.name": "姓名"}.__getitem__, own_account=-50)
    assert [len(day.looks) for day in looks.days] == [1, 2, 2]
    assert looks.days[0].looks[0].official == "系统"
    look = looks.days[1].looks[0]
    assert (look.official, look.organisation, look.data, look.action) == ("张晓雨", "涡阳县民政局", ["姓名"], "查看")
    first = queries.looks_at(-97, 1, size=3, own_account=-50)
    rest = queries.looks_at(-97, 2, size=3, own_account=-50)
    assert first.has_next and not rest.has_next
    assert sum(len(day.looks) for day in first.days + rest.days) == 5


def test_entries_of_a_case_come_in_order() -> None:
    for purpose in ("一", "二"):
        services.record(CLERK, "read", subject=("person", -1), purpose=purpose, case_number="341600202611239999")
    assert [entry.purpose for entry in queries.entries_of_case("341600202611239999")] == ["一", "二"]
    assert queries.entries_of_case("") == []


def test_a_writer_does_not_wait_while_another_transaction_holds_its_shard() -> None:
    settings = connection.get_connection_params()
    address = {key: settings[key] for key in ("host", "port", "user", "dbname") if settings.get(key)}
    with psycopg.connect(**address) as other, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() % 16")
        (mine,) = cursor.fetchone()
        other.execute("SELECT 1 FROM audit_shardhead WHERE shard = %s FOR UPDATE", [mine])
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        assert services.record(CLERK, "read", subject=("person", -1), purpose="不等").shard == (mine + 1) % 16
        other.rollback()
