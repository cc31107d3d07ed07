import datetime as dt

import pytest
from django.http import QueryDict

from tests.core.files import samples
from tests.core.forms.builders import one_page
from tests.core.forms.conftest import Broken, Records
from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.audit.models import Entry
from yici.core.files import services as files
from yici.core.forms import queries, services
from yici.core.forms.errors import DraftExpired, DraftSubmitted, StaleDraft
from yici.core.forms.identity import IdentityFacts
from yici.core.forms.models import Draft
from yici.core.forms.rules import changed_fields, visible_pages
from yici.core.messages.models import Message

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
PNG = samples.png()
REGISTER = {
    "person.name": "赵桂兰",
    "person.phone": "13800138000",
    "person.residential_address": "安徽省亳州市涡阳县西阳镇",
}


@pytest.fixture
def draft(records, police, account, mother, form):
    records(IdentityFacts(), Records("register", REGISTER, police.slug))
    with clock.at(NOW):
        yield services.open_draft(account, mother, "hall:test@1", "高龄津贴", form, {"channel": "net"})


def post(draft, **answers):
    data = QueryDict(mutable=True)
    data["revision"] = str(draft.revision)
    for key, value in answers.items():
        name = key.replace("__dot__", ".")
        data.setlist(name, value) if isinstance(value, list) else data.__setitem__(name, value)
    return data


def phone(draft, number, **more):
    return post(draft, person__dot__phone=number, person__dot__residential_address="新村 12 号", **more)


def test_a_draft_opens_filled_with_what_the_records_know_and_says_where_from(draft):
    assert draft.answers["person.phone"] == "13800138000"
    fact = draft.prefill["person.phone"]
    assert fact["organisation"] == "市公安局" and fact["source"] == "人口信息" and fact["as_of"] == "2026-03-02"
    assert draft.prefill["person.name"]["provider"] == "identity"
    assert changed_fields(draft.answers, draft.prefill) == []


def test_looking_the_facts_up_is_recorded_once(records, police, account, mother, form):
    records(IdentityFacts(), Records("register", REGISTER, police.slug))
    before = Entry.objects.count()
    services.open_draft(account, mother, "hall:test@1", "高龄津贴", form, {})
    (entry,) = Entry.objects.order_by("id")[before:]
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("read", "person", str(mother.pk))
    assert entry.elements == sorted(REGISTER) and "高龄津贴" in entry.purpose and entry.actor_id == account.pk


def test_a_source_that_fails_leaves_the_field_empty_and_does_not_block(records, account, mother, form):
    records(Broken(), Records("register", {"person.phone": "13800138000"}))
    draft = services.open_draft(account, mother, "hall:test@1", "高龄津贴", form, {})
    assert draft.silent_sources == ["broken"]
    assert draft.answers == {"person.phone": "13800138000"}


def test_the_first_source_wins_and_what_contradicts_it_is_kept(records, police, account, mother, form):
    records(
        Records("one", {"person.phone": "13800138000"}, police.slug),
        Records("two", {"person.phone": "13900139000"}, police.slug),
    )
    draft = services.open_draft(account, mother, "f", "t", form, {})
    fact = draft.prefill["person.phone"]
    assert fact["value"] == "13800138000"
    assert [other["value"] for other in fact["conflicts"]] == ["13900139000"]


def test_a_dirty_record_is_shown_but_not_taken_as_an_answer(records, account, mother, form):
    records(Records("register", {"person.phone": "1380013"}))
    draft = services.open_draft(account, mother, "f", "t", form, {})
    assert "person.phone" not in draft.answers
    assert draft.prefill["person.phone"]["problem"]


def test_a_saved_page_bumps_the_revision_and_keeps_what_was_corrected(draft, form):
    services.save_page(draft, form, "who", phone(draft, "139 0013 9000"), 0)
    assert draft.revision == 1
    stored = Draft.objects.get(pk=draft.pk)
    assert stored.answers["person.phone"] == "13900139000"
    changed = {one.key: (one.recorded, one.claimed) for one in changed_fields(stored.answers, stored.prefill)}
    assert changed["person.phone"] == ("13800138000", "13900139000")
    assert stored.prefill == draft.prefill


def test_an_invalid_page_is_not_saved(draft, form):
    with pytest.raises(Invalid) as caught:
        services.save_page(draft, form, "who", phone(draft, "123"), 0)
    assert set(caught.value.fields) == {"person.phone"}
    assert Draft.objects.get(pk=draft.pk).revision == 0


