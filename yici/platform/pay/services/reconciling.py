"""Each morning: every provider's bill against the books. Balanced, or a list of named differences; nothing is adjusted silently.

A bill is believed whole or not at all. Holding it against the books writes only differences; money moves when a person
decided so, by the same functions as ever. What a later look finds gone is marked settled and stays to be seen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, Unavailable
from yici.core.audit import services as audit
from yici.core.ledger import services as ledger
from yici.core.ledger.services import Leg
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.pay import providers
from yici.platform.pay.models import BillRow, DayBill, Difference, Payment, Refund
from yici.platform.pay.providers import PROVIDERS, BillUnreadable, NoBill, Paid, Refunded, Refused, Row
from yici.platform.pay.providers.days import EDGE, span
from yici.platform.pay.providers.money import SHANGHAI
from yici.platform.pay.services.paying import settle
from yici.platform.pay.services.refunding import book_foreign, conclude, request_refund

READY_HOUR = 10  # providers make yesterday's bills by then
LOOK_BACK = 7  # days
ONCE = (Difference.Action.BOOK, Difference.Action.BOOK_REFUND, Difference.Action.RETURN)
BATCH = 2000  # differences a statement: a bill may be wholly wrong
logger = logging.getLogger(__name__)


def reconcile(provider: str, day: dt.date) -> DayBill:
    """Fetch the day's bill and hold it against the books."""
    adapter = providers.provider(provider)
    try:
        content = adapter.bill(day)
    except NoBill as error:
        return _without_bill(provider, day, str(error.message))
    except (Unavailable, Refused) as error:
        return _remember(provider, day, DayBill.State.MISSING, str(error.message))
    except BillUnreadable as error:
        return _remember(provider, day, DayBill.State.BROKEN, str(error.message))
    return take_bill(provider, day, content)


def take_bill(provider: str, day: dt.date, content: bytes) -> DayBill:
    """Read a bill, keep the file and its rows, and hold it against the books. A bill that cannot be believed changes nothing."""
    digest = hashlib.sha256(content).hexdigest()
    _keep(provider, day, digest, content)
    try:
        rows = list(providers.provider(provider).read_bill(content))
        _check_day(provider, rows, day)
    except BillUnreadable as error:
        return _remember(provider, day, DayBill.State.BROKEN, str(error.message), digest)
    with transaction.atomic():
        bill = _locked(provider, day)
        BillRow.objects.filter(bill=bill)._raw_delete(using="default")
        _copy(bill, rows)
        bill.sha256, bill.fetched_at, bill.detail = digest, clock.now(), ""
        return _hold(bill)


def hold_again(bill: DayBill) -> DayBill:
    """Hold the bill that is there against the books as they are now."""
    with transaction.atomic():
        return _hold(_locked(bill.provider, bill.day))


def reconcile_due(limit_days: int = LOOK_BACK) -> dict[str, str]:
    """Every provider's last days that were not held yet or had no credible bill; what came of each."""
    now = clock.now().astimezone(SHANGHAI)
    if now.hour < READY_HOUR:
        return {}
    results = {}
    for back in range(1, limit_days + 1):
        day = now.date() - dt.timedelta(days=back)
        for provider in PROVIDERS:
            known = DayBill.objects.filter(provider=provider, day=day).first()
            if known is None or known.state in (DayBill.State.MISSING, DayBill.State.BROKEN):
                if back > 1 and known is None and not Payment.objects.filter(provider=provider, day=day).exists():
                    continue
                results[f"{provider} {day}"] = reconcile(provider, day).state
    return results


def decide(difference_id: int, action: str, note: str, account: Account) -> Difference:
    """A person decides what is done about a difference, and it is done. Raises `Conflict` where it is decided or gone already."""
    if action not in Difference.Action.values:
        raise Invalid(_("请选择处理方式。"), fields={"action": _("请选择处理方式。")})
    if not note.strip():
        raise Invalid(_("请写明处理依据。"), fields={"note": _("请写明处理依据。")})
    with transaction.atomic():
        found = Difference.objects.select_for_update(of=("self",)).select_related("bill").get(pk=difference_id)
        if found.decision in ONCE or found.is_settled:
            raise Conflict(_("这项差异已经处理，请刷新页面。"))
        found.decision, found.note = action, note.strip()[:1000]
        found.decided_by, found.decided_at = account, clock.now()
        _carry_out(found, account)
        found.save()
        label = f"{found.get_kind_display()} {found.subject}"
        audit.record(
            actor_of(account), "decide", subject=("reconciliation", f"{found.bill.provider} {found.bill.day}"),
            purpose=f"对账差异“{label}”：{found.get_decision_display()}，{found.note}",
        )  # fmt: skip
    hold_again(found.bill)
    found.refresh_from_db()
    return found


