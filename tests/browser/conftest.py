"""A real site for a real browser: web server, worker and the sandboxes of its partners over a database of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.processes import shift
from tests.conftest import SERVER, SmsSandbox, cloned_city, free_port, wait_until
from tests.environment import ROOT
from yici.base.cityfolder import city_folder, read_yaml

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("YICI_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1440, "height": 900}
LIGHTEST = {"phone": 40_000, "desk": 60_000}  # bytes of HTML, CSS and scripts, compressed
FAULTS = """() => axe.run({resultTypes: ['violations']}).then(found => found.violations
    .filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')))"""
WEIGHT = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(one => !['img', 'other'].includes(one.initiatorType)).reduce((sum, one) => sum + one.encodedBodySize, 0)"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    url: str
    sms: SmsSandbox
    started: float
    police: str
    cashier: str
    looked_at: set[tuple[object, ...]] = field(default_factory=set)
    asked: dict[str, float] = field(default_factory=dict)  # phone → when a code was last sent to it
    demo: Any = field(default_factory=lambda: read_yaml(city_folder() / "demo.yaml"))

    def citizen(self, key: str) -> Any:
        return next(one for one in self.demo["citizens"] if one["key"] == key)

    def staff(self, key: str) -> Any:
        return next(one for one in self.demo["staff"] if one["key"] == key)

    def phone_for(self, wanted: str) -> str:
        """The number, or another where it got a code within the last minute: a phone gets one a minute."""
        now = time.monotonic()
        phone = wanted if now - self.asked.get(wanted, -120.0) > 65 else f"139567{60_000 + len(self.asked)}"
        self.asked[phone] = now
        return phone

    def digits(self) -> str:
        """What the demo staff's authenticator shows now, by the site's clock."""
        from yici.core.people.services.second_factor import totp_code

        return totp_code(self.demo["totp_secret"], int((time.time() + shift(self.started)) // 30))


@pytest.fixture(scope="package")
def site(sms_server: SmsSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Served until the browser tests are over; nobody else sees its database."""
    database, port, police, cashier = f"yici_site_{os.getpid()}", free_port(), free_port(), free_port()
    started = time.time()
    clones = contextlib.ExitStack()
    clones.enter_context(cloned_city(database))
    url = SERVER.replace("/yici?", f"/{database}?")
    with psycopg.connect(url, autocommit=True) as connection:  # staff have held their posts for years
        connection.execute("UPDATE people_rolegrant SET valid_from = '2017-01-01'")
    home = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ, "DATABASE_URL": url, "YICI_HOME": str(home), "YICI_PORT": str(port),
        "YICI_SMS_ENDPOINT": sms_server.url, "YICI_TEST_STARTED": str(started),
        "YICI_POLICE_ENDPOINT": f"http://127.0.0.1:{police}",
        **{f"YICI_{name}_ENDPOINT": f"http://127.0.0.1:{cashier}" for name in ("WECHAT", "ALIPAY", "UNIONPAY", "BILLERS")},
        "DJANGO_SETTINGS_MODULE": "yici.web.settings",
    }  # fmt: skip
    python = [sys.executable, "-m"]
    _run([*python, "django", "collectstatic", "--noinput", "--verbosity", "0"], environment)
    web = [
        *python, "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "tests.browser.processes:application",
    ]  # fmt: skip
    sandbox = [
        *python, "yici.platform.trust.identity.sandbox", "--port", str(police),
        "--store", str(home / "sandbox" / "police"), "--client", str(home / "trust" / "police-client.pub"),
    ]  # fmt: skip
    paying = [
        *python, "yici.platform.pay.sandbox", "--port", str(cashier), "--store", str(home / "pay-sandbox"),
        "--keys", str(home / "pay"),
    ]  # fmt: skip
    log = (home / "site.log").open("wb")
    parts = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        for command in (web, sandbox, paying, [*python, "tests.browser.processes"])
    ]
    try:
        _wait_until_up(f"http://127.0.0.1:{port}", parts, home / "site.log")
        moved = {"skew": shift(started)}  # the cashier tells the story's time too, or its letters would be stale
        httpx.post(f"http://127.0.0.1:{cashier}/control", json=moved, trust_env=False).raise_for_status()
        yield Site(
            f"http://127.0.0.1:{port}", sms_server, started, f"http://127.0.0.1:{police}", f"http://127.0.0.1:{cashier}"
        )
    finally:
        for part in parts:
            os.killpg(part.pid, signal.SIGTERM)
        for part in parts:
            part.wait(10)
        log.close()
        clones.close()


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_until_up(url: str, parts: list[subprocess.Popen[bytes]], log: Path) -> None:
    def up() -> bool:
        assert all(part.poll() is None for part in parts), log.read_text()
        try:
            return httpx.get(f"{url}/health/", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(up, 40)


@pytest.fixture(scope="package")
def axe() -> str:
    """The accessibility checker; it comes with the front-end packages."""
    if not AXE.exists():
        _run(["npm", "ci", "--no-audit", "--no-fund"], dict(os.environ))
    return AXE.read_text()


@pytest.fixture(scope="package")
def browser(site: Site) -> Iterator[Browser]:
    """One Chromium for the package only: while Playwright runs, Django refuses the database in this process."""
    assert Path(CHROMIUM).exists(), f"no Chromium at {CHROMIUM}: apt install chromium, or set YICI_CHROMIUM"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@dataclass
class Device:
    """A phone or a desk: one person's browser, and what is wrong with the pages it shows."""

    page: Page
    site: Site
    kind: str
    axe: str
    complaints: list[str] = field(default_factory=list)
    seen: int = 0

    def open(self, address: str) -> Device:
        self.page.goto(address if address.startswith("http") else self.site.url + address)
        return self.check()

    def until(self, address: str, seen: Callable[[], bool], seconds: float = 30) -> None:
        """Opens the page again and again until the worker has done what shall be `seen` on it."""

        def reopened() -> bool:
            self.page.goto(self.site.url + address)
            return seen()

        wait_until(reopened, seconds)

    def press(self, words: str, **values: str) -> Device:
        """Fill the named fields, press the button or link with these words, and look at what comes."""
        for name, value in values.items():
            self.fill(name.replace("__", "."), value)
        main = self.page.locator("main")
        target = main.get_by_role("button", name=words, exact=True).or_(
            main.get_by_role("link", name=words, exact=True)
        )
        with self.page.expect_navigation():
            target.first.click()
        return self.check()

    def fill(self, name: str, value: str) -> None:
        control = self.page.locator(f"main [name='{name}']:visible")
        if control.first.evaluate("one => one.tagName") == "SELECT":
            control.first.select_option(value)
        elif control.first.get_attribute("type") == "radio":
            self.page.locator(f"main [name='{name}'][value='{value}']").check()
        else:
            control.first.fill(value)

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def says(self, *words: str) -> Device:
        for one in words:
            assert re.sub(r"\s", "", one) in re.sub(r"\s", "", self.text), (
                f"“{one}” is not on {self.page.url}:\n{self.text}"
            )
        return self

    def check(self) -> Device:
        """What every page owes everybody: a title, a language, no sideways scrolling, no fault, little weight."""
        page, where = self.page, self.page.url
        self.seen += 1
        self._picture()
        assert page.title().strip(" ·") and page.title().split(" · ")[0].strip(), f"no title: {where}"
        assert page.evaluate("document.documentElement.lang") in ("zh-CN", "en"), where
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{where} is {wide} px wider than the screen"
        self._look_for_faults()
        weight = page.evaluate(WEIGHT)
        assert weight < LIGHTEST[self.kind], f"{where} weighs {weight} bytes"
        assert not self.complaints, f"{where}: {self.complaints}"
        return self

    def _look_for_faults(self) -> None:
        """Each page once in each shape it takes: the same page with as many parts is not looked at again."""
        parts = self.page.evaluate("document.documentElement.lang + document.querySelectorAll('body *').length")
        shape = (self.kind, re.sub(r"/[^/]*\d[^/]*", "/*", self.page.url), self.page.title(), parts)
        if shape not in self.site.looked_at:
            self.page.evaluate(self.axe)
            faults = self.page.evaluate(FAULTS)
            assert not faults, f"{self.page.url}: {json.dumps(faults, ensure_ascii=False)}"
            self.site.looked_at.add(shape)

    def note(self, message: ConsoleMessage) -> None:
        """Errors of a page; Chromium also reports an answered 4xx as one, which is how a refused form comes back."""
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)

    def _picture(self) -> None:
        if os.environ.get("YICI_SHOTS") == "1":
            folder = ROOT / "screenshots"
            folder.mkdir(exist_ok=True)
            name = re.sub(r"[^\w]+", "-", self.page.url.removeprefix(self.site.url)).strip("-")[:60] or "home"
            width = (self.page.viewport_size or PHONE)["width"]
            self.page.screenshot(path=folder / f"{width}-{self.seen:02d}-{name}.png", full_page=True)


@pytest.fixture
def device(browser: Browser, site: Site, axe: str) -> Iterator[Callable[..., Device]]:
    """`device("phone")`, `device("desk")`: a fresh browser context each; extra options go to Playwright."""
    contexts: list[BrowserContext] = []

    def new(kind: str, cookies: dict[str, str] | None = None, **options: Any) -> Device:
        context = browser.new_context(viewport=PHONE if kind == "phone" else DESK, locale="zh-CN", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        for name, value in (cookies or {}).items():
            context.add_cookies([{"name": name, "value": value, "url": site.url}])
        made = Device(context.new_page(), site, kind, axe)
        made.page.on("console", made.note)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        return made

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in_citizen(site: Site, browser: Browser) -> Callable[..., Device]:
    """Signs in by name, number and the code shown on the sandbox's own page."""

    def _sign_in(person: Device, key: str, phone: str = "") -> Device:
        entry = site.citizen(key)
        phone = site.phone_for(phone or entry["phone"])
        before = len(site.sms.messages(phone))
        person.press("获取验证码", name=entry["name"], id_number=entry["id_number"], phone=phone)
        assert person.page.locator("main [name=code]").count(), person.text
        wait_until(lambda: len(site.sms.messages(phone)) > before, 90)  # a first attempt that failed is made again
        inbox = person.page.context.new_page()
        inbox.goto(site.sms.url)
        code = re.search(rf"{phone}.*?验证码(\d{{6}})", inbox.locator("body").inner_text(), re.DOTALL)
        inbox.close()
        assert code, "the sandbox shows no code"
        return person.press("登录", code=code[1])

    return _sign_in


@pytest.fixture
def sign_in_staff(site: Site) -> Callable[[Device, str], Device]:
    """Signs in by password and the authenticator's digits."""

    def _sign_in(person: Device, key: str) -> Device:
        person.open("/login/staff/").press(
            "下一步", username=site.staff(key)["username"], password=site.demo["password"]
        )
        return person.press("登录", code=site.digits())

    return _sign_in
