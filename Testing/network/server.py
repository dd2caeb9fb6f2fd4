"""A server of one file on this computer, as good and as bad as a test wants it."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading


class Server:
    """Serves ``content`` at ``/file.zip`` and what redirects to it.

    Attributes:
        requests: (path, value of the header Range or None) of each request.
        breaks_after: bytes after which the next answer breaks off; None: never.
        ranges: whether it answers requests for a part.
        etag: of the file.
        redirects: path -> address.
        status: answered instead of the file where it is not None.
    """

    def __init__(self, content: bytes):
        self.content = content
        self.requests: list[tuple[str, str | None]] = []
        self.breaks_after: int | None = None
        self.ranges, self.etag = True, '"one"'
        self.redirects: dict[str, str] = {}
        self.status: int | None = None
        self.says_length = True
        self.url = ""

    @property
    def file(self) -> str:
        return f"{self.url}/file.zip"

    def answer(self, handler) -> None:
        wanted = handler.headers.get("Range")
        self.requests.append((handler.path, wanted))
        if handler.path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[handler.path])
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if self.status is not None:
            handler.send_error(self.status)
            return
        start = 0
        if wanted and self.ranges and handler.headers.get("If-Range") == self.etag:
            start = int(re.match(r"bytes=(\d+)-", wanted).group(1))
            if start >= len(self.content):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(self.content)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header(
                "Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            )
        if self.says_length:
            handler.send_header("Content-Length", str(len(self.content) - start))
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.end_headers()
        body = self.content[start:]
        if self.breaks_after is not None:
            body, self.breaks_after = body[: self.breaks_after], None
        with contextlib.suppress(OSError):  # the client may have had enough
            handler.wfile.write(body)


@contextlib.contextmanager
def serving(content: bytes):
    """A :class:`Server` at 127.0.0.1."""
    server = Server(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.answer(self)

        def do_HEAD(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(
        target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