def _carry_out(found: Difference, account: Account) -> None:
    bill = found.bill
    if found.decision == Difference.Action.BOOK:
        row = BillRow.objects.filter(bill=bill, kind="payment", trade_no=found.subject).first()
        if found.kind != Difference.Kind.ONLY_BILL or row is None:
            raise Invalid(_("只有账单上有、我方没有的收款才能补记。"))
        settle(bill.provider, [Paid(row.trade_no, row.number, row.fen, _moment(row), bill.day)], seen_by="bill")
    elif found.decision == Difference.Action.BOOK_REFUND:
        row = BillRow.objects.filter(bill=bill, kind="refund", refund_number=found.subject).first()
        if found.kind != Difference.Kind.ONLY_BILL_REFUND or row is None:
            raise Invalid(_("只有账单上有、我方没有的退款才能补记。"))
        outcome = Refunded("done", "", _moment(row), day=bill.day)
        ours = Refund.objects.filter(number=row.refund_number, payment__provider=bill.provider).first()
        if ours is not None and ours.state in (Refund.State.ASKED, Refund.State.SENT) and ours.fen == row.fen:
            conclude(ours, outcome)
        elif ours is None:
            book_foreign(
                bill.provider, row.trade_no, row.refund_number, row.fen, outcome, reason=found.note, account=account
            )
        else:
            raise Conflict(_("我方这笔退款的状态或金额与账单矛盾，请先向支付机构查询。"))
    elif found.decision == Difference.Action.BOOK_FEE:
        if found.kind != Difference.Kind.FEE:
            raise Invalid(_("只有账单上的手续费才能记手续费。"))
        _book_fee(bill, found.note)
    elif found.decision == Difference.Action.RETURN:
        payment = Payment.objects.filter(
            provider=bill.provider, trade_no=found.subject, place=Payment.Place.PARKED
        ).first()
        if payment is None:
            raise Invalid(_("只有暂存的款可以原路退回。"))
        left = payment.fen - payment.refunded
        request_refund(
            payment,
            left,
            available=left,
            key=f"return:{payment.provider}:{payment.trade_no}",
            reason=found.note,
            account=account,
        )


def _moment(row: BillRow) -> dt.datetime:
    """When a row's money moved; in the middle of the accounting day where the bill does not tell."""
    return row.at or span(row.bill.provider, row.bill.day)[0] + dt.timedelta(hours=12)


def _check_day(provider: str, rows: list[Row], day: dt.date) -> None:
    begin, end = span(provider, day)
    strangers = [row for row in rows if row.at and not begin - EDGE <= row.at < end + EDGE]
    if strangers:
        raise BillUnreadable(
            _("账单里有 %(count)s 笔不是 %(day)s 的，可能取错了日期。") % {"count": len(strangers), "day": day}
        )