def test_a_stale_save_is_refused_and_shows_the_newer_answers(draft, form, account):
    other_device = queries.draft_for(account, draft.token)
    services.save_page(other_device, form, "who", phone(other_device, "13900139000"), 0)
    with pytest.raises(StaleDraft):
        services.save_page(draft, form, "who", phone(draft, "13700137000"), 0)
    result = services.submit_page(draft, form, "who", phone(draft, "13700137000"))
    assert not result.saved and result.status == 409 and "另一台设备" in result.notice
    assert result.answers["person.phone"] == "13900139000"
    assert [value for _label, value in result.unsaved] == ["13700137000"]
    assert services.submit_page(draft, form, "who", phone(draft, "13700137000")).saved


def test_a_read_only_field_cannot_be_posted(draft, form):
    assert services.submit_page(draft, form, "who", phone(draft, "13900139000", person__dot__name="别人")).saved
    assert draft.answers["person.name"] == "赵桂兰"


def test_an_answer_hidden_later_is_forgotten(draft, form):
    data = post(draft, alone="yes", since__year="2020", since__month="1", since__day="2", income="1200")
    assert services.submit_page(draft, form, "more", data).saved
    assert (draft.answers["since"], draft.answers["income"]) == ("2020-01-02", 120000)
    assert services.submit_page(draft, form, "more", post(draft, alone="no", income="")).saved
    assert "since" not in draft.answers and "income" not in draft.answers


def test_the_draft_of_somebody_else_is_not_there(draft, stranger):
    with pytest.raises(NotFound):
        queries.draft_for(stranger, draft.token)
    assert list(queries.drafts_of(stranger)) == []


def test_a_draft_is_found_again_on_another_device(draft, account):
    with clock.at(NOW + dt.timedelta(days=29)):
        assert queries.draft_for(account, draft.token).answers == draft.answers
        assert [one.pk for one in queries.drafts_of(account)] == [draft.pk]


def test_an_expired_draft_says_so_and_its_answers_are_gone(draft, account, form):
    with clock.at(NOW + dt.timedelta(days=31)):
        with pytest.raises(DraftExpired) as caught:
            queries.draft_for(account, draft.token)
        assert caught.value.status == 410 and caught.value.extra["form"] == "hall:test@1"
        with pytest.raises(DraftExpired):
            services.save_page(draft, form, "who", phone(draft, "13900139000"), 0)
        assert services.remove_expired_drafts() == 1
        assert services.remove_expired_drafts() == 0
        assert Draft.objects.get(pk=draft.pk).answers == {}
        with pytest.raises(DraftExpired):
            queries.draft_for(account, draft.token)
    with clock.at(NOW + dt.timedelta(days=200)):
        services.remove_expired_drafts()
        assert not Draft.objects.filter(pk=draft.pk).exists()


def test_saving_lengthens_the_life_of_a_draft(draft, account, form):
    with clock.at(NOW + dt.timedelta(days=20)):
        services.save_page(draft, form, "who", phone(draft, "13900139000"), 0)
    with clock.at(NOW + dt.timedelta(days=45)):
        assert queries.draft_for(account, draft.token)


def test_the_owner_is_reminded_once_before_it_expires(draft, account):
    with clock.at(NOW + dt.timedelta(days=20)):
        assert services.remind_of_expiry() == 0
    with clock.at(NOW + dt.timedelta(days=28)):
        assert services.remind_of_expiry() == 1
        assert services.remind_of_expiry() == 0
    (message,) = Message.objects.filter(recipient=account)
    assert "高龄津贴" in message.body and "2026-12-23" in message.body and "{" not in message.body


def test_a_submitted_draft_is_closed_and_its_files_belong_to_the_case(draft, form, account, mother):
    stored = files.store(PNG, "照片.png", account=account, holder=mother, retention_days=60)
    assert services.submit_page(draft, form, "family", post(draft, photo=[str(stored.pk)], children__rows="0")).saved
    services.mark_submitted(draft, "341600202611230000017")
    stored.refresh_from_db()
    assert stored.case_number == "341600202611230000017" and stored.retain_until is None
    with pytest.raises(DraftSubmitted):
        services.mark_submitted(draft, "341600202611230000018")
    with pytest.raises(DraftSubmitted):
        services.save_page(draft, form, "who", phone(draft, "13900139000"), draft.revision)


def test_a_file_of_somebody_else_cannot_be_used(draft, form, stranger):
    stored = files.store(PNG, "别人.png", account=stranger)
    result = services.submit_page(draft, form, "family", post(draft, photo=[str(stored.pk)], children__rows="0"))
    assert "没有找到这个文件" in result.errors["photo"]


