"""A page in Chromium without a window, driven by real keys, clicks and files through the browser's
DevTools protocol, spoken over two pipes.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.browser import _NAMES

_CODES = {"Escape": 27, "Enter": 13, "Delete": 46, "ArrowUp": 38, "ArrowDown": 40}
_CODES.update({"ArrowLeft": 37, "ArrowRight": 39, "Backspace": 8})
_LONGEST_S = 60


class LivePage:
    """A page that stays open between what a test does; in a ``with``.

    Args:
        folder: for the browser's profile and for what is saved.
        size: of the window, pixels.
        dark: as a system with dark windows shows it.
    """

    def __init__(self, folder: Path, size=(1280, 800), dark: bool = False):
        self.program = next(filter(None, map(shutil.which, _NAMES)), None)
        if self.program is None or os.name != "posix":
            pytest.skip("there is no Chromium that can be driven")
        self.saved = folder / "saved"
        self.saved.mkdir(parents=True, exist_ok=True)
        self._folder, self._size, self._dark = folder, size, dark
        self._number, self._events = 0, []

    def __enter__(self) -> LivePage:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        words += [f"--user-data-dir={self._folder / 'profile'}"]

        def as_three_and_four():
            # The browser reads 3 and writes 4; the pipes may have these numbers already.
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self._browser = subprocess.Popen(
            [self.program, *words, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=as_three_and_four,
            close_fds=False,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        targets = self._send("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = None
        attached = self._send("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM", "Network"):
            self._send(f"{domain}.enable")
        self._send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(self.saved))
        width, height = self._size
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        return self

    def __exit__(self, *_error) -> None:
        self._session = None
        try:
            self._send("Browser.close")
            self._browser.wait(timeout=20)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self._browser.kill()
            self._browser.wait()
        os.close(self._write)
        os.close(self._read)

    def open(self, page: Path) -> None:
        """Open a page from disk, and wait until it has loaded."""
        self._events.clear()
        # The page before is complete too, and of the same address where it is opened again.
        self.say("window.isLeft = true")
        self._send("Page.navigate", url=page.as_uri())
        self.wait_for(
            'document.readyState === "complete" && location.protocol === "file:" && !window.isLeft'
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other: "f", "5", "ArrowDown", "/"."""
        for key in keys:
            text = key if len(key) == 1 else "\r" if key == "Enter" else ""
            code = _CODES.get(key, ord(key.upper()) if len(key) == 1 else 0)
            about = {"key": key, "windowsVirtualKeyCode": code}
            kind = "keyDown" if text else "rawKeyDown"
            self._send("Input.dispatchKeyEvent", type=kind, text=text, **about)
            self._send("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        """Type into the field that has the focus."""
        self._send("Input.insertText", text=text)

    def click(self, query: str) -> None:
        """Click the middle of the first element."""
        box = self.say(
            f"(e => {{ e.scrollIntoView({{ block: 'nearest' }}); const b ="
            " e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })"
            f"(document.querySelector({json.dumps(query)}))"
        )
        about = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        self._send("Input.dispatchMouseEvent", type="mousePressed", **about)
        self._send("Input.dispatchMouseEvent", type="mouseReleased", **about)

    def move(self, x: float, y: float) -> None:
        """Move the mouse."""
        self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def give(self, query: str, *files: Path) -> None:
        """Choose files in a field for files."""
        root = self._send("DOM.getDocument")["root"]["nodeId"]
        node = self._send("DOM.querySelector", nodeId=root, selector=query)["nodeId"]
        self._send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def say(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        answer = self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, query: str) -> str:
        """What the first element shows."""
        return self.say(f"document.querySelector({json.dumps(query)}).innerText")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true."""
        return self._wait(lambda: self.say(expression), expression)

    def wait_for_saved(self, name: str) -> Path:
        """Wait until the browser has saved a file of this name."""
        path = self.saved / name
        self._wait(path.is_file, f"{name} is saved")
        return path

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        answer = self._send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def faults(self) -> list[str]:
        """What the browser complained of: exceptions, and what the page's policy forbade."""
        self.say("1")
        found = []
        for event in self._events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"]))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    def fetched(self) -> list[str]:
        """Addresses of what the page asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _wait(self, ready: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + _LONGEST_S
        while not (value := ready()):
            assert time.monotonic() < end, f"in vain waited for: {what}"
            time.sleep(0.02)
        return value

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if "method" in answer:
                self._events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)