def _locked(provider: str, day: dt.date) -> DayBill:
    """The day's bill, held alone: days of one provider are compared one after another, for they look at their neighbours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"pay.reconciling:{provider}"])
    DayBill.objects.get_or_create(provider=provider, day=day, defaults={"state": DayBill.State.MISSING})
    return DayBill.objects.select_for_update().get(provider=provider, day=day)


@transaction.atomic
def _remember(provider: str, day: dt.date, state: str, detail: str, digest: str = "") -> DayBill:
    """No credible bill: what was held before stays as it was, only the state and the reason are told."""
    bill = _locked(provider, day)
    bill.state, bill.detail, bill.sha256 = state, detail, digest or bill.sha256
    _own_totals(bill)
    bill.save()
    logger.warning("bill of %s for %s: %s %s", provider, day, state, detail)
    return bill


def _without_bill(provider: str, day: dt.date, detail: str) -> DayBill:
    """The provider says that nothing was traded: right where we have nothing either."""
    traded = (
        Payment.objects.filter(provider=provider, day=day).exists()
        or Refund.objects.filter(payment__provider=provider, day=day).exists()
    )
    return _remember(provider, day, DayBill.State.MISSING if traded else DayBill.State.BALANCED, detail)


def _keep(provider: str, day: dt.date, digest: str, content: bytes) -> None:
    """The file as it came, by its digest: evidence in a dispute."""
    folder = Path(settings.HOME) / "pay-bills" / provider
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day.isoformat()}-{digest[:16]}"
    if not path.exists():
        path.write_bytes(content)


def _copy(bill: DayBill, rows: list[Row]) -> None:
    columns = "bill_id, kind, trade_no, number, refund_number, fen, fee_fen, at"
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY pay_billrow ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((bill.pk, row.kind, row.trade_no, row.number, row.refund_number, row.fen, row.fee, row.at))


# The bill says on which accounting day something stands. Where the hour made it a neighbouring day for us, and the bill of
# that day does not have it, ours moves to the bill's day: no money moves, and both days have one total on both sides.
_PAYMENT_DAYS = """
UPDATE pay_payment p SET day = %(day)s FROM pay_billrow r, pay_payment o
WHERE r.bill_id = %(bill)s AND r.kind = 'payment' AND o.id = p.id
  AND p.provider = %(provider)s AND p.trade_no = r.trade_no AND p.day IN (%(day)s - 1, %(day)s + 1)
  AND NOT EXISTS (SELECT FROM pay_billrow n JOIN pay_daybill b ON b.id = n.bill_id
    WHERE b.provider = %(provider)s AND b.day = p.day AND n.kind = 'payment' AND n.trade_no = p.trade_no)
RETURNING o.day
"""
_REFUND_DAYS = """
UPDATE pay_refund f SET day = %(day)s FROM pay_billrow r, pay_refund o, pay_payment p
WHERE r.bill_id = %(bill)s AND r.kind = 'refund' AND o.id = f.id AND p.id = f.payment_id
  AND p.provider = %(provider)s AND f.number = r.refund_number AND f.day IN (%(day)s - 1, %(day)s + 1)
  AND NOT EXISTS (SELECT FROM pay_billrow n JOIN pay_daybill b ON b.id = n.bill_id
    WHERE b.provider = %(provider)s AND b.day = f.day AND n.kind = 'refund' AND n.refund_number = f.number)
RETURNING o.day
"""
# Only what differs leaves the database. The last column: so near to the cut that it may come with the neighbour's bill.
_PAYMENTS = """
WITH theirs AS MATERIALIZED (
  SELECT trade_no, max(number) AS number, max(fen) AS fen, count(*) AS times FROM pay_billrow
  WHERE bill_id = %(bill)s AND kind = 'payment' GROUP BY trade_no
), ours AS MATERIALIZED (
  SELECT trade_no, number, fen, paid_at FROM pay_payment WHERE provider = %(provider)s AND day = %(day)s
)
SELECT CASE WHEN p.id IS NULL THEN 'only_bill' ELSE 'other_day' END, t.trade_no, t.number, t.fen, p.fen, false
  FROM theirs t LEFT JOIN ours o USING (trade_no)
  LEFT JOIN LATERAL (SELECT * FROM pay_payment p WHERE p.provider = %(provider)s AND p.trade_no = t.trade_no) p ON o.trade_no IS NULL
  WHERE o.trade_no IS NULL
UNION ALL
SELECT 'amount', t.trade_no, t.number, t.fen, o.fen, false FROM theirs t JOIN ours o USING (trade_no) WHERE o.fen <> t.fen
UNION ALL
SELECT 'twice', t.trade_no, t.number, t.fen * t.times, t.fen, false FROM theirs t WHERE t.times > 1
UNION ALL
SELECT 'only_ours', o.trade_no, o.number, NULL, o.fen,
    o.paid_at < %(begin)s + %(edge)s OR o.paid_at >= %(end)s - %(edge)s
  FROM ours o LEFT JOIN theirs t USING (trade_no) WHERE t.trade_no IS NULL
UNION ALL
SELECT 'parked', p.trade_no, p.number, p.fen, p.fen - p.refunded, false FROM pay_payment p
  WHERE p.provider = %(provider)s AND p.day = %(day)s AND p.place = 'parked' AND p.refunded < p.fen
