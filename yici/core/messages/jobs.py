"""Background work of telling: one job per delivery at once, and a sweep for whatever was left over."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yici.core.messages import sending


@app.task(name="messages.deliver")
def deliver(delivery_id: int) -> bool:
    """Deferred in the transaction that wrote the delivery, so it exists exactly when the delivery does."""
    return sending.deliver(delivery_id)


@app.periodic(cron="* * * * *")
@app.task(name="messages.deliver_due", queueing_lock="messages.deliver_due")
def deliver_due(timestamp: int = 0) -> int:
    """Every minute: second and later attempts, and first ones whose job was lost."""
    return sending.deliver_due()
