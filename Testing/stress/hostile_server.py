"""What a download server can do, as a table: each behaviour is one answer in raw bytes.  After any
of them the same release has to be installable from a server that behaves.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from network.test_store import a_release
from SoftCordSegLib.errors import ModelError, OutputError
from SoftCordSegLib.network.install_model import install_release
from SoftCordSegLib.network.store import Store

# Of a behaviour: the connection, the request, the file.
Behaviour = Callable[[socket.socket, str, bytes], None]
WAIT_S = 3.0


def head(status: str = "200 OK", length: object = None, **headers: str) -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status}"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode("latin-1")


def good(connection: socket.socket, request: str, content: bytes) -> None:
    """The file, or the rest of it that is asked for."""
    wanted = re.search(r"range: bytes=(\d+)-", request, re.IGNORECASE)
    start = int(wanted.group(1)) if wanted and 'if-range: "one"' in request.lower() else 0
    if start >= len(content):
        connection.sendall(
            head("416 Range Not Satisfiable", 0, Content_Range=f"bytes */{len(content)}")
        )
    elif start:
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        connection.sendall(
            head("206 Partial Content", len(content) - start, ETag='"one"', Content_Range=span)
        )
        connection.sendall(content[start:])
    else:
        connection.sendall(head(length=len(content), ETag='"one"') + content)


def sends(make: Callable[[bytes], bytes]) -> Behaviour:
    """A behaviour that sends these bytes and closes."""

    def behave(connection: socket.socket, _request: str, content: bytes) -> None:
        connection.sendall(make(content))

    return behave


def waits(make: Callable[[bytes], bytes]) -> Behaviour:
    """A behaviour that sends these bytes and then nothing more."""

    def behave(connection: socket.socket, _request: str, content: bytes) -> None:
        connection.sendall(make(content))
        time.sleep(WAIT_S)

    return behave


def _drips(connection: socket.socket, _request: str, content: bytes) -> None:
    connection.sendall(head(length=len(content)))
    for number in range(int(WAIT_S / 0.05)):
        connection.sendall(content[number : number + 1])
        time.sleep(0.05)


def _resets(connection: socket.socket, _request: str, content: bytes) -> None:
    connection.sendall(head(length=len(content)) + content[:500])
    linger = b"\1\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _redirect(target: str, status: str = "302 Found") -> Behaviour:
    return sends(lambda content: head(status, 0, Location=target))


def _chunked(size: str) -> Behaviour:
    return sends(
        lambda content: (
            head(Transfer_Encoding="chunked") + f"{size}\r\n".encode() + content + b"\r\n0\r\n\r\n"
        )
    )


BEHAVIOURS: dict[str, Behaviour] = {
    "as it should": good,
    "closes at once": sends(lambda content: b""),
    "never answers": waits(lambda content: b""),
    "half a status line": sends(lambda content: b"HTTP/1.1 20"),
    "no HTTP": sends(lambda content: b"SSH-2.0-OpenSSH_9\r\n"),
    "binary": sends(lambda content: bytes(range(256)) * 100),
    "an endless header": sends(lambda content: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    "a thousand headers": sends(
        lambda content: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"
    ),
    "stops in the header": waits(lambda content: b"HTTP/1.1 200 OK\r\nContent-Le"),
    "a status that is none": sends(lambda content: head("abc OK")),
    "a huge status": sends(lambda content: head("99999999 OK")),
    "204": sends(lambda content: head("204 No Content")),
    "304": sends(lambda content: head("304 Not Modified")),
    "401": sends(lambda content: head("401 Unauthorized", 0, WWW_Authenticate="Basic")),
    "403": sends(lambda content: head("403 Forbidden", 0)),
    "404": sends(lambda content: head("404 Not Found", 4) + b"gone"),
    "416 unasked": sends(lambda content: head("416 Range Not Satisfiable", 0)),
    "429": sends(lambda content: head("429 Too Many Requests", 0, Retry_After="9999999")),
    "500": sends(lambda content: head("500 Internal Server Error", 0)),
    "503": sends(lambda content: head("503 Service Unavailable", 0)),
    "a page to sign in": sends(
        lambda content: head(length=12, Content_Type="text/html") + b"<html></html"
    ),
    "an empty file": sends(lambda content: head(length=0)),
    "an empty file without length": sends(lambda content: head()),
    "half, then closes": sends(lambda content: head(length=len(content)) + _half(content)),
    "half, no length": sends(lambda content: head() + _half(content)),
    "half, then waits": waits(
        lambda content: head(length=len(content), ETag='"one"') + _half(content)
    ),
    "half, then resets": _resets,
    "one byte at a time": _drips,
    "half, of another version": sends(
        lambda content: head(length=len(content), ETag='"one"') + bytes(len(content) // 2)
    ),
    "all zeros": sends(lambda content: head(length=len(content)) + bytes(len(content))),
    "a byte altered": sends(
        lambda content: head(length=len(content)) + content[:300] + b"\xff" + content[301:]
    ),
    "more than it says": sends(lambda content: head(length=len(content)) + content * 2),
    "less is said": sends(lambda content: head(length=len(content) // 2) + content),
    "a length of terabytes": sends(lambda content: head(length=10**13) + content),
    "a length of 40 digits": sends(lambda content: head(length="9" * 40) + content),
    "a negative length": sends(lambda content: head(length=-5) + _half(content)),
    "a length in words": sends(lambda content: head(length="many") + _half(content)),
    "a superscript length": sends(lambda content: head(length="\xb2") + _half(content)),
    "two lengths": sends(
        lambda content: head(length=f"5\r\nContent-Length: {len(content)}") + content
    ),
    "compressed": sends(lambda content: head(Content_Encoding="gzip") + gzip.compress(content)),
    "206 unasked": sends(
        lambda content: head("206 Partial Content", 50, Content_Range="bytes 50-99/100") + b"x" * 50
    ),
    "206 of another part": sends(
        lambda content: (
            head("206 Partial Content", 50, ETag='"one"', Content_Range="bytes 7-56/100")
            + b"x" * 50
        )
    ),
    "206 with a broken range": sends(
        lambda content: head("206 Partial Content", 9, Content_Range="bytes x-y/z") + b"x" * 9
    ),
    "redirects to itself": _redirect("/file.zip"),
    "redirects to a file here": _redirect("file:///etc/passwd"),
    "redirects to ftp": _redirect("ftp://127.0.0.1/file.zip"),
    "redirects to no address": _redirect("http://[::1"),
    "redirects to a long host": _redirect("http://" + "a" * 300 + "/"),
    "redirects to nowhere": _redirect(""),
    "redirects to a closed port": _redirect("http://127.0.0.1:9/file.zip", "308 Permanent"),
    "redirects with control characters": _redirect("http://127.0.0.1/\x01\x02 \x7f"),
    "a chunk that is no number": _chunked("zz"),
    "a negative chunk": _chunked("-5"),
    "a chunk of terabytes": _chunked("ffffffffffff"),
    "an ETag of bytes": sends(
        lambda content: head(length=len(content), ETag="\xff\xfe\x00") + _half(content)
    ),
    "a long ETag": sends(
        lambda content: head(length=len(content), ETag='"' + "x" * 60_000) + _half(content)
    ),
    "a weak ETag": sends(
        lambda content: head(length=len(content), ETag='W/"one"') + _half(content)
    ),
}


class Site:
    """A server at 127.0.0.1 whose next answers are given by ``behaviour``."""

    def __init__(self, content: bytes):
        self.content, self.behaviour = content, good
        self.url = ""


@contextlib.contextmanager
def serving(content: bytes) -> Iterator[Site]:
    """A :class:`Site`."""
    site = Site(content)
    listener = socket.create_server(("127.0.0.1", 0))
    site.url = f"http://127.0.0.1:{listener.getsockname()[1]}/file.zip"

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(WAIT_S)
            request = b""
            while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
                request += part
            site.behaviour(connection, request.decode("latin-1"), site.content)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield site
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def attempt(site: Site, name: str, folder: Path, times: int = 1) -> tuple[str, str]:
    """Install from a server that behaves so, and then from one that behaves.

    Returns:
        (what came of the first, of the last): "installed" or the sentence.
    """
    store, said = Store(folder), []
    install = functools.partial(install_release, a_release(site.url), store, schemes=("http",))
    for behaviour in (*[BEHAVIOURS[name]] * times, good):
        site.behaviour = behaviour
        try:
            install(replace=True)
            said.append("installed")
        except (ModelError, OutputError) as error:
            said.append(str(error))
    left = sorted(path.name for path in store.downloads.iterdir())
    return said[0], said[-1] if not left else f"left {left}"
