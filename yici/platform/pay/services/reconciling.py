"""Each morning: every provider's bill against the books. Balanced, or a list of named differences; nothing is adjusted silently.

A bill is believed whole or not at all. Holding it against the books writes only differences; money moves when a person
decided so, by the same functions as ever. What a later look finds gone is marked settled and stays to be seen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, Unavailable
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.pay import providers
from yici.platform.pay.models import BillRow, DayBill, Difference, Payment, Refund
from yici.platform.pay.providers import PROVIDERS, BillUnreadable, NoBill, Paid, Refunded, Refused, Row
from yici.platform.pay.providers.money import SHANGHAI
from yici.platform.pay.services.paying import settle
from yici.platform.pay.services.refunding import book_foreign, conclude, request_refund

READY_HOUR = 10  # providers make yesterday's bills by then
LOOK_BACK = 7  # days
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
        _check_day(rows, day)
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
        if (
            found.decision in (Difference.Action.BOOK, Difference.Action.BOOK_REFUND, Difference.Action.RETURN)
            or found.is_settled
        ):
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
        moment = row.at or dt.datetime.combine(bill.day, dt.time(12), SHANGHAI)
        settle(bill.provider, [Paid(row.trade_no, row.number, row.fen, moment)], seen_by="bill")
    elif found.decision == Difference.Action.BOOK_REFUND:
        row = BillRow.objects.filter(bill=bill, kind="refund", refund_number=found.subject).first()
        if found.kind != Difference.Kind.ONLY_BILL_REFUND or row is None:
            raise Invalid(_("只有账单上有、我方没有的退款才能补记。"))
        moment = row.at or dt.datetime.combine(bill.day, dt.time(12), SHANGHAI)
        ours = Refund.objects.filter(number=row.refund_number, payment__provider=bill.provider).first()
        if ours is not None and ours.state in (Refund.State.ASKED, Refund.State.SENT) and ours.fen == row.fen:
            conclude(ours, Refunded("done", "", moment))
        elif ours is None:
            book_foreign(
                bill.provider, row.trade_no, row.refund_number, row.fen, moment, reason=found.note, account=account
            )
        else:
            raise Conflict(_("我方这笔退款的状态或金额与账单矛盾，请先向支付机构查询。"))
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


def _check_day(rows: list[Row], day: dt.date) -> None:
    strangers = [row for row in rows if row.at and row.at.astimezone(SHANGHAI).date() != day]
    if strangers:
        raise BillUnreadable(
            _("账单里有 %(count)s 笔不是 %(day)s 的，可能取错了日期。") % {"count": len(strangers), "day": day}
        )


def _locked(provider: str, day: dt.date) -> DayBill:
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
    columns = "bill_id, kind, trade_no, number, refund_number, fen, at"
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY pay_billrow ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((bill.pk, row.kind, row.trade_no, row.number, row.refund_number, row.fen, row.at))


# Only what differs leaves the database. A payment that came just before midnight may stand on the neighbour's bill: ours are
# looked for whatever their day, and what is ours and not on this bill is looked for on the neighbours'.
_PAYMENTS = """
WITH theirs AS MATERIALIZED (
  SELECT trade_no, max(number) AS number, max(fen) AS fen, count(*) AS times FROM pay_billrow
  WHERE bill_id = %(bill)s AND kind = 'payment' GROUP BY trade_no
), ours AS MATERIALIZED (
  SELECT trade_no, number, fen FROM pay_payment WHERE provider = %(provider)s AND day BETWEEN %(day)s - 1 AND %(day)s + 1
)
SELECT 'only_bill', t.trade_no, t.number, t.fen, NULL::bigint FROM theirs t LEFT JOIN ours o USING (trade_no)
  WHERE o.trade_no IS NULL
    AND NOT EXISTS (SELECT FROM pay_payment p WHERE p.provider = %(provider)s AND p.trade_no = t.trade_no)
UNION ALL
SELECT 'amount', t.trade_no, t.number, t.fen, o.fen FROM theirs t JOIN ours o USING (trade_no) WHERE o.fen <> t.fen
UNION ALL
SELECT 'twice', t.trade_no, t.number, t.fen * t.times, t.fen FROM theirs t WHERE t.times > 1
UNION ALL
SELECT 'only_ours', p.trade_no, p.number, NULL, p.fen FROM pay_payment p LEFT JOIN theirs t ON t.trade_no = p.trade_no
  WHERE p.provider = %(provider)s AND p.day = %(day)s AND t.trade_no IS NULL
    AND NOT EXISTS (SELECT FROM pay_billrow r JOIN pay_daybill b ON b.id = r.bill_id
      WHERE b.provider = %(provider)s AND b.day IN (%(day)s - 1, %(day)s + 1) AND r.kind = 'payment' AND r.trade_no = p.trade_no)
UNION ALL
SELECT 'parked', p.trade_no, p.number, p.fen, p.fen - p.refunded FROM pay_payment p
  WHERE p.provider = %(provider)s AND p.day = %(day)s AND p.place = 'parked' AND p.refunded < p.fen
