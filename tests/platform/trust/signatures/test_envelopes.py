"""Envelopes: several people sign in an order; judged by pyHanko, openssl and poppler; every bad turn is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests.platform.trust.signatures.conftest import judged, openssl_judges, pdfsig
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.messages.models import Delivery, Message
from yici.core.people.models import Person
from yici.platform.trust.identity.assertions import AssertionRefused
from yici.platform.trust.models import Envelope, EnvelopeEvent, EnvelopeSigner, SigningKey, TimeStamp
from yici.platform.trust.signatures import envelope_queries, envelopes, keys
from yici.platform.trust.signatures.envelopes import SignerDraft
from yici.platform.trust.signatures.errors import ClockWrong, KeyNotUsable, NotYourTurn

State, SignerState = Envelope.State, EnvelopeSigner.State


@pytest.fixture
def stored(demo: Any, document: bytes) -> Any:
    return files.store(document, "章程.pdf", holder=demo.restaurateur.person, account=demo.restaurateur)


@pytest.fixture
def send(demo: Any, stored: Any) -> Callable[..., Envelope]:
    """`send((account, order), …)`: the restaurateur sends the document round."""

    def _send(*signers: tuple[Any, int], **options: Any) -> Envelope:
        drafts = [SignerDraft(account.person, "股东", order) for account, order in signers]
        return envelopes.create("公司章程", stored, drafts, demo.restaurateur, **options)

    return _send


@pytest.fixture
def put(prove: Callable[..., str]) -> Callable[..., Envelope]:
    """`put(envelope, account)`: she proves who she is and signs."""

    def _put(envelope: Envelope, account: Any, **changed: Any) -> Envelope:
        given = {"assertion_token": prove(account.person), "document_sha256": envelope.original.sha256, **changed}
        return envelopes.sign(envelope.number, account, **given)

    return _put


def content(envelope: Envelope) -> bytes:
    envelope.refresh_from_db()
    with files.open_file(envelope.current) as stream:
        return stream.read()


def states(envelope: Envelope) -> list[str]:
    return list(envelope.signers.order_by("order", "id").values_list("state", flat=True))


def test_two_people_sign_in_their_order_and_three_judges_accept_both(
    demo: Any, send: Any, put: Any, document: bytes, tmp_path: Path
) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    assert states(envelope) == ["asked", "waiting"]
    with pytest.raises(NotYourTurn):
        put(envelope, demo.trader)
    put(envelope, demo.restaurateur)
    assert states(envelope) == ["signed", "asked"]
    first = content(envelope)
    ended = put(envelope, demo.trader)
    assert ended.state == State.COMPLETED and ended.evidence is not None
    final = content(envelope)
    assert final.startswith(first) and first.startswith(document)
    verdicts = judged(final)
    assert [verdict.bottom_line for verdict in verdicts] == [True, True], verdicts[0].pretty_print_details()
    assert [verdict.signing_cert.subject.native["common_name"] for verdict in verdicts] == ["张伟", "吴刚"]
    assert all(verdict.timestamp_validity.trusted for verdict in verdicts)
    assert openssl_judges(final, tmp_path) == [True, True]
    said = pdfsig(final, tmp_path)
    assert said.count("Signature is Valid.") == 2 and "Total document signed" in said
    kinds = list(envelope.events.values_list("kind", flat=True))
    assert kinds == ["created", "asked", "signed", "asked", "signed", "completed"]


def test_people_of_the_same_turn_sign_in_any_sequence(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 1), (demo.driver, 2))
    assert states(envelope) == ["asked", "asked", "waiting"]
    put(envelope, demo.trader)
    assert states(envelope) == ["asked", "signed", "waiting"]
    put(envelope, demo.restaurateur)
    assert states(envelope)[2] == "asked"
    assert put(envelope, demo.driver).state == State.COMPLETED
    assert [verdict.bottom_line for verdict in judged(content(envelope))] == [True, True, True]


def test_whose_turn_it_is_hears_of_it_in_the_app_and_by_sms(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    asked = Message.objects.filter(template="envelope.asked", recipient=demo.trader)
    assert not asked.exists()
    put(envelope, demo.restaurateur)
    message = asked.get()
    assert message.link == f"/my/signing/{envelope.number}/"
    assert Delivery.objects.filter(message=message, channel="sms", address=demo.trader.phone).exists()
    put(envelope, demo.trader)
    told = Message.objects.filter(template="envelope.completed").values_list("recipient_id", flat=True)
    assert sorted(told) == sorted([demo.restaurateur.pk, demo.trader.pk])


def test_nobody_else_finds_or_signs_it(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.trader, 1))
    assert envelope_queries.waiting_count(demo.trader) == 1
    for act in (
        lambda: put(envelope, demo.farmer),
        lambda: envelope_queries.envelope_for(demo.farmer, envelope.number),
        lambda: envelopes.cancel(envelope.number, demo.trader, "不想要了"),
        lambda: envelopes.remind(envelope.number, demo.trader),
    ):
        with pytest.raises(NotFound):
            act()
    assert not envelope_queries.reads_own_envelope(demo.farmer, envelope.original)
    assert envelope_queries.reads_own_envelope(demo.trader, envelope.original)


def test_a_proof_of_another_person_or_a_used_one_signs_nothing(
    demo: Any, send: Any, put: Any, prove: Callable[..., str]
) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 1))
    stamps = TimeStamp.objects.count()
    token = prove(demo.restaurateur.person)
    with pytest.raises(AssertionRefused), transaction.atomic():
        put(envelope, demo.trader, assertion_token=token)
    put(envelope, demo.restaurateur, assertion_token=token)
    with pytest.raises(AssertionRefused), transaction.atomic():
        put(envelope, demo.trader, assertion_token=token)
    assert states(envelope) == ["signed", "asked"] and TimeStamp.objects.count() == stamps + 1


def test_who_was_shown_another_document_does_not_sign_this_one(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1))
    with pytest.raises(Invalid):
        put(envelope, demo.restaurateur, document_sha256="0" * 64)
    put(envelope, demo.restaurateur)
    with pytest.raises(Conflict):
        put(envelope, demo.restaurateur)


def test_one_refusal_ends_it_and_everybody_learns_why(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    put(envelope, demo.restaurateur)
    with pytest.raises(Invalid):
        envelopes.decline(envelope.number, demo.trader, "  ")
    ended = envelopes.decline(envelope.number, demo.trader, "出资比例不对")
    assert ended.state == State.DECLINED and "出资比例不对" in ended.reason
    assert Message.objects.filter(template="envelope.declined", body__contains="出资比例不对").count() == 2
    with pytest.raises(Conflict):
        put(envelope, demo.trader)


def test_who_sent_it_takes_it_back(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.trader, 1))
    assert envelopes.cancel(envelope.number, demo.restaurateur, "写错了地址").state == State.CANCELLED
    with pytest.raises(Conflict):
        put(envelope, demo.trader)


def test_it_expires_and_is_refused_even_before_the_job_has_run(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.trader, 1), days=3)
    with clock.at(clock.now() + dt.timedelta(days=3, minutes=1)):
        with pytest.raises(Conflict):
            put(envelope, demo.trader)
        assert envelopes.expire_due() == 1
        assert envelopes.expire_due() == 0
    envelope.refresh_from_db()
    assert envelope.state == State.EXPIRED


def test_reminders_go_once_a_day_to_whose_turn_it_is(demo: Any, send: Any) -> None:
    envelope = send((demo.trader, 1), (demo.driver, 2))
    assert envelopes.remind(envelope.number, demo.restaurateur) == 0, "asked a moment ago"
    with clock.at(clock.now() + dt.timedelta(days=1, minutes=1)):
        assert envelopes.remind_due() == 1
        assert envelopes.remind_due() == envelopes.remind(envelope.number, demo.restaurateur) == 0
    assert Message.objects.get(template="envelope.reminder").recipient == demo.trader


# Somebody leaves midway


def test_a_signer_who_left_is_replaced_with_a_record_and_who_signed_is_told(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    put(envelope, demo.restaurateur)
    gone = envelope.signers.get(person=demo.trader.person)
    envelopes.replace_signer(envelope.number, gone.pk, demo.driver.person, demo.restaurateur, "已离职")
    with pytest.raises(Conflict, match="已离职"):
        put(envelope, demo.trader)
    assert Message.objects.filter(template="envelope.changed", recipient=demo.restaurateur).exists()
    assert envelope.events.get(kind="removed").detail == "已离职"
    assert put(envelope, demo.driver).state == State.COMPLETED
    assert [one.signing_cert.subject.native["common_name"] for one in judged(content(envelope))] == ["张伟", "周强"]
    assert not envelope_queries.reads_own_envelope(demo.trader, envelope.original), "who left reads it no more"


def test_removing_the_one_who_held_it_up_goes_on_or_completes(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2), (demo.driver, 3))
    put(envelope, demo.restaurateur)
    second, third = envelope.signers.filter(order__gt=1).order_by("order")
    envelopes.remove_signer(envelope.number, second.pk, demo.restaurateur, "已离职")
    assert states(envelope) == ["signed", "removed", "asked"]
    assert envelopes.remove_signer(envelope.number, third.pk, demo.restaurateur, "已离职").state == State.COMPLETED


def test_who_signed_the_last_one_and_people_of_an_application_are_not_removed(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    put(envelope, demo.restaurateur)
    first, second = envelope.signers.order_by("order")
    with pytest.raises(Conflict):
        envelopes.remove_signer(envelope.number, first.pk, demo.restaurateur, "已离职")
    with pytest.raises(Conflict):
        envelopes.replace_signer(envelope.number, second.pk, demo.restaurateur.person, demo.restaurateur, "已离职")
    alone = send((demo.trader, 1))
    with pytest.raises(Conflict):
        envelopes.remove_signer(alone.number, alone.signers.get().pk, demo.restaurateur, "已离职")
    named = send((demo.trader, 1), (demo.driver, 1), case_number="341600202611260000001")
    with pytest.raises(Conflict, match="申请材料"):
        envelopes.remove_signer(named.number, named.signers.first().pk, demo.restaurateur, "已离职")


# Keys and clocks


def test_a_key_replaced_midway_leaves_the_earlier_signature_valid(
    demo: Any, send: Any, put: Any, django_capture_on_commit_callbacks: Any
) -> None:
    envelope = send((demo.restaurateur, 1), (demo.trader, 2))
    put(envelope, demo.restaurateur)
    with django_capture_on_commit_callbacks(execute=True):
        keys.rotate(SigningKey.objects.get(person=demo.restaurateur.person), "换手机", audit.SYSTEM)
    put(envelope, demo.trader)
    assert [verdict.bottom_line for verdict in judged(content(envelope))] == [True, True]
    another = send((demo.restaurateur, 1))
    put(another, demo.restaurateur)
    assert another.signers.get().key.state == SigningKey.State.ACTIVE


def test_a_suspended_key_signs_nothing_and_the_turn_stays(demo: Any, send: Any, put: Any) -> None:
    key = keys.ensure_key(demo.trader.person, audit.SYSTEM)
    keys.suspend(key, "本人要求", audit.SYSTEM)
    envelope = send((demo.trader, 1))
    with pytest.raises(KeyNotUsable), transaction.atomic():
        put(envelope, demo.trader)
    assert states(envelope) == ["asked"]


def test_nothing_is_signed_while_the_clock_is_wrong(demo: Any, send: Any, put: Any) -> None:
    envelope = send((demo.trader, 1))
    ahead = TimeStamp.objects.create(imprint=b"x" * 32, algorithm="sha256", at=clock.physical() + dt.timedelta(hours=1))
    with pytest.raises(ClockWrong), transaction.atomic():
        put(envelope, demo.trader)
    assert states(envelope) == ["asked"] and content(envelope) == content_of(envelope.original)
    TimeStamp.objects.filter(pk=ahead.pk).delete()
    assert put(envelope, demo.trader).state == State.COMPLETED


def content_of(stored: Any) -> bytes:
    with files.open_file(stored) as stream:
        return stream.read()


# What cannot be sent round


def test_what_cannot_be_signed_is_refused_before_anybody_is_asked(
    demo: Any, send: Any, put: Any, document: bytes
) -> None:
    for options in ({"days": 0}, {"days": 91}):
        with pytest.raises(Invalid):
            send((demo.trader, 1), **options)
    with pytest.raises(Invalid):
        send()
    with pytest.raises(Invalid):
        send((demo.trader, 1), (demo.trader, 2))
    done = send((demo.trader, 1))
    put(done, demo.trader)
    for broken, words in ((document[:-200] + b"%%EOF", "不是完整的 PDF"), (content(done), "已经有电子签名")):
        stored = files.store(broken, "文件.pdf", account=demo.restaurateur)
        with pytest.raises(Invalid, match=words):
            envelopes.create("文件", stored, [SignerDraft(demo.trader.person)], demo.restaurateur)
    assert Message.objects.filter(template="envelope.asked").count() == 1


def test_events_only_grow(demo: Any, send: Any) -> None:
    event = send((demo.trader, 1)).events.first()
    for change in (
        lambda: EnvelopeEvent.objects.filter(pk=event.pk).update(detail="x"),
        lambda: EnvelopeEvent.objects.filter(pk=event.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_somebody_without_an_account_is_told_on_the_phone_on_record(demo: Any, stored: Any) -> None:
    person = Person.objects.create(
        name="无名", id_number="34160219900307723X", birth_date=dt.date(1990, 3, 7), sex="1", phone="13800000001"
    )
    envelopes.create("公司章程", stored, [SignerDraft(person)], demo.restaurateur)
    assert Delivery.objects.filter(channel="sms", address="13800000001").exists()


def test_a_list_makes_a_constant_number_of_queries(demo: Any, send: Any, django_assert_num_queries: Any) -> None:
    for _number in range(3):
        send((demo.trader, 1), (demo.driver, 2))
    trader = demo.trader
    with django_assert_num_queries(1):
        rows = [(row.title, row.created_by.name, row.is_my_turn) for row in envelope_queries.envelopes_for(trader)]
    assert rows == [("公司章程", "张伟", True)] * 3
    assert [row.is_my_turn for row in envelope_queries.envelopes_for(demo.driver)] == [False] * 3
