"""Background work on files: viruses, retention."""

from __future__ import annotations

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from yici.base.errors import Unavailable
from yici.core.files import services

_RETRY = RetryStrategy(max_attempts=5, exponential_wait=5, retry_exceptions=[Unavailable])


@app.task(name="files.scan_file", retry=_RETRY)
def scan_file(stored_id: int) -> int:
    """Look for viruses in one file, right after it was uploaded."""
    return services.scan_pending(stored_id=stored_id)


@app.periodic(cron="*/5 * * * *")
@app.task(name="files.scan_pending", queueing_lock="files.scan_pending")
def scan_pending(timestamp: int) -> int:
    """Whatever the first try left over, for example while the scanner was down."""
    return services.scan_pending()


@app.periodic(cron="20 3 * * *")
@app.task(name="files.remove_expired", queueing_lock="files.remove_expired")
def remove_expired(timestamp: int) -> int:
    """At night: files past their retention."""
    return services.remove_expired()
