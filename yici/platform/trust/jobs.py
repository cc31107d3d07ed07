"""What time does to signing: envelopes expire, signers are reminded. Safe to repeat and to run on several workers."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yici.platform.trust.signatures import envelopes


@app.periodic(cron="*/5 * * * *")
@app.task(name="trust.expire_envelopes", queueing_lock="trust.expire_envelopes")
def expire_envelopes(timestamp: int) -> int:
    return envelopes.expire_due()


@app.periodic(cron="0 9 * * *")
@app.task(name="trust.remind_signers", queueing_lock="trust.remind_signers")
def remind_signers(timestamp: int) -> int:
    """In the morning: who was asked a day ago or more."""
    return envelopes.remind_due()
