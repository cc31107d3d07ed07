"""Signing on the phone, without a script: read every page, prove who you are, agree, sign; or decline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.visitor import Visitor
from yici.core.files import services as files
from yici.platform.trust.identity import assertions
from yici.platform.trust.models import Assertion, Envelope, SigningKey
from yici.platform.trust.signatures import envelopes, evidence
from yici.platform.trust.signatures.envelopes import SignerDraft


@pytest.fixture
def envelope(demo: Any, document: bytes) -> Envelope:
    stored = files.store(document, "章程.pdf", account=demo.restaurateur)
    drafts = [
        SignerDraft(account.person, "股东", turn) for turn, account in enumerate((demo.restaurateur, demo.trader), 1)
    ]
    return envelopes.create("公司章程", stored, drafts, demo.restaurateur)


@pytest.fixture
def phone(sign_in: Any) -> Callable[..., Visitor]:
    """`phone(account)`: her phone, with the identity proven by face unless `level` says otherwise."""

    def _phone(account: Any, level: int = 2) -> Visitor:
        visitor = Visitor(phone=True)
        sign_in(visitor.client, account, assurance=level)
        if level >= 2:
            token = assertions.record(account.person, level, Assertion.Method.FACE, account=account)
            assertions.use_for_session(token, account.person, level)
        return visitor

    return _phone


def read_all(visitor: Visitor, envelope: Envelope) -> Any:
    """Open the message's link and turn every page."""
    visitor.open(f"/my/signing/{envelope.number}/")
    visitor.follow("看文件，然后签署")
    visitor.follow("下一页")
    return visitor.follow("看完了，去签署")


def test_two_phones_sign_one_after_the_other(demo: Any, envelope: Envelope, phone: Any) -> None:
    first, second = phone(demo.restaurateur), phone(demo.trader)
    assert "还没有轮到您签署" in second.open(f"/my/signing/{envelope.number}/").text
    page = read_all(first, envelope)
    assert "人脸比对" in page.text
    page = first.press("签署", agree="1")
    assert "已签署。" in page.text
    read_all(second, envelope)
    page = second.press("签署", agree="1")
    assert "全部签署人都已签完" in page.text and "下载证据包" in page.text
    envelope.refresh_from_db()
    assert envelope.state == Envelope.State.COMPLETED
    assert set(envelope.events.filter(kind="opened").values_list("person__name", flat=True)) == {"张伟", "吴刚"}


def test_nobody_signs_unread_unproven_or_without_agreeing(demo: Any, envelope: Envelope, phone: Any) -> None:
    visitor = phone(demo.restaurateur)
    page = visitor.open(f"/my/signing/{envelope.number}/sign/")
    assert "还没有看第 1 页" in page.text
    read_all(visitor, envelope)
    assert "同意的请勾选" in visitor.press("签署", 422).text
    assert envelope.signers.filter(state="signed").count() == 0
    weak = phone(demo.trader, level=1)
    envelopes.cancel(envelope.number, demo.restaurateur, "重来")
    assert weak.client.get(f"/my/signing/{envelope.number}/sign/").status_code in (302, 403)


def test_a_session_that_only_says_it_is_proven_signs_nothing(demo: Any, envelope: Envelope, phone: Any) -> None:
    visitor = phone(demo.restaurateur)
    read_all(visitor, envelope)
    Assertion.objects.all().delete()
    assertions.record(demo.restaurateur.person, assertions.FACE, Assertion.Method.FACE)  # for some other act
    answer = visitor.client.get(f"/my/signing/{envelope.number}/sign/")
    assert answer.status_code in (302, 403)
    assert "确认签署" not in answer.content.decode()


def test_declining_needs_a_reason_and_ends_it(demo: Any, envelope: Envelope, phone: Any) -> None:
    visitor = phone(demo.restaurateur)
    visitor.open(f"/my/signing/{envelope.number}/")
    visitor.follow("拒绝签署")
    assert "请写明理由" in visitor.press("拒绝签署", 422, reason=" ").text
    assert "出资比例不对" in visitor.press("拒绝签署", reason="出资比例不对").text
    envelope.refresh_from_db()
    assert envelope.state == Envelope.State.DECLINED


