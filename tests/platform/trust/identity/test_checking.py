"""A face check from end to end: reference from the police, comparison, assertion; the capture is not kept."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from PIL import Image

from tests.platform.trust.identity.conftest import PoliceSandbox
from yici.base import clock
from yici.core.audit import services as audit
from yici.core.people.errors import TooManyRequests
from yici.core.people.services import actor_of
from yici.platform.trust.identity import assertions, checking, face
from yici.platform.trust.identity.assertions import AssertionRefused
from yici.platform.trust.identity.police import PoliceUnavailable
from yici.platform.trust.models import Assertion, FaceReference

pytestmark = pytest.mark.django_db

Check = Callable[[bytes], checking.Checked]


@pytest.fixture
def check(demo: Any, police_service: PoliceSandbox, pictures: Path) -> Check:
    """The daughter's face check; the police know her by one photograph."""
    account = demo.daughter
    police_service.register_photo(account.person.id_number, (pictures / "obama.jpg").read_bytes())
    return lambda picture: checking.check_face(account, picture, actor_of(account), liveness=0.9)


def test_her_own_face_makes_an_assertion(check: Check, pictures: Path, demo: Any) -> None:
    checked = check((pictures / "obama2.jpg").read_bytes())
    made = Assertion.objects.get()
    assert checked.succeeded and checked.token and checked.assertion == made
    assert (made.level, made.method, made.outcome, made.succeeded) == (2, "face", "matched", True)
    assert made.threshold == 0.5 and 0.2 < (made.distance or 0) < 0.5
    assert made.model == face.MODEL and made.liveness == 0.9 and made.account == demo.daughter
    assert made.expires_at - made.made_at == dt.timedelta(minutes=5)


def test_neither_the_capture_nor_a_readable_embedding_is_kept(check: Check, pictures: Path) -> None:
    capture = (pictures / "obama2.jpg").read_bytes()
    check(capture)
    seen = face.read((pictures / "obama.jpg").read_bytes()).embedding
    assert seen is not None and bytes(FaceReference.objects.get().embedding) == seen.tobytes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT embedding FROM trust_facereference")
        sealed = bytes(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM files_storedfile")
        assert cursor.fetchone()[0] == 0
    assert seen.tobytes()[:16] not in sealed and len(sealed) == len(seen.tobytes()) + 29


def test_another_person_is_refused(check: Check, pictures: Path) -> None:
    checked = check((pictures / "biden.jpg").read_bytes())
    assert checked.outcome == "other_person" and not checked.token
    assert (checked.assertion.distance or 0) > 0.6 and "不是同一人" in checked.words  # type: ignore[union-attr]


def test_a_capture_is_good_for_one_check(check: Check, pictures: Path) -> None:
    picture = Image.open(pictures / "obama2.jpg").convert("RGB")
    first, again = io.BytesIO(), io.BytesIO()
    picture.save(first, "PNG")
    picture.save(again, "PNG", dpi=(72, 72))
    assert check(first.getvalue()).succeeded
    assert check(first.getvalue()).outcome == "replayed"
    assert check(again.getvalue()).outcome == "replayed"
    assert list(Assertion.objects.order_by("id").values_list("succeeded", flat=True)) == [True, False, False]


def test_without_a_photo_of_the_police_another_way_is_named(demo: Any, police_service: Any, pictures: Path) -> None:
    account = demo.restaurateur
    checked = checking.check_face(account, (pictures / "obama.jpg").read_bytes(), actor_of(account))
    assert checked.outcome == "no_reference" and "窗口" in checked.words
    police_service.register_photo(account.person.id_number, b"no picture at all")
    assert (
        checking.check_face(account, (pictures / "obama.jpg").read_bytes(), actor_of(account)).outcome == "no_reference"
    )


def test_a_name_the_police_do_not_know_is_refused(demo: Any, police_service: PoliceSandbox, pictures: Path) -> None:
    account, capture = demo.daughter, (pictures / "obama.jpg").read_bytes()
    for change, outcome in (
        (lambda people: people.update({account.person.id_number: "李玫"}), "name_mismatch"),
        (lambda people: people.pop(account.person.id_number), "unknown_person"),
    ):
        change(police_service.registry.people)
        assert checking.check_face(account, capture, actor_of(account)).outcome == outcome
    police_service.registry.people[account.person.id_number] = account.person.name
    police_service.registry.dead.add(account.person.id_number)
    assert checking.check_face(account, capture, actor_of(account)).outcome == "deceased"


def test_the_police_not_answering_counts_as_no_try(check: Check, pictures: Path, police_service: PoliceSandbox) -> None:
    police_service.spoil("error")
    with pytest.raises(PoliceUnavailable):
        check((pictures / "obama2.jpg").read_bytes())
    assert not Assertion.objects.exists()
    assert check((pictures / "obama2.jpg").read_bytes()).succeeded


def test_the_reference_is_fetched_once(check: Check, pictures: Path, police_service: PoliceSandbox) -> None:
    assert check((pictures / "obama2.jpg").read_bytes()).succeeded
    police_service.spoil("error", count=5)
    assert check((pictures / "obama.jpg").read_bytes()).succeeded


def test_too_many_failures_within_an_hour_close_the_way(check: Check, demo: Any) -> None:
    for _try in range(8):
        assert check(b"no picture").outcome == "bad_file"
    with pytest.raises(TooManyRequests, match="窗口"):
        check(b"no picture")
    with clock.at(clock.now() + dt.timedelta(minutes=61)):
        assert check(b"no picture").outcome == "bad_file"


def test_the_person_sees_each_check_in_her_record(check: Check, pictures: Path, demo: Any) -> None:
    from yici.core.audit import queries

    check((pictures / "biden.jpg").read_bytes())
    entries = queries.entries_about("person", demo.daughter.person.pk, 5)
    assert ["人脸核验：未通过" in entry.purpose or "公安身份服务" in entry.purpose for entry in entries[:2]] == [
        True,
        True,
    ]


def test_a_check_authorises_what_it_was_made_for_and_a_failed_one_nothing(
    check: Check, pictures: Path, demo: Any
) -> None:
    person = demo.daughter.person
    checked = check((pictures / "obama2.jpg").read_bytes())
    with pytest.raises(AssertionRefused) as caught:
        assertions.use(checked.token, person, "sign:ab12")
    assert caught.value.reason == "other_purpose"
    assert assertions.use(checked.token, person, "session").used_for == "session"
    failed = assertions.Proof(assertions.FACE, Assertion.Method.FACE, "other_person", succeeded=False)
    _made, token = assertions.write(person, failed)
    with pytest.raises(AssertionRefused) as caught:
        assertions.use(token, person, "session")
    assert caught.value.reason == "failed"


def test_deleting_the_reference_leaves_nothing_of_the_face(check: Check, pictures: Path, demo: Any) -> None:
    check((pictures / "obama2.jpg").read_bytes())
    assert checking.forget_reference(demo.daughter.person, audit.SYSTEM) == 1
    assert not FaceReference.objects.exists()
