"""Background work of the hall."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app


@app.task(name="hall.issue_result", queue="default", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def issue_result(case_number: str) -> None:
    """Issue the certificate of an approved case; safe to repeat."""
    from yici.systems.hall.services.results import issue

    issue(case_number)
