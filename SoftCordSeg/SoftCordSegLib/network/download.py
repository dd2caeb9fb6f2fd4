"""Downloading one file: only on request, only over https, resumable, cancellable, up to a size, and
checked against its SHA-256.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ModelError, OutputError
from ..files import file_sha256, write_text_atomically
from ..processes import LockBusy, LockError, exclusive_lock
from ..progress import Progress
from ..structured_text import read_json

SCHEMES = ("https",)
MAX_BYTES = 4 << 30
_BLOCK = 1 << 18
_TIMEOUT_S = 30.0
_ASK_TIMEOUT_S = 8.0
# Fewer bytes than these within the timeout are no download.
_LEAST_BYTES = 10_000
# Headers with the version of a file, so that two versions are never joined into one.
_VERSION_HEADERS = ("ETag", "Last-Modified")
# What goes wrong with a connection; before Python 3.10 a timeout has a class of its own.
_CONNECTION = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    socket.timeout,
    ssl.SSLError,
    # An address or an answer that the library cannot make sense of.
    ValueError,
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
    """Download ``url`` into ``path``, resuming an earlier attempt (``path.part``).

    Args:
        url: of the file.
        path: of the complete file; its folder is made.
        sha256: expected; not checked where None.
        progress: receives progress; checked for cancellation at every block.
        max_bytes: more is refused.
        schemes: of the address and of every redirect.

    Returns:
        SHA-256 of the file.

    Raises:
        ModelError: no connection, refused by the server, too large, or another SHA-256.
        OutputError: the disk is full or not writable.
        Cancelled: the user stopped it; the part stays, to be resumed.
    """
    path, progress = Path(path), progress or Progress()
    part = path.with_name(path.name + ".part")
    _check_scheme(url, schemes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone_with(part):
            return _download(url, path, sha256, progress, max_bytes, schemes)
    except _CONNECTION as error:
        raise _connection_error(url, error) from error
    except OSError as error:
        raise OutputError(
            f"The file cannot be written: {error.strerror or error}.",
            path=path,
            hint="Free some space, or choose another folder.",
        ) from error


def has_part(path: Path) -> bool:
    """Whether an earlier attempt at downloading ``path`` would be resumed."""
    return path.with_name(path.name + ".part").exists()


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Keep other programs that download the same file from it, until the end of the block.

    Raises:
        ModelError: one is at it.
        OutputError: the folder cannot be written.
    """
    try:
        lock = exclusive_lock(path.with_name(f"{path.name}.lock"), wait=False)
        lock.__enter__()
    except LockBusy as error:
        raise ModelError(
            "Another program is downloading this file now.",
            path=path,
            hint="Wait until it has finished, and try again.",
        ) from error
    except LockError as error:
        raise OutputError(
            f"The file cannot be written: {error.strerror or error}.",
            path=path,
            hint="Free some space, or choose another folder.",
        ) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _download(
    url: str,
    path: Path,
    sha256: str | None,
    progress: Progress,
    max_bytes: int,
    schemes: tuple[str, ...],
) -> str:
    part, note = path.with_name(path.name + ".part"), path.with_name(path.name + ".part.json")
    try:
        _fetch(url, part, note, progress, max_bytes, schemes)
    except _Unusable as error:
        _forget(part, note)
        raise error.error from error
    found = file_sha256(part)
    if sha256 is not None and found != sha256.lower():
        _forget(part, note)
        raise ModelError(
            f"The file from '{url}' is not the expected one (SHA-256 is {found}, expected"
            f" {sha256}). It was deleted.",
            hint="Try again later, and do not use the file if this happens twice.",
        )
    os.replace(part, path)
    _forget(note)
    return found


class _Unusable(Exception):
    """What the server sends cannot be the file: nothing of it is kept to be resumed."""

    def __init__(self, error: ModelError) -> None:
        super().__init__(str(error))
        self.error = error


def size_of(url: str, *, schemes: tuple[str, ...] = SCHEMES) -> int | None:
    """The size of the file in bytes, as its server says before anything is downloaded; None where
    it does not.

    Raises:
        ModelError: no connection, or refused by the server.
    """
    _check_scheme(url, schemes)
    headers = {"User-Agent": "SoftCordSeg", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=headers, method="HEAD")
    try:
        opener = urllib.request.build_opener(_Redirects(schemes))
        with opener.open(request, timeout=_ASK_TIMEOUT_S) as response:
            length = response.headers.get("Content-Length")
    except _CONNECTION as error:
        raise _connection_error(url, error) from error
    return _whole(length)


