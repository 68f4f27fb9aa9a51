"""A server of our own for pages that play a video: files, with ranges, and what a tracker sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_KINDS = {".html": "text/html", ".js": "text/javascript", ".webm": "video/webm"}


class LessonServer(ThreadingHTTPServer):
    """Serves `files` by their paths, and keeps the bodies that are posted to `/events`, beacons apart too."""

    daemon_threads = True

    def __init__(self, files: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.bodies: list[str] = []
        self.beacons: list[str] = []

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: LessonServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.server.files.get(self.path)
        if path is None:
            self._answer(404)
            return
        content, kind = path.read_bytes(), _KINDS[path.suffix]
        # Without ranges a browser cannot seek to what it has not loaded.
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found is None:
            self._answer(200, content, {"Content-Type": kind, "Accept-Ranges": "bytes"})
            return
        first = int(found[1])
        last = min(int(found[2] or len(content)), len(content) - 1)
        about = {"Content-Type": kind, "Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._answer(206, content[first : last + 1], about)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/events":
            self.server.bodies.append(body)
            # So browsers send beacons; a page's own requests are `cors`.
            if self.headers.get("Sec-Fetch-Mode") == "no-cors":
                self.server.beacons.append(body)
        self._answer(204 if self.path == "/events" else 404)

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def lesson_server(files: dict[str, Path]) -> Iterator[LessonServer]:
    """A server of `files` on a free port, until the block ends."""
    with LessonServer(files) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
