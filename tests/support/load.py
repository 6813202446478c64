"""Requests that never stop while something changes."""

import threading
from typing import Self

import httpx


class Load:
    """Sends requests on one connection until it is stopped, and keeps what came back."""

    def __init__(self, url: str, token: str) -> None:
        self.statuses: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, token))

    def _run(self, url: str, token: str) -> None:
        with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=20) as client:
            while not self._over.is_set():
                self.statuses.append(client.get(url).status_code)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
