"""Background work of the whole site."""

from __future__ import annotations

from procrastinate.contrib.django import app

SECONDS = 4.0  # of one turn; then other jobs come first


@app.task(name="web.fill_demo", queueing_lock="web.fill_demo", priority=-10)
def fill_demo() -> bool:
    """Fill the demo city a little further, and come back until it is full. Safe to repeat and to kill."""
    from yici.core.cases.services import recompute_lights
    from yici.core.messages.services import in_app_only
    from yici.web import demo

    done = demo.fill(demo.wanted(), SECONDS)
    with in_app_only():  # what is overdue already is nobody's news
        recompute_lights()
    if not done:
        demo.begin()
    return done
