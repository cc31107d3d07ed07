"""Background work of the data service. Loads have a queue of their own, so that they never delay what a citizen waits for."""

from __future__ import annotations

from procrastinate.contrib.django import app

QUEUE = "data"


@app.task(name="data.load_run", queue=QUEUE)
def load_run(run_id: int) -> str:
    """One run from beginning to end."""
    from yici.platform.data.runs.carrying_out import load

    return load(run_id)


@app.periodic(cron="* * * * *")
@app.task(name="data.start_due", queueing_lock="data.start_due", queue=QUEUE)
def start_due(timestamp: int = 0) -> int:
    """Every minute: channels whose time has come, and runs whose process died."""
    from yici.platform.data.runs import scheduling

    scheduling.end_dead_runs()
    return scheduling.start_due()


@app.periodic(cron="20 * * * *")
@app.task(name="data.remind_overdue", queueing_lock="data.remind_overdue", queue=QUEUE)
def remind_overdue(timestamp: int = 0) -> int:
    """Every hour: units whose classes are overdue."""
    from yici.base import clock
    from yici.platform.data.quality.reminding import remind_overdue as remind

    return remind(clock.now())


@app.periodic(cron="30 18 * * *")  # 02:30 in Shanghai
@app.task(name="data.look_after", queueing_lock="data.look_after", queue=QUEUE)
def look_after(timestamp: int = 0) -> dict[str, int]:
    """Every night: old versions and deliveries expire, small files are merged, orphans go, every checksum is compared."""
    from yici.platform.data.runs import scheduling

    return scheduling.look_after()
