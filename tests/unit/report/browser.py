"""A real headless Chromium, driven through its debugging protocol over two pipes: no port, no network, no package."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars")
OPTIONS += ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions")
SECONDS = 300  # of waiting; a busy machine is no failure
SECONDS_OF_A_PAGE = 30
KEYS = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32}
KEYS |= {"+": 187, "-": 189, "0": 48}
MODIFIERS = {"": 0, "Ctrl": 2, "Shift": 8}


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether a condition holds within some seconds, for what a page does on its own after an event."""
    end = time.monotonic() + SECONDS_OF_A_PAGE
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Page:
    """One page of the browser. What it asks of a network, and what it says on its console, is kept."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self.browser, self.session = browser, session
        self.requests: list[str] = []
        self.said: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **params)

    def open(self, path: Path, anchor: str = "", wait: str = "document.readyState === 'complete'") -> None:
        self.call("Page.navigate", url=f"{path.as_uri()}{anchor}")
        self.until(f"location.href.startsWith({json.dumps(path.as_uri())}) && {wait}")

    def value(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for. Raises AssertionError if it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        end = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < end, f"waited in vain for {expression}: {self.said}"
            time.sleep(0.02)

    def resize(self, width: int, height: int = 900, mobile: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def press(self, key: str, count: int = 1, held: str = "") -> None:
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        for _ in range(count):
            for kind in ("keyDown", "keyUp"):
                more: dict[str, Any] = {"text": text} if text and kind == "keyDown" else {}
                more["modifiers"] = MODIFIERS[held]
                self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=KEYS[key], **more)

    def mouse(self, kind: str, x: float, y: float) -> None:
        button = "none" if kind == "mouseMoved" else "left"
        pressed = int(kind != "mouseReleased")
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=pressed, clickCount=1)

    def wheel(self, x: float, y: float, by: float, held: str = "") -> None:
        """Turn the wheel; returns when the page has heard of it."""
        turned = {"deltaX": 0, "deltaY": by, "modifiers": MODIFIERS[held]}
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, **turned)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        import base64

        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


class Browser:
    """A running Chromium."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process, self.to, self.back = process, to, back
        self.answers: dict[int, Queue[dict[str, Any]]] = {}
        self.pages: dict[str, Page] = {}
        self.number = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self.number += 1
        number = self.number
        self.answers[number] = Queue()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data) :]
        try:
            answer = self.answers[number].get(timeout=SECONDS)
        except Empty:
            raise AssertionError(f"the browser did not answer {method}") from None
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def new_page(self, javascript: bool = True) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        page.resize(1280)
        return page

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self.back, 1 << 20):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self.answers[message["id"]].put(message)
                else:
                    self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        page, params = self.pages.get(message.get("sessionId", "")), message["params"]
        if page is None:
            return
        if message["method"] == "Network.requestWillBeSent":
            page.requests.append(params["request"]["url"])
        elif message["method"] == "Runtime.consoleAPICalled":
            page.said.append(str(params["args"]))
        elif message["method"] == "Runtime.exceptionThrown":
            page.said.append(str(params["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded":
            page.said.append(str(params["entry"]))


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    assert BROWSER is not None
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    command = [BROWSER, *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    # The protocol wants file descriptors 3 and 4.
    shell = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command]
    process = subprocess.Popen(
        shell, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for end in (theirs_in, theirs_out):
        os.close(end)
    try:
        browser = Browser(process, to, back)
        yield browser
        browser.call("Browser.close")
        process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(to)
