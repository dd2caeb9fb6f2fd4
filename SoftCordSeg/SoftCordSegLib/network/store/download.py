"""Fetching one file: only when asked, only over https, resumable, cancellable, within a limit, and
held to its SHA-256.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import ModelError, OutputError
from ...files import write_text_atomically
from ...progress import Progress
from ..bundle import file_sha256

SCHEMES = ("https",)
MAX_BYTES = 4 << 30
_BLOCK = 1 << 18
_TIMEOUT_S = 30.0
# What a server says of the version of a file, so that two versions are never joined into one.
_VERSION_HEADERS = ("ETag", "Last-Modified")
# What goes wrong with a connection; before Python 3.10 a timeout has a class of its own.
_CONNECTION = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    socket.timeout,
    ssl.SSLError,
)


def download(
    url: str,
    path: str | Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    schemes: tuple[str, ...] = SCHEMES,
) -> str:
    """Fetch ``url`` into ``path``, going on where an earlier try stopped (``path.part``).

    Args:
        url: of the file.
        path: where it is put when it is whole; its folder is made.
        sha256: what it must be; not checked where None.
        progress: told and asked at every block.
        max_bytes: more is refused.
        schemes: of the address and of all that it is redirected to.

    Returns:
        SHA-256 of the file.

    Raises:
        ModelError: no connection, refused by the server, too large, or not what it must be.
        OutputError: the disk is full or not writable.
        Cancelled: the user stopped it; the part stays, for the next time.
    """
    path, progress = Path(path), progress or Progress()
    part, note = path.with_name(path.name + ".part"), path.with_name(path.name + ".part.json")
    _check_scheme(url, schemes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, note, progress, max_bytes, schemes)
        found = file_sha256(part)
        if sha256 is not None and found != sha256.lower():
            _forget(part, note)
            raise ModelError(
                f"What '{url}' gave is not what it should be (SHA-256 is {found}, expected"
                f" {sha256}). It was deleted. Try again later, and do not use the file if this"
                " happens twice."
            )
        os.replace(part, path)
        _forget(note)
        return found
    except _CONNECTION as error:
        raise ModelError(_no_connection(url, error)) from error
    except OSError as error:
        raise OutputError(
            f"Cannot write '{path}': {error.strerror or error}. Free some space, or choose another"
            " folder."
        ) from error


def _fetch(
    url: str, part: Path, note: Path, progress: Progress, max_bytes: int, schemes: tuple[str, ...]
) -> None:
    """Fill ``part``; what is there already is asked for no more where the server can tell that it
    is of the same version.
    """
    progress.report(0.0, "Connecting")
    progress.check_cancelled()
    have = part.stat().st_size if part.exists() else 0
    version = _read_note(note, url) if have else None
    headers = {"User-Agent": "SoftCordSeg", "Accept-Encoding": "identity"}
    if version:
        headers.update({"Range": f"bytes={have}-", "If-Range": version})
    opener = urllib.request.build_opener(_Redirects(schemes))
    try:
        response = opener.open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not version:
            raise
        # Nothing is left to fetch, or the part is not of this file.
        error.close()
        if error.headers.get("Content-Range", "") != f"bytes */{have}":
            _forget(part, note)
            _fetch(url, part, note, progress, max_bytes, schemes)
        return
    with response:
        goes_on = response.status == 206 and _range_start(response) == have and bool(version)
        have = have if goes_on else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        _check_size(url, total or 0, max_bytes)
        _write_note(note, url, response)
        with open(part, "ab" if goes_on else "wb") as stream:
            have = _copy(response, stream, have, total, url, max_bytes, progress)
    if total is not None and have != total:
        raise http.client.IncompleteRead(b"", total - have)


def _copy(
    response: Any,
    stream: BinaryIO,
    have: int,
    total: int | None,
    url: str,
    max_bytes: int,
    progress: Progress,
) -> int:
    while True:
        progress.check_cancelled()
        of = f" of {total / 1e6:.0f}" if total else ""
        progress.report(have / total if total else 0.0, f"Downloading: {have / 1e6:.0f}{of} MB")
        block = response.read1(_BLOCK)
        if not block:
            return have
        have += len(block)
        _check_size(url, have, max_bytes)
        stream.write(block)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the allowed schemes only."""

    def __init__(self, schemes: tuple[str, ...]):
        self._schemes = schemes

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_scheme(newurl, self._schemes)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, schemes: tuple[str, ...]) -> None:
    if not re.match(rf"({'|'.join(schemes)})://[^/]", url, re.IGNORECASE):
        raise ModelError(
            f"'{url}' is not an address that starts with {schemes[0]}://, so nothing is fetched"
            " from it."
        )


def _check_size(url: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise ModelError(
            f"'{url}' gives more than {max_bytes / 1e9:.1f} GB, which no model has. The download"
            " was stopped."
        )


def _range_start(response: Any) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def _read_note(note: Path, url: str) -> str | None:
    """The version of the part, as the server called it; None where that is not known, or the part
    is of another address.
    """
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return content["version"] if content["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_note(note: Path, url: str, response: Any) -> None:
    version = next(
        (response.headers[key] for key in _VERSION_HEADERS if response.headers.get(key)), None
    )
    if version is not None and version.startswith("W/"):
        version = response.headers.get(
            "Last-Modified"
        )  # a weak ETag does not promise the same bytes
    write_text_atomically(note, json.dumps({"url": url, "version": version}) + "\n")


def _forget(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _no_connection(url: str, error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return (
            f"'{url}' cannot be fetched: the server answers {error.code} ({error.reason}). Check"
            " the address, or try again later."
        )
    if isinstance(error, http.client.IncompleteRead):
        return (
            f"The connection to '{url}' broke off. Try again: the download goes on where it"
            " stopped."
        )
    reason = getattr(error, "reason", None) or error
    return (
        f"'{url}' cannot be reached ({reason}). Check the connection and try again, or fetch the"
        " file with a browser and install it with 'softcord models install FILE.zip'."
    )
