"""Background work on drafts: empty the expired, remind of those about to expire."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yici.core.forms import services


@app.periodic(cron="40 3 * * *")
@app.task(name="forms.remove_expired_drafts", queueing_lock="forms.remove_expired_drafts")
def remove_expired_drafts(timestamp: int) -> int:
    """At night: nothing personal stays in a draft past its day."""
    return services.remove_expired_drafts()


@app.periodic(cron="0 9 * * *")
@app.task(name="forms.remind_of_expiry", queueing_lock="forms.remind_of_expiry")
def remind_of_expiry(timestamp: int) -> int:
    """In the morning: `draft.expiring` to owners with three days left."""
    return services.remind_of_expiry()
