"""A web server for a listening test: one page, what it asks, and the sound.

It serves this computer alone unless told otherwise, needs no network, and hands out nothing but the page and excerpts
of the trials it has shown.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, urlsplit

from soundsieve.errors import SettingsError, SoundsieveError
from soundsieve.web.byte_range import UnsatisfiableError, parse_range
from soundsieve.web.listening_session import ListeningTest, RatedAlreadyError, RequestError

_LOCAL = {"127.0.0.1", "localhost", "::1"}
_MOST_BYTES = 1 << 20  # of a request
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; media-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ListeningServer(ThreadingMixIn, TCPServer):
    """Serves a listening test until it is told to stop; a thread for each request.

    Args:
        test: What is served.
        host: The address to listen at; others than this computer's own let others in.
        port: 0 for any that is free.
        report: Called with what goes wrong with the test itself, a broken recording say; listeners are not told, since
            the sentence names the file.

    Raises:
        SettingsError: the address or the port cannot be had.

    >>> import tempfile, threading
    >>> from pathlib import Path
    >>> from soundsieve.evaluation.listening_material import Item, Material, Question
    >>> from soundsieve.evaluation.ratings import RatingsFile
    >>> material = Material(("a",), (Question("Song", "bass", (Item("a", Path("a.wav")),)),))
    >>> with ListeningServer(ListeningTest(material, RatingsFile(Path("ratings.csv"))), port=0) as server:
    ...     print(server.address)
    http://127.0.0.1:.../
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self,
        test: ListeningTest,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        report: Callable[[SoundsieveError], None] = lambda error: None,
    ) -> None:
        self.test, self.host, self.report = test, host, report
        self.page = files("soundsieve.web").joinpath("listen.html").read_bytes()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"port {port} of {host} cannot be had ({reason}); name another with --port, or 0 for any that is free"
            ) from None

    @property
    def address(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/"

    @property
    def local(self) -> bool:
        """Whether only this computer is served."""
        return self.host in _LOCAL


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "soundsieve"
    sys_version = ""
    timeout = 60.0
    server: ListeningServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is for results."""

    def _answer(self) -> None:
        try:
            self._route()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the browser went away, as it may at any time

    def _route(self) -> None:
        url = urlsplit(self.path)
        if not self._host_is_ours():
            self._fail(HTTPStatus.FORBIDDEN, "this address is not served")
        elif self.command == "POST":
            self._post(url.path)
        elif url.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        elif url.path == "/api/trial":
            listener = parse_qs(url.query).get("listener", [""])[0]
            self._tell(lambda: self.server.test.next_trial(listener))
        elif url.path.startswith("/audio/"):
            self._sound(url.path.removeprefix("/audio/"))
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such page")

    def _post(self, path: str) -> None:
        call = {"/api/session": self.server.test.begin, "/api/ratings": self.server.test.rate}.get(path)
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > _MOST_BYTES:
            self.close_connection = True  # what follows cannot be told from a request
            self._fail(HTTPStatus.BAD_REQUEST, "the length of the request is missing or too large")
            return
        body = self.rfile.read(int(length))
        if call is None:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such page")
            return
        # Other sites' pages cannot send this type without asking first, which is never answered.
        if self.headers.get_content_type() != "application/json":
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected JSON")
            return
        try:
            request = json.loads(body)
        except ValueError:
            request = None
        if isinstance(request, dict):
            self._tell(lambda: call(request))
        else:
            self._fail(HTTPStatus.BAD_REQUEST, "expected a JSON object")

    def _tell(self, ask: Callable[[], dict[str, Any]]) -> None:
        try:
            found = ask()
        except SoundsieveError as error:
            self._refuse(error)
        else:
            self._send(HTTPStatus.OK, "application/json", json.dumps(found).encode())

    def _refuse(self, error: SoundsieveError) -> None:
        if isinstance(error, RequestError):
            status = HTTPStatus.CONFLICT if isinstance(error, RatedAlreadyError) else HTTPStatus.BAD_REQUEST
            self._fail(status, str(error))
        else:
            # The sentence on a broken recording names its file, and so the system.
            self.server.report(error)
            sentence = "something is wrong with the test; please tell the person who runs it"
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)

    def _sound(self, number: str) -> None:
        excerpt = self.server.test.audio(number)
        if excerpt is None:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such sound")
            return
        try:
            wav = excerpt.to_wav()
        except SoundsieveError as error:
            self._refuse(error)
            return
        try:
            part = parse_range(self.headers.get("Range"), len(wav))
        except UnsatisfiableError:
            status, more = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{len(wav)}"}
            self._send(status, "text/plain", b"", more)
            return
        start, end = part or (0, len(wav))
        status, more = (HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK), {"Accept-Ranges": "bytes"}
        if part:
            more["Content-Range"] = f"bytes {start}-{end - 1}/{len(wav)}"
        self._send(status, "audio/wav", wav[start:end], more)

    def _host_is_ours(self) -> bool:
        """Refuse other sites whose name was made to lead to this computer (DNS rebinding)."""
        return not self.server.local or urlsplit(f"//{self.headers.get('Host', '')}").hostname in _LOCAL

    def _fail(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, "application/json", json.dumps({"error": sentence}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS, **(more or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
