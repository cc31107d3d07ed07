"""Background work of paying. Every job is safe to repeat and to run on several workers."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.periodic(cron="* * * * *")
@app.task(name="pay.follow_up", queueing_lock="pay.follow_up")
def follow_up(timestamp: int = 0) -> int:
    """Receipts, messages and cases that go on: at once when something was paid, and every minute for what was left."""
    from yici.platform.pay import services

    return services.follow_up()


@app.periodic(cron="* * * * * */20")
@app.task(name="pay.poll", queueing_lock="pay.poll")
def poll(timestamp: int = 0) -> dict[str, int]:
    """Every twenty seconds: payments whose callback was lost; refunds without an answer."""
    from yici.platform.pay import services

    services.send_waiting()
    return services.poll()


@app.periodic(cron="*/5 * * * *")
@app.task(name="pay.close_expired", queueing_lock="pay.close_expired")
def close_expired(timestamp: int = 0) -> int:
    """Orders past their time."""
    from yici.platform.pay import services

    return services.close_expired()


@app.periodic(cron="15 * * * *")
@app.task(name="pay.reconcile", queueing_lock="pay.reconcile")
def reconcile(timestamp: int = 0) -> dict[str, str]:
    """Every hour from ten in the morning: yesterday's bills against the books, and days whose bill was missing or broken."""
    from yici.platform.pay import services

    return services.reconcile_due()


@app.task(name="pay.send_refund")
def send_refund(number: str) -> str:
    """Deferred in the transaction that reserved the refund, so it exists exactly when the refund does."""
    from yici.platform.pay import services

    return services.send_refund(number)