def _fetch(
    url: str, part: Path, note: Path, progress: Progress, max_bytes: int, schemes: tuple[str, ...]
) -> None:
    """Fill ``part``; bytes that are there already are not requested again if the server says that
    they are of the same version.
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
        # The part is complete, or not of this file.
        error.close()
        if error.headers.get("Content-Range", "") != f"bytes */{have}":
            _forget(part, note)
            _fetch(url, part, note, progress, max_bytes, schemes)
        return
    with response:
        resumes = response.status == 206 and _range_start(response) == have and bool(version)
        _check_answer(url, response, resumes)
        have = have if resumes else 0
        length = _whole(response.headers.get("Content-Length"))
        total = have + length if length is not None else None
        _check_size(url, total or 0, max_bytes)
        _write_note(note, url, response)
        with open(part, "ab" if resumes else "wb") as stream:
            have = _copy(response, stream, have, total, url, max_bytes, progress)
    if total is not None and have != total:
        raise http.client.IncompleteRead(b"", total - have)
    if not have:
        raise _Unusable(ModelError(f"The file at '{url}' is empty.", hint="Try again later."))


def _copy(
    response: Any,
    stream: BinaryIO,
    have: int,
    total: int | None,
    url: str,
    max_bytes: int,
    progress: Progress,
) -> int:
    begun, before = time.monotonic(), have
    while True:
        progress.check_cancelled()
        if time.monotonic() - begun > _TIMEOUT_S:
            if have - before < _LEAST_BYTES:
                raise TimeoutError("the server sends almost nothing")
            begun, before = time.monotonic(), have
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

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
    ) -> Any:
        _check_scheme(newurl, self._schemes)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, schemes: tuple[str, ...]) -> None:
    if not re.match(rf"({'|'.join(schemes)})://[^/]", url, re.IGNORECASE):
        raise ModelError(
            f"'{url}' does not start with {schemes[0]}://, so nothing was downloaded.",
            hint="Give an address that does.",
        )


def _check_size(url: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise _Unusable(
            ModelError(
                f"The file at '{url}' is larger than {max_bytes / 1e9:.1f} GB, more than any model."
                " The download was stopped.",
                hint="Check the address.",
            )
        )


def _check_answer(url: str, response: Any, resumes: bool) -> None:
    """Only a whole file, or the rest that was asked for, as it is."""
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if (response.status != 200 and not resumes) or coding not in ("identity", ""):
        raise _Unusable(
            ModelError(
                f"The server of '{url}' does not send the file as it was asked for (status"
                f" {response.status}, encoding {coding[:40]!a}).",
                hint="Try again, or download the file with a browser and install the model from"
                " it.",
            )
        )


def _whole(length: str | None) -> int | None:
    """The number in a header; None where it is missing or another thing."""
    return int(length) if length and re.fullmatch(r"[0-9]{1,19}", length) else None


def _range_start(response: Any) -> int | None:
    match = re.match(r"bytes ([0-9]{1,19})-", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def _read_note(note: Path, url: str) -> str | None:
    """The version of the part, as the server called it; None where that is not known, or the part
    is of another address.
    """
    try:
        content = read_json(note)
        version = content["version"] if content["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # It becomes a header.
    usable = isinstance(version, str) and version.isascii() and version.isprintable()
    return version if usable else None


def _write_note(note: Path, url: str, response: Any) -> None:
    version = next(
        (response.headers[key] for key in _VERSION_HEADERS if response.headers.get(key)), None
    )
    if version is not None and version.startswith("W/"):
        # A weak ETag does not promise the same bytes.
        version = response.headers.get("Last-Modified")
    write_text_atomically(note, json.dumps({"url": url, "version": version}) + "\n")


def _forget(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _connection_error(url: str, error: Exception) -> ModelError:
    if isinstance(error, urllib.error.HTTPError):
        return ModelError(
            f"'{url}' cannot be downloaded: the server answers {error.code} ({error.reason}).",
            hint="Check the address, or try again later.",
        )
    if isinstance(error, http.client.IncompleteRead):
        return ModelError(
            f"The connection to '{url}' was interrupted.",
            hint="Try again: the download resumes where it stopped.",
        )
    reason = getattr(error, "reason", None) or error
    return ModelError(
        f"'{url}' cannot be reached ({reason}).",
        hint="Check the connection and try again, or download the file with a browser and"
        " install the model from it.",
    )
