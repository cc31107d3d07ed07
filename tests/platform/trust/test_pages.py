"""The public check pages, a citizen's own certificates, and the same over JSON."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from yici.core.audit import services as audit
from yici.core.audit.models import Entry
from yici.core.people import services as people
from yici.platform.trust import services
from yici.platform.trust.models import Certificate

pytestmark = pytest.mark.django_db


def test_qr_page_says_genuine_and_shows_nothing_personal(client: Client, certificate: Certificate) -> None:
    answer = client.get(f"/verify/{certificate.check_code}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "真实有效" in page and certificate.number in page and "涡阳县民政局" in page
    assert "342124194503121221" not in page and "王秀英" not in page and "陆杨村3组27号" not in page


def test_typed_code_leads_to_the_result(client: Client, certificate: Certificate) -> None:
    code = certificate.check_code
    answer = client.post("/verify/", {"code": f" {code[:4]}-{code[4:8]}-{code[8:].lower()} "})
    assert answer.status_code == 302 and answer["Location"] == f"/verify/{code}/"


def test_bad_code_is_explained_beside_the_field(client: Client) -> None:
    answer = client.post("/verify/", {"code": "12"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "查验码应为 12 位" in page and 'href="#field-code"' in page and "错误：" in page


def test_unknown_code_is_404_with_advice(client: Client) -> None:
    answer = client.get("/verify/AAAABBBBCCCC/")
    assert answer.status_code == 404
    assert "没有查到这个查验码" in answer.content.decode()


def test_uploaded_file_is_judged(client: Client, certificate: Certificate, pdf: bytes) -> None:
    good = client.post("/verify/", {"by": "file", "file": SimpleUploadedFile("a.pdf", pdf)})
    assert "真实有效" in good.content.decode()
    bad = client.post("/verify/", {"by": "file", "file": SimpleUploadedFile("a.pdf", pdf.replace(b"Seal", b"Sea1"))})
    assert "查验未通过" in bad.content.decode()


def test_missing_file_is_asked_for(client: Client) -> None:
    answer = client.post("/verify/", {"by": "file"})
    assert answer.status_code == 422 and "请先选择要查验的证照文件" in answer.content.decode()


def test_revoked_certificate_page_gives_the_reason(client: Client, certificate: Certificate) -> None:
    services.revoke(certificate.identifier, "材料不实", audit.SYSTEM)
    page = client.get(f"/verify/{certificate.check_code}/").content.decode()
    assert "已经失效" in page and "材料不实" in page and "真实有效" not in page


def test_citizen_lists_opens_and_downloads_own_certificate(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate, pdf: bytes
) -> None:
    sign_in(client, demo.farmer)
    assert "高龄津贴领取证" in client.get("/my/certificates/").content.decode()
    page = client.get(f"/my/certificates/{certificate.identifier}/").content.decode()
    assert "342124194503121221" not in page and "50.00" in page
    looks = Entry.objects.filter(actor_id=demo.farmer.pk, action="read").count()
    assert "342124194503121221" in client.post(f"/my/certificates/{certificate.identifier}/").content.decode()
    assert Entry.objects.filter(actor_id=demo.farmer.pk, action="read").count() == looks + 1
    answer = client.get(f"/my/certificates/{certificate.identifier}/file/pdf/")
    assert answer.content == pdf
    assert answer["Content-Disposition"].startswith("attachment")


def test_another_persons_certificate_is_not_there(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate
) -> None:
    sign_in(client, demo.restaurateur)
    for path in ("", "file/pdf/"):
        assert client.get(f"/my/certificates/{certificate.identifier}/{path}").status_code == 404
    assert client.get(f"/files/{certificate.file_id}/").status_code == 404
    assert "还没有电子证照" in client.get("/my/certificates/").content.decode()


def test_list_makes_a_constant_number_of_queries(
    client: Client, demo: Any, sign_in: Any, certificate: Certificate, django_assert_max_num_queries: Any
) -> None:
    from tests.platform.trust.conftest import issue_to

    for serial in range(12):
        issue_to(demo, f"3416002026112300001{serial:02d}")
    sign_in(client, demo.farmer)
    client.get("/my/certificates/")
    with django_assert_max_num_queries(9):
        client.get("/my/certificates/")


def test_api_checks_by_code_and_by_file(client: Client, certificate: Certificate, pdf: bytes) -> None:
    by_code = client.get(f"/api/v1/verify/{certificate.check_code}").json()
    assert by_code["genuine"] is True and by_code["certificate"]["identifier"] == certificate.identifier
    assert "342124194503121221" not in str(by_code)
    by_file = client.post("/api/v1/verify", {"file": SimpleUploadedFile("a.pdf", pdf)}).json()
    assert by_file["outcome"] == "genuine"
    assert client.get("/api/v1/verify/none").json()["outcome"] == "unknown"


def test_api_lists_own_certificates_only(client: Client, demo: Any, certificate: Certificate) -> None:
    mine = {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(demo.farmer, 1)}"}
    other = {"HTTP_AUTHORIZATION": f"Bearer {people.issue_token(demo.restaurateur, 1)}"}
    listed = client.get("/api/v1/my/certificates", **mine).json()["items"]
    assert [entry["identifier"] for entry in listed] == [certificate.identifier]
    assert client.get("/api/v1/my/certificates", **other).json()["items"] == []
    assert client.get(f"/api/v1/my/certificates/{certificate.identifier}/file", **other).status_code == 404
    assert client.get("/api/v1/my/certificates").status_code == 401
