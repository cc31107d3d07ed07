"""Background work of the hall."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app


@app.task(name="hall.issue_result", queue="default", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def issue_result(case_number: str) -> None:
    """Issue the certificate of an approved case; safe to repeat."""
    from yici.systems.hall.services.results import issue

    issue(case_number)


@app.task(name="hall.return_payment", queue="default", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def return_payment(case_number: str) -> None:
    """Close the order of a case that ended, or give the money back; safe to repeat."""
    from yici.systems.hall import services

    services.settle_return(case_number)


@app.periodic(cron="5 0 * * *")
@app.task(name="hall.changes_take_effect", queue="default")
def changes_take_effect(timestamp: int) -> None:
    """Put approved changes of items in force whose day has come; safe to repeat."""
    from yici.systems.hall.services.changing import take_effect_of_due

    take_effect_of_due()


@app.task(name="hall.joint_go_on", queue="default", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def joint_go_on(case_number: str) -> None:
    """Do what the state of a joint case's parts asks for; safe to repeat."""
    from yici.systems.hall.joint.submitting import go_on

    go_on(case_number)
