"""A web server for a listening test: one page, what it asks, and the sound.

It serves this computer alone unless told otherwise, needs no network, and hands out nothing but the page and excerpts
of the trials it has shown.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from soundsieve.errors import SettingsError, SoundsieveError
from soundsieve.web.byte_range import UnsatisfiableError, parse_range
from soundsieve.web.listening_session import ListeningTest, OutdatedError, RequestError

_LOCAL = {"127.0.0.1", "localhost", "::1"}
_MOST_BYTES = 1 << 20  # of a request
_MOST_DIGITS = 18  # of its length; `int` refuses text of thousands of them
# Addresses that nobody has, being for examples (RFC 5737, RFC 3849).
_ANYWHERE: dict[int, str] = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
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
        except (OSError, OverflowError, TypeError, ValueError) as error:  # the last two for what can be no name at all
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"port {port} of {host} cannot be had ({reason}); name another with --port, or 0 for any that is free"
            ) from None

    @property
    def address(self) -> str:
        """Where the page is on this computer; a browser cannot go to 0.0.0.0 and its like, which stand for all."""
        if self._everywhere:
            return self._at("127.0.0.1" if self.address_family == socket.AF_INET else "::1")
        return self._at(self.host)

    @property
    def network_address(self) -> str | None:
        """Where the page is for other computers, if all of this computer's addresses are served and it has a network.

        Nothing is sent: a datagram socket only finds out which of its addresses this computer would use.
        """
        if not self._everywhere:
            return None
        with socket.socket(self.address_family, socket.SOCK_DGRAM) as asked:
            try:
                asked.connect((_ANYWHERE[self.address_family], 9))
            except OSError:  # there is no network
                return None
            return self._at(asked.getsockname()[0])

    @property
    def local(self) -> bool:
        """Whether only this computer is served."""
        return self.host in _LOCAL

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away, as it may at any time; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def _everywhere(self) -> bool:
        return ipaddress.ip_address(str(self.server_address[0])).is_unspecified

    def _at(self, host: str) -> str:
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"


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

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request at all as any other that is refused."""
        self.close_connection = True
        self._fail(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def _answer(self) -> None:
        try:
            url, host = urlsplit(self.path), urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:  # brackets that hold no address, say
            self.send_error(HTTPStatus.BAD_REQUEST, "this is no address")
            return
        # Other sites' names may be made to lead to this computer (DNS rebinding).
        if self.server.local and host not in _LOCAL:
            self.send_error(HTTPStatus.FORBIDDEN, "this address is not served")
            return
        self._route(url)

    def _route(self, url: SplitResult) -> None:
        if self.command == "POST":
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
        length = self._length()
        if length is None:
            return
        body = self.rfile.read(length)
        if call is None:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such page")
            return
        # Other sites' pages cannot send this type without asking first, which is never answered.
        if self.headers.get_content_type() != "application/json":
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected JSON")
            return
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):  # the latter where it is nested deeply
            request = None
        if isinstance(request, dict):
            self._tell(lambda: call(request))
        else:
            self._fail(HTTPStatus.BAD_REQUEST, "expected a JSON object")

    def _length(self) -> int | None:
        """Return how long the request is; None after refusing it, and what follows, which may be any part of it."""
        text = self.headers.get("Content-Length", "").strip()
        if not text:
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "the length of the request is missing")
        elif not (text.isascii() and text.isdigit()):
            self.send_error(HTTPStatus.BAD_REQUEST, "the length of the request is not a number")
        elif len(digits := text.lstrip("0") or "0") > _MOST_DIGITS or int(digits) > _MOST_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is longer than {_MOST_BYTES} bytes")
        else:
            return int(digits)
        return None

    def _tell(self, ask: Callable[[], dict[str, Any]]) -> None:
        try:
            found = ask()
        except SoundsieveError as error:
            self._refuse(error)
        else:
            self._send(HTTPStatus.OK, "application/json", json.dumps(found).encode())

    def _refuse(self, error: SoundsieveError) -> None:
        if isinstance(error, RequestError):
            status = HTTPStatus.CONFLICT if isinstance(error, OutdatedError) else HTTPStatus.BAD_REQUEST
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

    def _fail(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, "application/json", json.dumps({"error": sentence}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS, **(more or {})}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
