"""Identity in a real browser: a face before a camera that plays a photograph, and passkeys of a virtual authenticator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.conftest import CHROMIUM, DESK, PHONE, QUIET, Device, Site

# The guidance runs on WebGL; without a graphics card Chromium draws it in software.
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SLOW = 180_000  # milliseconds: three looks at a face in software, on a busy machine


@pytest.fixture
def camera(browser: Browser, pictures: Path, tmp_path: Path) -> Iterator[Browser]:
    """A Chromium whose camera shows one photograph, 640 × 480, and whose user allows it."""
    picture = Image.open(pictures / "obama2.jpg").convert("RGB").crop((0, 150, 626, 150 + 563))
    film = tmp_path / "face.mjpeg"
    picture.resize((640, 576)).crop((0, 48, 640, 528)).save(tmp_path / "frame.jpg", quality=92)
    film.write_bytes((tmp_path / "frame.jpg").read_bytes() * 30)
    flags = [flag for flag in QUIET if flag != "--disable-gpu"]
    started = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=[
            *flags, *SOFTWARE_GL, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )  # fmt: skip
    yield started
    started.close()


@pytest.fixture
def named(site: Site) -> Site:
    """The same site by a host name: browsers make no passkeys for a bare network address."""
    return dataclasses.replace(site, url=site.url.replace("127.0.0.1", "localhost"))


def authenticator(page: Page) -> None:
    """A platform authenticator that verifies its user: a phone with a fingerprint."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def click(device: Device, words: str) -> Device:
    with device.page.expect_navigation():
        device.page.locator("main").get_by_role("button", name=words).click()
    return device.check()


def test_a_face_then_a_passkey_raise_a_citizens_session(
    camera: Browser, site: Site, named: Site, axe: str, pictures: Path, sign_in_citizen: Callable[..., Device]
) -> None:
    entry = site.citizen("daughter")
    photo = (pictures / "obama.jpg").read_bytes()
    assert httpx.put(f"{site.police}/photos/{entry['id_number']}", content=photo, timeout=5).status_code == 200
    context = camera.new_context(viewport=PHONE, locale="zh-CN", permissions=["camera"])
    context.set_default_timeout(10_000)
    phone = Device(context.new_page(), named, "phone", axe)
    phone.page.on("console", phone.note)
    phone.page.on("pageerror", lambda error: phone.complaints.append(str(error)))
    phone.open("/login/?next=/items/geti-gongshanghu/")
    sign_in_citizen(phone, "daughter").press("立即办理").says("需要核验到“实人”")
    phone.page.get_by_role("link", name="人脸核验").click()
    phone.check().says("请本人在光线充足的地方")
    with phone.page.expect_navigation(timeout=SLOW, wait_until="load"):
        phone.page.get_by_role("button", name="打开摄像头").click()
    phone.check().says("身份已核验到“实人”")
    assert phone.page.url.endswith("/items/geti-gongshanghu/")
    phone.press("立即办理")
    assert "/apply/" in phone.page.url
    authenticator(phone.page)
    phone.open("/my/identity/passkey/").says("绑定到您本人")
    click(phone, "绑定通行密钥").says("通行密钥已添加")
    click(phone, "使用通行密钥").says("身份已核验到“实证”", "人脸比对", "通行密钥")
    context.close()


def test_staff_sign_in_with_a_passkey_and_no_code(
    device: Callable[..., Device], sign_in_staff: Callable[[Device, str], Device], named: Site
) -> None:
    desk = device("desk")
    desk.site = named
    sign_in_staff(desk, "chief")
    authenticator(desk.page)
    desk.open("/desk/security/")
    click(desk, "添加通行密钥").says("通行密钥已添加")
    desk.page.context.clear_cookies()
    desk.open("/login/staff/")
    desk.press("下一步", username=named.staff("chief")["username"], password=named.demo["password"])
    click(desk, "使用通行密钥")
    assert desk.page.url.endswith("/desk/")


def test_a_passkey_that_cannot_be_made_is_told(
    device: Callable[..., Device], sign_in_staff: Callable[[Device, str], Device]
) -> None:
    desk = device("desk")  # by its network address, for which no browser makes one
    sign_in_staff(desk, "supervisor").open("/desk/security/")
    desk.page.get_by_role("button", name="添加通行密钥").click()
    desk.page.get_by_role("alert").filter(has_text="通行密钥没有完成").wait_for()


def test_the_ways_fit_a_desk_and_elder_mode(
    device: Callable[..., Device], sign_in_citizen: Callable[..., Device], site: Site
) -> None:
    for kind, cookies in (("desk", {}), ("phone", {"elder": "1"})):
        person: Any = device(kind, cookies)
        assert person.page.viewport_size == (DESK if kind == "desk" else PHONE)
        person.open("/login/?next=/my/identity/")
        sign_in_citizen(person, "pig_farmer" if kind == "desk" else "patient")
        for address in ("", "face/", "window/", "passkey/"):
            person.open(f"/my/identity/{address}")