"""
_REFUNDS = """
WITH theirs AS MATERIALIZED (
  SELECT refund_number, max(number) AS number, sum(fen) AS fen FROM pay_billrow
  WHERE bill_id = %(bill)s AND kind = 'refund' GROUP BY refund_number
), ours AS MATERIALIZED (
  SELECT r.number AS refund_number, p.number, r.fen, r.day FROM pay_refund r JOIN pay_payment p ON p.id = r.payment_id
  WHERE p.provider = %(provider)s AND r.state = 'done' AND r.day BETWEEN %(day)s - 1 AND %(day)s + 1
)
SELECT 'only_bill_refund', t.refund_number, t.number, t.fen, NULL::bigint FROM theirs t LEFT JOIN ours o USING (refund_number)
  WHERE o.refund_number IS NULL
    AND NOT EXISTS (SELECT FROM pay_refund r WHERE r.number = t.refund_number AND r.state = 'done')
UNION ALL
SELECT 'refund_amount', t.refund_number, t.number, t.fen, o.fen FROM theirs t JOIN ours o USING (refund_number) WHERE o.fen <> t.fen
UNION ALL
SELECT 'only_ours_refund', o.refund_number, o.number, NULL, o.fen FROM ours o LEFT JOIN theirs t USING (refund_number)
  WHERE o.day = %(day)s AND t.refund_number IS NULL
    AND NOT EXISTS (SELECT FROM pay_billrow r JOIN pay_daybill b ON b.id = r.bill_id
      WHERE b.provider = %(provider)s AND b.day IN (%(day)s - 1, %(day)s + 1) AND r.kind = 'refund' AND r.refund_number = o.refund_number)
"""
PROPOSALS = {
    "only_bill": Difference.Action.BOOK,
    "only_bill_refund": Difference.Action.BOOK_REFUND,
    "only_ours": Difference.Action.ASK,
    "only_ours_refund": Difference.Action.ASK,
    "amount": Difference.Action.ASK,
    "refund_amount": Difference.Action.ASK,
    "twice": Difference.Action.ASK,
    "parked": Difference.Action.RETURN,
    "ledger": Difference.Action.REPORT,
}


def _hold(bill: DayBill) -> DayBill:
    values: dict[str, Any] = {"bill": bill.pk, "provider": bill.provider, "day": bill.day}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE pay_billrow")
        cursor.execute(_PAYMENTS, values)
        found = cursor.fetchall()
        cursor.execute(_REFUNDS, values)
        found += cursor.fetchall()
    _their_totals(bill)
    _own_totals(bill)
    if bill.ledger_fen != bill.own_paid_fen - bill.own_refund_fen:
        found.append(("ledger", bill.provider, "", bill.own_paid_fen - bill.own_refund_fen, bill.ledger_fen))
    _write_differences(bill, found)
    open_ones = Difference.objects.filter(bill=bill, is_settled=False).exists()
    bill.state = DayBill.State.DIFFERS if open_ones else DayBill.State.BALANCED
    bill.held_at = clock.now()
    bill.save()
    return bill


def _write_differences(bill: DayBill, found: list[tuple[str, str, str, int | None, int | None]]) -> None:
    now = clock.now()
    known = {(one.kind, one.subject): one for one in Difference.objects.select_for_update().filter(bill=bill)}
    there = set()
    fresh = []
    for kind, subject, number, theirs, ours in found:
        there.add((kind, subject))
        one = known.get((kind, subject))
        if one is None:
            fresh.append(
                Difference(
                    bill=bill,
                    kind=kind,
                    subject=subject,
                    number=number,
                    their_fen=theirs,
                    our_fen=ours,
                    proposal=PROPOSALS[kind],
                    found_at=now,
                )
            )
        elif one.is_settled or (one.their_fen, one.our_fen) != (theirs, ours):
            one.is_settled, one.their_fen, one.our_fen = False, theirs, ours
            one.save(update_fields=["is_settled", "their_fen", "our_fen"])
    Difference.objects.bulk_create(fresh, batch_size=BATCH)
    gone = [one.pk for key, one in known.items() if key not in there and not one.is_settled]
    for first in range(0, len(gone), BATCH):
        Difference.objects.filter(pk__in=gone[first : first + BATCH]).update(is_settled=True)


def _their_totals(bill: DayBill) -> None:
    sums = {
        kind: (number, fen)
        for kind, number, fen in BillRow.objects.filter(bill=bill)
        .values_list("kind")
        .annotate(n=Count("id"), fen=Sum("fen"))
    }
    (bill.paid_count, bill.paid_fen), (bill.refund_count, bill.refund_fen) = (
        sums.get("payment", (0, 0)),
        sums.get("refund", (0, 0)),
    )


def _own_totals(bill: DayBill) -> None:
    paid = Payment.objects.filter(provider=bill.provider, day=bill.day).aggregate(n=Count("id"), fen=Sum("fen"))
    back = Refund.objects.filter(payment__provider=bill.provider, day=bill.day, state=Refund.State.DONE).aggregate(
        n=Count("id"), fen=Sum("fen")
    )
    bill.own_paid_count, bill.own_paid_fen = paid["n"], paid["fen"] or 0
    bill.own_refund_count, bill.own_refund_fen = back["n"], back["fen"] or 0
    begin = dt.datetime.combine(bill.day, dt.time(), SHANGHAI)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(e.amount), 0) FROM ledger_ledgertransaction t JOIN ledger_ledgerentry e ON e.transaction_id = t.id"
            " JOIN ledger_ledgeraccount a ON a.id = e.account_id WHERE a.code = %s AND t.at >= %s AND t.at < %s",
            [f"provider:{bill.provider}", begin, begin + dt.timedelta(days=1)],
        )
        (bill.ledger_fen,) = cursor.fetchone()