"""
_REFUNDS = """
WITH theirs AS MATERIALIZED (
  SELECT refund_number, max(number) AS number, sum(fen) AS fen FROM pay_billrow
  WHERE bill_id = %(bill)s AND kind = 'refund' GROUP BY refund_number
), ours AS MATERIALIZED (
  SELECT r.number AS refund_number, p.number, r.fen, r.done_at FROM pay_refund r JOIN pay_payment p ON p.id = r.payment_id
  WHERE p.provider = %(provider)s AND r.state = 'done' AND r.day = %(day)s
)
SELECT CASE WHEN r.id IS NULL THEN 'only_bill_refund' ELSE 'other_day' END, t.refund_number, t.number, t.fen, r.fen, false
  FROM theirs t LEFT JOIN ours o USING (refund_number)
  LEFT JOIN pay_refund r ON r.number = t.refund_number AND r.state = 'done'
  WHERE o.refund_number IS NULL
UNION ALL
SELECT 'refund_amount', t.refund_number, t.number, t.fen, o.fen, false FROM theirs t JOIN ours o USING (refund_number) WHERE o.fen <> t.fen
UNION ALL
SELECT 'only_ours_refund', o.refund_number, o.number, NULL, o.fen,
    o.done_at < %(begin)s + %(edge)s OR o.done_at >= %(end)s - %(edge)s
  FROM ours o LEFT JOIN theirs t USING (refund_number) WHERE t.refund_number IS NULL
