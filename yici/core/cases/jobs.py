"""What time does to cases. Every job is safe to repeat and to run on several workers."""

from __future__ import annotations

from procrastinate.contrib.django import app

from yici.core.cases import services


@app.periodic(cron="* * * * *")
@app.task(name="cases.recompute_lights", queueing_lock="cases.recompute_lights")
def recompute_lights(timestamp: int) -> dict[str, int]:
    """Every minute: green to yellow to red, with a reminder to the desk."""
    return services.recompute_lights()


@app.periodic(cron="*/10 * * * *")
@app.task(name="cases.accept_by_silence", queueing_lock="cases.accept_by_silence")
def accept_by_silence(timestamp: int) -> int:
    """行政许可法 art. 32: no word in time is acceptance."""
    return services.accept_by_silence()


@app.periodic(cron="5 * * * *")
@app.task(name="cases.fill_deadlines", queueing_lock="cases.fill_deadlines")
def fill_deadlines(timestamp: int) -> int:
    """Deadlines that waited for a year's holiday notice."""
    return services.fill_deadlines()


@app.periodic(cron="*/10 * * * *")
@app.task(name="cases.merge_tallies", queueing_lock="cases.merge_tallies")
def merge_tallies(timestamp: int) -> int:
    """One row for each key of the counts."""
    return services.merge_tallies()
