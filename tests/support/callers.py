"""Callers that never stop while something changes, and what each may be answered at every moment of it."""

import contextlib
import http.client
import json
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

Outcome = str | int
"""The principal whose token reached the workspace; else the status; else the name of what broke the connection."""

PAUSE_SECONDS: Final = 0.02
"""Between two requests of a caller, so that callers in threads leave the gateway some of a small machine."""
GIVE_UP_SECONDS: Final = 60
"""A change takes less than a second; a busy machine may need many times that."""


@dataclass(frozen=True)
class Answer:
    """One answer, and between which moments it was decided."""

    began: float
    ended: float
    outcome: Outcome


@dataclass
class Expected:
    """What may be answered: an outcome from when it may be in force until the next one was seen to be."""

    outcomes: list[Outcome]
    since: list[float] = field(default_factory=lambda: [float("-inf")])
    until: list[float] = field(default_factory=lambda: [float("inf")])

    def change(self, outcome: Outcome, *, now: float) -> None:
        """From now on it may be this one, or still the one before."""
        self.outcomes.append(outcome)
        self.since.append(now)
        self.until.append(float("inf"))

    def settle(self, *, now: float) -> None:
        """A request that begins from now on gets the newest alone."""
        self.until[-2] = now

    def allows(self, answer: Answer) -> bool:
        """Whether the answer is that of something in force between its beginning and its end."""
        first, beyond = bisect_left(self.until, answer.began), bisect_right(self.since, answer.ended)
        return answer.outcome in self.outcomes[first:beyond]


@dataclass
class Caller:
    """Asks for one path on one connection, again and again."""

    port: int
    path: str
    token: Callable[[], str]
    expected: Expected
    answers: list[Answer] = field(default_factory=list)

    @property
    def wrong(self) -> list[Answer]:
        """The answers that should have been others."""
        return [answer for answer in self.answers if not self.expected.allows(answer)]

    def run(self, over: threading.Event) -> None:
        """Ask until it is over."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            while not over.wait(PAUSE_SECONDS):
                began = time.monotonic()
                outcome = self._ask(connection)
                self.answers.append(Answer(began, time.monotonic(), outcome))

    def _ask(self, connection: http.client.HTTPConnection) -> Outcome:
        try:
            connection.request("GET", self.path, headers={"authorization": f"Bearer {self.token()}"})
            with connection.getresponse() as response:
                body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        return str(json.loads(body)["principal"]) if response.status == 200 else response.status


@contextlib.contextmanager
def calling(callers: list[Caller]) -> Iterator[None]:
    """Have them ask for as long as the block lasts."""
    over = threading.Event()
    threads = [threading.Thread(target=caller.run, args=(over,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def step(change: Callable[[], object], becomes: Mapping[str, Outcome], callers: Mapping[str, Caller]) -> float:
    """Change something and wait until every caller concerned is answered so; returns how many seconds that took."""
    began = time.monotonic()
    for name, outcome in becomes.items():
        callers[name].expected.change(outcome, now=began)
    change()
    for name, outcome in becomes.items():
        seen = _first(callers[name], outcome, since=began)
        callers[name].expected.settle(now=seen.ended)
    return time.monotonic() - began


def _first(caller: Caller, outcome: Outcome, *, since: float) -> Answer:
    looked = bisect_left(caller.answers, since, key=lambda answer: answer.began)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        for answer in caller.answers[looked:]:
            looked += 1
            if answer.outcome == outcome:
                return answer
        time.sleep(0.002)
    raise AssertionError(f"`{caller.path}` was never answered with {outcome}")