"""
# The ledger knows when money moved, not on whose bill it stands: its entries between the cuts, less what stands on a
# neighbour's bill, and what stands on this one though it moved outside. Fees are held by themselves.
_LEDGER = """
SELECT coalesce((
  SELECT sum(e.amount) FROM ledger_ledgertransaction t JOIN ledger_ledgerentry e ON e.transaction_id = t.id
  JOIN ledger_ledgeraccount a ON a.id = e.account_id
  WHERE a.code = %(account)s AND t.at >= %(begin)s AND t.at < %(end)s AND t.kind <> 'fee'
), 0) + coalesce((
  SELECT sum(CASE WHEN p.day = %(day)s THEN p.fen ELSE -p.fen END) FROM pay_payment p
  WHERE p.provider = %(provider)s AND p.day BETWEEN %(day)s - 1 AND %(day)s + 1
    AND (p.day = %(day)s) <> (p.paid_at >= %(begin)s AND p.paid_at < %(end)s)
), 0) - coalesce((
  SELECT sum(CASE WHEN r.day = %(day)s THEN r.fen ELSE -r.fen END) FROM pay_refund r JOIN pay_payment p ON p.id = r.payment_id
  WHERE p.provider = %(provider)s AND r.state = 'done' AND r.day BETWEEN %(day)s - 1 AND %(day)s + 1
    AND (r.day = %(day)s) <> (r.done_at >= %(begin)s AND r.done_at < %(end)s)
), 0)
"""
_FEES = """
SELECT coalesce(sum(e.amount), 0) FROM ledger_ledgertransaction t JOIN ledger_ledgerentry e ON e.transaction_id = t.id
JOIN ledger_ledgeraccount a ON a.id = e.account_id WHERE t.reference = %s AND a.code = %s
"""


@dataclass(frozen=True)
class Found:
    """Something that differs; `theirs` and `ours` in fen."""

    kind: str
    subject: str
    number: str
    theirs: int | None
    ours: int | None
    is_near_cut: bool = False


PROPOSALS = {
    **Difference.ACTS,
    "only_ours": Difference.Action.ASK,
    "only_ours_refund": Difference.Action.ASK,
    "amount": Difference.Action.ASK,
    "refund_amount": Difference.Action.ASK,
    "twice": Difference.Action.ASK,
    "other_day": Difference.Action.ASK,
    "ledger": Difference.Action.REPORT,
}


def _hold(bill: DayBill) -> DayBill:
    """Hold it, and then again the neighbours whose payments turned out to stand on this bill."""
    values = _values(bill)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE pay_billrow")
        cursor.execute(_PAYMENT_DAYS, values)
        left = {day for (day,) in cursor.fetchall()}
        cursor.execute(_REFUND_DAYS, values)
        left |= {day for (day,) in cursor.fetchall()}
    _compare(bill)
    for other in DayBill.objects.filter(
        provider=bill.provider, day__in=left, state__in=[DayBill.State.DIFFERS, DayBill.State.BALANCED]
    ):
        _compare(other)
    return bill


def _values(bill: DayBill) -> dict[str, Any]:
    begin, end = span(bill.provider, bill.day)
    return {
        "bill": bill.pk, "provider": bill.provider, "day": bill.day, "begin": begin, "end": end, "edge": EDGE,
        "account": f"provider:{bill.provider}",
    }  # fmt: skip


def _compare(bill: DayBill) -> None:
    values = _values(bill)
    with connection.cursor() as cursor:
        cursor.execute(_PAYMENTS, values)
        found = [Found(*row) for row in cursor.fetchall()]
        cursor.execute(_REFUNDS, values)
        found += [Found(*row) for row in cursor.fetchall()]
    _their_totals(bill)
    _own_totals(bill)
    if bill.fee_fen != bill.own_fee_fen:
        found.append(Found("fee", bill.provider, "", bill.fee_fen, bill.own_fee_fen))
    if bill.ledger_fen != bill.own_paid_fen - bill.own_refund_fen:
        found.append(Found("ledger", bill.provider, "", bill.own_paid_fen - bill.own_refund_fen, bill.ledger_fen))
    _write_differences(bill, found)
    open_ones = Difference.objects.filter(bill=bill, is_settled=False).exists()
    bill.state = DayBill.State.DIFFERS if open_ones else DayBill.State.BALANCED
    bill.held_at = clock.now()
    bill.save()


def _write_differences(bill: DayBill, found: list[Found]) -> None:
    now = clock.now()
    known = {(one.kind, one.subject): one for one in Difference.objects.select_for_update().filter(bill=bill)}
    there = set()
    fresh = []
    for new in found:
        there.add((new.kind, new.subject))
        one = known.get((new.kind, new.subject))
        if one is None:
            fresh.append(
                Difference(
                    bill=bill,
                    kind=new.kind,
                    subject=new.subject,
                    number=new.number,
                    their_fen=new.theirs,
                    our_fen=new.ours,
                    proposal=Difference.Action.WAIT if new.is_near_cut else PROPOSALS[new.kind],
                    found_at=now,
                )
            )
        elif one.is_settled or (one.their_fen, one.our_fen) != (new.theirs, new.ours):
            one.is_settled, one.their_fen, one.our_fen = False, new.theirs, new.ours
            one.save(update_fields=["is_settled", "their_fen", "our_fen"])
    Difference.objects.bulk_create(fresh, batch_size=BATCH)
    gone = [one.pk for key, one in known.items() if key not in there and not one.is_settled]
    for first in range(0, len(gone), BATCH):
        Difference.objects.filter(pk__in=gone[first : first + BATCH]).update(is_settled=True)


def _their_totals(bill: DayBill) -> None:
    sums = {
        kind: (number, fen, fee)
        for kind, number, fen, fee in BillRow.objects.filter(bill=bill)
        .values_list("kind")
        .annotate(n=Count("id"), fen=Sum("fen"), fee=Sum("fee_fen"))
    }
    (bill.paid_count, bill.paid_fen, paid_fee) = sums.get("payment", (0, 0, 0))
    (bill.refund_count, bill.refund_fen, refund_fee) = sums.get("refund", (0, 0, 0))
    bill.fee_fen = paid_fee + refund_fee


def _own_totals(bill: DayBill) -> None:
    paid = Payment.objects.filter(provider=bill.provider, day=bill.day).aggregate(n=Count("id"), fen=Sum("fen"))
    back = Refund.objects.filter(payment__provider=bill.provider, day=bill.day, state=Refund.State.DONE).aggregate(
        n=Count("id"), fen=Sum("fen")
    )
    bill.own_paid_count, bill.own_paid_fen = paid["n"], paid["fen"] or 0
    bill.own_refund_count, bill.own_refund_fen = back["n"], back["fen"] or 0
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER, _values(bill))
        bill.ledger_fen = int(cursor.fetchone()[0])
        cursor.execute(_FEES, [_fee_reference(bill), f"fee:{bill.provider}"])
        bill.own_fee_fen = int(cursor.fetchone()[0])


def _fee_reference(bill: DayBill) -> str:
    return f"fee:{bill.provider}:{bill.day}"


def _book_fee(bill: DayBill, note: str) -> None:
    """What the provider keeps by its bill and is not booked yet: an expense, less at the provider."""
    _own_totals(bill)
    due = bill.fee_fen - bill.own_fee_fen
    if not due:
        return
    ledger.post(
        f"{_fee_reference(bill)}:{bill.own_fee_fen}:{bill.fee_fen}", "fee",
        [Leg(f"fee:{bill.provider}", due), Leg(f"provider:{bill.provider}", -due)],
        reference=_fee_reference(bill), memo=note, at=span(bill.provider, bill.day)[1] - dt.timedelta(seconds=1),
    )  # fmt: skip