def test_an_upload_stays_when_another_field_is_wrong(draft, form):
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.utils.datastructures import MultiValueDict

    uploads = MultiValueDict(
        {"photo__upload": [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.png", b"MZ not a picture")]}
    )
    data = post(draft, children__rows="1", children__dot__0__dot__name="")
    data["children.0.name"] = "长" * 300
    result = services.submit_page(draft, form, "family", data, uploads)
    assert not result.saved and set(result.errors) >= {"photo"}
    assert len(result.answers["photo"]) == 1
    data = post(draft, photo=result.answers["photo"], children__rows="0")
    assert services.submit_page(draft, form, "family", data).saved
    assert draft.answers["photo"] == [int(result.answers["photo"][0])]


def test_rows_are_added_and_removed_by_buttons_without_saving(draft, form):
    data = post(draft, children__rows="1", __add="children")
    data["children.0.name"] = "甲"
    result = services.submit_page(draft, form, "family", data)
    assert not result.saved and result.status == 200 and result.answers["children"] == [{"name": "甲"}, {}]
    data = post(draft, children__rows="2", __remove="children.0")
    data["children.0.name"], data["children.1.name"] = "甲", "乙"
    assert services.submit_page(draft, form, "family", data).answers["children"] == [{"name": "乙"}]
    assert Draft.objects.get(pk=draft.pk).revision == 0


def test_several_answers_can_be_kept_at_once_and_faults_are_told(draft, form):
    wrong = services.save_answers(draft, form, {"alone": True, "since": "2026-02-30", "income": 5000}, 0)
    assert set(wrong) == {"since"}
    assert draft.answers["income"] == 5000 and draft.answers["alone"] is True and draft.revision == 1
    with pytest.raises(Invalid) as caught:
        services.save_answers(draft, form, {"is_admin": True}, 1)
    assert set(caught.value.fields) == {"is_admin"}


def test_the_whole_draft_is_validated_as_the_page_and_the_api_do(draft, form):
    with pytest.raises(Invalid) as caught:
        services.validate_draft(draft, form)
    assert set(caught.value.fields) == {"alone", "situation.agent"}
    services.save_situation(draft, form, {"agent": "no"}, 0)
    services.save_answers(draft, form, {"alone": False}, 1)
    cleaned = services.validate_draft(draft, form)
    assert cleaned["person.name"] == "赵桂兰" and cleaned["alone"] is False
    api = services.validate(
        form, {**draft.answers}, {"agent": False}, account=draft.owner, subject=draft.subject, prefill=draft.prefill
    )
    assert api == cleaned


def test_a_question_opened_by_an_answer_is_shown_before_it_is_blamed(draft, form):
    data = post(draft)
    data["situation.agent"] = "yes"
    data.setlist("__asked", ["agent"])
    result = services.submit_situation(draft, form, data)
    assert not result.saved and result.errors == {} and result.answers["agent"] == "yes"
    data.setlist("__asked", ["agent", "kin"])
    assert set(services.submit_situation(draft, form, data).errors) == {"situation.kin"}
    data["situation.kin"] = "no"
    assert services.submit_situation(draft, form, data).saved
    assert draft.situation == {"agent": "yes", "kin": "no"}


def test_pages_without_a_visible_field_are_skipped(draft, form):
    assert [page.id for page in visible_pages(form, draft.answers)] == ["who", "more", "family"]


def conditional_form():
    return one_page(
        {"id": "card", "type": "choice", "options": [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]},
        {"element": "person.phone", "when": {"field": "card", "is": "b"}},
    )


def test_a_field_that_an_answer_opens_is_shown_with_its_record_before_it_is_asked_for(records, police, account, mother):
    records(IdentityFacts(), Records("register", REGISTER, police.slug))
    form = conditional_form()
    with clock.at(NOW):
        draft = services.open_draft(account, mother, "hall:test@1", "测试", form, {})
        result = services.submit_page(draft, form, "one", post(draft, card="b", __asked=["card"]))
        assert not result.saved and result.status == 200 and result.errors == {}
        assert result.answers["person.phone"] == "13800138000"
        data = post(draft, card="b", person__dot__phone="13800138000", __asked=["card", "person.phone"])
        assert services.submit_page(draft, form, "one", data).saved


def test_a_field_that_was_not_shown_keeps_its_recorded_value(records, police, account, mother):
    records(IdentityFacts(), Records("register", REGISTER, police.slug))
    form = conditional_form()
    with clock.at(NOW):
        draft = services.open_draft(account, mother, "hall:test@1", "测试", form, {})
        assert services.submit_page(draft, form, "one", post(draft, card="a", __asked=["card"])).saved
    assert draft.answers["person.phone"] == "13800138000"
    assert changed_fields(draft.answers, draft.prefill) == []
