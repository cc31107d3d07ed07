"""Background work of the whole site."""

from __future__ import annotations

from contextlib import suppress

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from yici.platform.trust.jobs import make_certificates

SECONDS = 4.0  # of one turn; then other jobs come first


@app.task(name="web.fill_demo", queueing_lock="web.fill_demo", priority=-10)
def fill_demo() -> bool:
    """Fill the demo city a little further, and come back until it is full. Safe to repeat and to kill."""
    from yici.core.cases.services import recompute_lights
    from yici.core.messages.services import in_app_only
    from yici.web import demo
    from yici.web.demo import payments

    done = demo.fill(demo.wanted(), SECONDS)
    with in_app_only():  # what is overdue already is nobody's news
        recompute_lights()
    if not done:
        demo.begin()
    elif demo.wanted():
        payments.fill()
    return done


@app.task(
    name="web.fill_departments",
    queue="data",
    lock="web.fill_departments",
    queueing_lock="web.fill_departments",
    priority=-10,
)
def fill_departments() -> bool:
    """Fill the demo departments a step further, and come back in a few seconds until it is done. Safe to repeat."""
    from yici.web.demo import departments

    done = departments.step()
    if done:
        with suppress(AlreadyEnqueued):  # what the departments know becomes certificates
            make_certificates.defer()
    else:
        with suppress(AlreadyEnqueued):  # a start of the city asked too
            fill_departments.configure(queueing_lock="web.fill_departments", schedule_in={"seconds": 5}).defer()
    return done
