"""Background work of trust: papers are read, envelopes expire, signers are reminded. Safe to repeat and to run on several workers."""

from __future__ import annotations

from procrastinate import RetryStrategy
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


@app.task(name="trust.read_paper", queue="default", retry=RetryStrategy(max_attempts=3, exponential_wait=5))
def read_paper(reading_id: int) -> bool:
    """Read one uploaded paper. The models are loaded with the first one, so processes that read none stay small."""
    from yici.platform.trust.papers import readings

    return readings.perform(reading_id)


@app.periodic(cron="10 16 * * *")  # 00:10 in Shanghai
@app.task(name="trust.expire", queue="default")
def expire(timestamp: int) -> None:
    """Certificates whose last day was yesterday have expired."""
    from yici.base import clock
    from yici.platform.trust.library import states

    states.expire(clock.today())


@app.periodic(cron="40 16 * * *")  # 00:40 in Shanghai
@app.task(name="trust.forget", queue="default")
def forget(timestamp: int) -> None:
    """What was read from papers and wrong codes of shares, past their time."""
    from yici.platform.trust.library import sharing
    from yici.platform.trust.papers import readings

    readings.forget()
    sharing.forget_wrong_codes()


@app.periodic(cron="30 17 * * *")  # 01:30 in Shanghai
@app.task(name="trust.make_certificates", queue="data", queueing_lock="trust.make_certificates")
def make_certificates(timestamp: int = 0) -> int:
    """Certificates of every type whose class has a newer version than they were made from. Returns how many types."""
    from yici.platform.trust.making.running import make_all

    return make_all()
