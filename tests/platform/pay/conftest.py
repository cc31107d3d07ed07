"""A sandbox of all providers over real sockets, and what it takes to have something to pay."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from yici.core.ledger import queries as ledger
from yici.platform.pay import queries, services
from yici.platform.pay.models import PayOrder
from yici.platform.pay.sandbox import keys
from yici.platform.pay.sandbox.book import Book
from yici.platform.pay.sandbox.server import in_thread, serve

PROVIDERS = ("wechat", "alipay", "unionpay")
ALL = pytest.mark.parametrize("provider", PROVIDERS)
Call = tuple[dict[str, str], bytes]  # headers and body


@pytest.fixture(scope="session")
def pay_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pay-keys")
    keys.ensure(folder)
    return folder


class Live:
    """The sandbox in a thread, an empty one for each test."""

    def __init__(self, store: Path, key_folder: Path, merchants: dict[str, dict[str, str]]) -> None:
        self.server = serve("127.0.0.1", 0, store, key_folder, merchants)
        self.shop = self.server.shop  # type: ignore[attr-defined]
        self.book: Book = self.shop.book
        self.url: str = self.shop.base
        self.thread = in_thread(self.server)

    def spoil(self, call: str, mode: str, count: int = 1, seconds: float = 2) -> None:
        wish = {"call": call, "mode": mode, "count": count, "seconds": seconds}
        httpx.post(f"{self.url}/control", json=wish, trust_env=False).raise_for_status()

    def pay(self, number: str, fen: int | None = None) -> None:
        """The payer confirms on the provider's page."""
        trade = next(row for row in self.book.trades("open") if row["number"] == number)
        data = {} if fen is None else {"fen": str(fen)}
        httpx.post(f"{self.url}/pay/{trade['code']}", data=data, trust_env=False).raise_for_status()

    def trade(self, provider: str, number: str) -> sqlite3.Row:
        """What the provider knows of one of our attempts."""
        found = self.book.trade(provider, number)
        assert found is not None
        return found

    def notice(self, provider: str, number: str) -> Call:
        """The callback of a paid trade, signed now."""
        return self.shop.sides[provider].letter(self.trade(provider, number)).write()  # type: ignore[no-any-return]

    def deliver(self, client: Client, provider: str, number: str) -> Any:
        """The callback of a paid trade, into our callback page; the answer."""
        return post_notice(client, provider, *self.notice(provider, number))

    def give_back(self, provider: str, number: str, refund_number: str, fen: int) -> Call:
        """A refund of a trade that we did not send, as on the provider's own pages; its callback, which nobody has delivered."""
        row = self.book.refund(self.trade(provider, number), refund_number, fen, {"url": "x"})
        return self.shop.sides[provider].refund_letter(row).write()  # type: ignore[no-any-return]

    def taken(self, provider: str) -> int:
        """Fen that the provider holds for us: what came less what went back."""
        with self.book.locked() as connection:
            paid = connection.execute(
                "SELECT coalesce(sum(fen), 0) FROM trade WHERE provider = ? AND state = 'paid'", [provider]
            ).fetchone()[0]
            back = connection.execute(
                "SELECT coalesce(sum(fen), 0) FROM refund WHERE provider = ?", [provider]
            ).fetchone()[0]
        return int(paid - back)

    def stop(self) -> None:
        self.shop.postman.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def post_notice(client: Client, provider: str, headers: dict[str, str], body: bytes) -> Any:
    given = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if name != "Content-Type"
    }
    kind = headers.get("Content-Type", "application/octet-stream")
    return client.generic("POST", f"/pay/notice/{provider}/", body, content_type=kind, **given)


@pytest.fixture
def sandbox(tmp_path: Path, pay_keys: Path, settings: Any) -> Iterator[Live]:
    """Callbacks are held back (nobody listens at SITE_URL): tests deliver them by hand."""
    settings.PAY_KEYS = pay_keys
    live = Live(tmp_path / "pay", pay_keys, settings.PAY_MERCHANTS)
    settings.PAY_ENDPOINTS = dict.fromkeys(settings.PAY_ENDPOINTS, live.url)
    settings.SITE_URL = "http://127.0.0.1:9"
    yield live
    live.stop()


def permit_order(account: Any, key: str = "k1", **extra: Any) -> PayOrder:
    """Twenty yuan for a residence permit made again, at the bureau of 谯城区."""
    order = services.order_for(
        key,
        [services.Charge("juzhuzheng-bufa")],
        title="居住证补领",
        payer=account.person,
        account=account,
        division="341602000000",
        **extra,
    )
    assert order is not None
    return order


def house_order(account: Any, key: str = "house") -> PayOrder:
    """Four payments in one: registration 80, deed tax 1.5 % of 456,789.01, transaction 2 × 89, survey 1.36 × 89."""
    charges = [
        services.Charge("budongchan-dengji-zhuzhai"),
        services.Charge("fangwu-qishui", of=45678901, facts={"house.is_first": "1"}),
        services.Charge("fangwu-jiaoyi-shouxu", quantity=89),
        services.Charge("fangchan-cehui", quantity=89),
    ]
    order = services.order_for(key, charges, title="不动产转移登记一次缴费", payer=account.person, account=account)
    assert order is not None
    return order


def paid_order(
    account: Any,
    sandbox: Live,
    client: Client,
    key: str = "k1",
    provider: str = "wechat",
    order: PayOrder | None = None,
) -> PayOrder:
    order = order or permit_order(account, key)
    attempt = services.begin(order.number, provider, account)
    sandbox.pay(attempt.number)
    assert sandbox.deliver(client, provider, attempt.number).status_code == 200
    order.refresh_from_db()
    assert order.state == PayOrder.State.PAID
    return order


def refund(order: PayOrder, fen: int, key: str, account: Any, available: int | None = None) -> Any:
    payment, left = queries.refundable_of(order)
    assert payment is not None
    found = services.request_refund(
        payment, fen, available=left if available is None else available, key=key, reason="测试", account=account
    )
    services.send_refund(found.number)
    found.refresh_from_db()
    return found


def books_agree(sandbox: Live, *providers: str) -> bool:
    """Money in the ledger is money at the provider, to the fen."""
    from yici.core.ledger.services import verify

    assert verify() == []
    for provider in providers or ("wechat",):
        assert ledger.balance_of(f"provider:{provider}") == sandbox.taken(provider), provider
    return True


class Mailbox:
    """Somebody who listens where callbacks are sent, and keeps them for the test to hand on."""

    def __init__(self) -> None:
        self.calls: list[Call] = []


@pytest.fixture
def live_notice(settings: Any, sandbox: Live) -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.calls.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"success")

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.SITE_URL = f"http://127.0.0.1:{server.server_address[1]}"
    yield box
    server.shutdown()
    server.server_close()
    thread.join()
