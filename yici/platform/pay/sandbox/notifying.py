"""Callbacks of the sandbox: at once, late, twice, never, or in the wrong order; repeated until acknowledged, as providers do."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from yici.platform.pay.sandbox.book import Fault

RETRY_SECONDS = (2.0, 5.0, 15.0)


@dataclass
class Letter:
    """One callback. `write` gives headers and body afresh for every attempt; `is_taken` reads the merchant's answer."""

    url: str
    write: Callable[[], tuple[dict[str, str], bytes]]
    is_taken: Callable[[httpx.Response], bool]


class Postman:
    """Sends letters from one thread each; `held` keeps letters back until the next one, to swap their order."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.held: list[Letter] = []
        self.answers: queue.Queue[tuple[str, int]] = queue.Queue()

    def send(self, letter: Letter, fault: Fault) -> None:
        if fault.mode == "never" or not letter.url:
            return
        if fault.mode == "hold":
            self.held.append(letter)
            return
        waiting, self.held = self.held, []
        delay = fault.seconds if fault.mode == "late" else 0.0
        copies = 2 if fault.mode == "twice" else 1
        threading.Thread(target=self._run, args=([letter] * copies + waiting, delay), daemon=True).start()

    def deliver(self, letter: Letter) -> int:
        """At once, in this thread, one attempt; the status of the answer, 0 for none."""
        headers, body = letter.write()
        try:
            with httpx.Client(timeout=10, trust_env=False) as client:
                answer = client.post(letter.url, content=body, headers=headers)
        except httpx.HTTPError:
            return 0
        return answer.status_code if letter.is_taken(answer) else -answer.status_code

    def _run(self, letters: list[Letter], delay: float) -> None:
        self.stopping.wait(delay)
        for letter in letters:
            for pause in (*RETRY_SECONDS, 0.0):
                status = self.deliver(letter)
                self.answers.put((letter.url, status))
                if status > 0 or self.stopping.wait(pause):
                    break
        time.sleep(0)
