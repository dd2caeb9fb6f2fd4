"""A browser without a window, which opens a page from disk and does what a test's script says."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# What a test's script may use.  What is saved is caught, not written: it becomes ``said.saved``.
_HELP = """
const said = {}, waits = [];
const asked = { bubbles: true, cancelable: true };
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", { key, ...asked }));
const click = button => button.dispatchEvent(new MouseEvent("click", asked));
const all = query => Array.from(document.querySelectorAll(query));
const later = milliseconds => new Promise(done => setTimeout(done, milliseconds));
URL.createObjectURL = blob => {
  waits.push(blob.text().then(text => { said.saved = text; }));
  return "#";
};
HTMLAnchorElement.prototype.click = function () { said.name = this.download; };
"""


def with_script(page: str, script: str) -> str:
    """A page with one more script. It lets none run but its own, each known by its digest: this one
    is let in as they are.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    assert page.count("script-src ") == 1
    page = page.replace("script-src ", f"script-src 'sha256-{digest}' ")
    return page.replace("</body>", f"<script>{script}</script></body>")


class Browser:
    """Chromium with a profile of its own, so that what pages keep is there again in the next run.

    Args:
        folder: for the profile.
    """

    def __init__(self, folder):
        self.program = next(filter(None, map(shutil.which, _NAMES)), None)
        if self.program is None:
            pytest.skip("there is no Chromium to open the page with")
        self.profile = folder / "profile"

    def run(self, page, script: str) -> dict:
        """Open the page, run the script when it has loaded, and give what it put into the object
        ``said``.
        """
        driver = (
            f"{_HELP} (async () => {{ {script}; await Promise.all(waits); }})().catch(error => {{"
            " said.error = String(error); })"
        )
        driver += (
            '.then(() => { document.body.innerHTML = ""; document.body.dataset.said ='
            " JSON.stringify(said); });"
        )
        driven = page.with_name(f"driven_{page.name}")
        source = page.read_text(encoding="utf-8")
        driver = f'addEventListener("load", () => {{ {driver} }});'
        driven.write_text(with_script(source, driver), encoding="utf-8")
        words = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=10000",
            f"--user-data-dir={self.profile}",
        ]
        answer = subprocess.run(
            [self.program, *words, "--dump-dom", driven.as_uri()],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            encoding="utf-8",
        )
        driven.unlink()
        found = re.search(r'data-said="([^"]*)"', answer.stdout)
        if found is None:
            pytest.fail(f"The page said nothing. {answer.stderr[-600:]}")
        said = json.loads(html.unescape(found[1]))
        assert "error" not in said, said["error"]
        return said