def test_somebody_sends_a_document_round(demo: Any, phone: Any, document: bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    visitor = phone(demo.restaurateur)
    visitor.open("/my/signing/new/")
    page = visitor.press("发起签署", 422, title="合作协议")
    assert "请选择要签署的 PDF 文件" in page.text and "请至少填写一位签署人" in page.text
    person = demo.trader.person
    given = {"title": "合作协议", "days": "7", "name_1": person.name, "id_number_1": person.id_number, "order_1": "1"}
    wrong = visitor.press("发起签署", 422, **{**given, "name_1": "别人"}, file=SimpleUploadedFile("a.pdf", document))
    assert "未能核对一致" in wrong.text
    visitor.press("发起签署", **given, file=SimpleUploadedFile("a.pdf", document))
    sent = Envelope.objects.get()
    assert (sent.title, sent.signers.get().person) == ("合作协议", person)
    visitor.follow("更换或移出")
    driver = demo.driver.person
    visitor.press("确认变更", reason="已离职", name=driver.name, id_number=driver.id_number)
    assert sorted(sent.signers.values_list("state", flat=True)) == ["asked", "removed"]
    assert "今天已经提醒过了" in visitor.press("提醒签署").text
    visitor.follow("撤销签署")
    visitor.press("撤销签署", reason="不需要了")
    sent.refresh_from_db()
    assert sent.state == Envelope.State.CANCELLED


def test_a_stranger_and_who_left_see_no_page_and_no_file(demo: Any, envelope: Envelope, phone: Any) -> None:
    stranger = phone(demo.farmer).client
    gone = phone(demo.trader).client
    signer = envelope.signers.get(person=demo.trader.person)
    envelopes.remove_signer(envelope.number, signer.pk, demo.restaurateur, "已离职")
    base = f"/my/signing/{envelope.number}/"
    for part in ("read/1/", "page/1.png", "sign/", "document/", "evidence/"):
        assert stranger.get(base + part).status_code == 404, part
        assert gone.get(base + part).status_code == 404, part
    assert stranger.get(base).status_code == 404
    assert (
        stranger.get(f"{base}signers/{signer.pk}/").status_code
        == gone.get(f"{base}signers/{signer.pk}/").status_code
        == 404
    )
    assert "已离职" in gone.get(base).content.decode()


def test_a_page_is_shown_as_a_picture(demo: Any, envelope: Envelope, phone: Any) -> None:
    client = phone(demo.restaurateur).client
    answer = client.get(f"/my/signing/{envelope.number}/page/2.png")
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n") and "private" in answer["Cache-Control"]
    assert client.get(f"/my/signing/{envelope.number}/read/3/").status_code == 404


def test_where_pages_cannot_be_drawn_the_file_itself_is_read(
    demo: Any, envelope: Envelope, phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yici.platform.trust.signatures.picturing.shutil.which", lambda name: None)
    visitor = phone(demo.restaurateur)
    visitor.open(f"/my/signing/{envelope.number}/read/1/")
    assert "下载文件（PDF）" in visitor.text
    assert "确认签署" in visitor.follow("看完了，去签署").text


def test_the_signed_document_and_its_evidence_are_downloaded(
    demo: Any, envelope: Envelope, prove: Any, phone: Any
) -> None:
    for account in (demo.restaurateur, demo.trader):
        envelopes.sign(envelope.number, account, prove(account.person), envelope.original.sha256)
    client = phone(demo.trader).client
    for part, start in (("document/", b"%PDF-"), ("evidence/", b"PK")):
        answer = client.get(f"/my/signing/{envelope.number}/{part}")
        assert b"".join(answer.streaming_content).startswith(start) and "attachment" in answer["Content-Disposition"]


def test_ones_own_key_is_replaced_and_revoked_by_oneself(demo: Any, phone: Any, key: SigningKey) -> None:
    visitor = phone(demo.restaurateur)
    assert "PKCS#11" in visitor.open("/my/signing-key/").text
    assert "请写明理由" in visitor.press("吊销", 422, reason="").text
    visitor.press("更换", reason="换手机")
    assert SigningKey.objects.filter(person=key.person).count() == 2
    visitor.press("吊销", reason="手机丢失")
    assert not SigningKey.objects.filter(person=key.person, state="active").exists()
    other = phone(demo.trader)
    token = other.open("/my/signing-key/")
    assert "手机丢失" not in token.text


def test_roots_and_list_are_public(client: Client, db: None) -> None:
    city, people = evidence.roots()
    assert client.get("/trust/city.crt").content == city and client.get("/trust/people.crt").content == people
    assert client.get("/trust/people.crl")["Content-Type"] == "application/pkix-crl"
