"""A real browser without a window, told what to do over a pipe (Chrome DevTools Protocol)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ENVIRONMENT: Final = "LAKELATCH_BROWSER"
"""Names another one that speaks the same protocol."""
FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # it opens what this test wrote, also as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
    "about:blank",
)


def executable() -> str:
    """Where the browser is; without one the tests that need it fail, and say so."""
    found = os.environ.get(ENVIRONMENT) or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, (
        f"there is no {NAMES[0]} on the PATH: `make browser` installs it on Debian; {ENVIRONMENT} names another"
    )
    return found


class Browser:
    """One page of a browser."""

    def __init__(self, send: Any, receive: Any) -> None:
        self._send, self._receive = send, receive
        self._number, self._session, self._rest = 0, None, b""
        self.events: list[dict[str, Any]] = []
        """What the page told by itself."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        self._send.flush()
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        found: dict[str, Any] = answer["result"]
        return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._receive.fileno(), 1 << 20)
            assert read, "the browser has gone"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, file: Path, fragment: str = "") -> None:
        """Open a page anew and wait until it is there."""
        for url in ("about:blank", file.as_uri() + fragment):
            self.events.clear()
            self.call("Page.navigate", url=url)
            while not self.told("Page.loadEventFired"):
                self.events.append(self._next())

    def run(self, script: str) -> Any:
        """What a script comes to in the page, as plain data; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go of a key."""
        code, text = {"Enter": (13, "\r"), "Tab": (9, "")}.get(key) or (ord(key.upper()), key)
        about = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)
        self.settle()

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)
        self.settle()

    def settle(self) -> None:
        """Until what was begun has been drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))")

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """The parameters of what the page told, of these kinds."""
        return [one["params"] for one in self.events if one.get("method") in methods]


_ON_3_AND_4: Final = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(one), fcntl.F_DUPFD_CLOEXEC, 10) for one in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the browser, which speaks its protocol on descriptors 3 and 4."""


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in a folder, which ends with the block."""
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    command = [sys.executable, "-c", _ON_3_AND_4, str(to_read), str(back_write)]
    with (
        open(folder / "browser.log", "wb") as log,
        os.fdopen(to_write, "wb") as send,
        os.fdopen(back_read, "rb") as receive,
        subprocess.Popen(
            [*command, executable(), f"--user-data-dir={folder / 'profile'}", *FLAGS],
            pass_fds=(to_read, back_write),
            stdout=log,
            stderr=log,
        ) as process,
    ):
        os.close(to_read)
        os.close(back_write)
        try:
            yield Browser(send, receive)
        finally:
            process.terminate()
