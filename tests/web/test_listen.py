from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from rated_stems import SYSTEMS, write_stems
from soundsieve.errors import SettingsError, SoundsieveError
from soundsieve.evaluation.listening_material import find_material
from soundsieve.evaluation.ratings import RatingsFile
from soundsieve.web.listen import ListeningServer
from soundsieve.web.listening_session import ListeningSettings, ListeningTest


class Site:
    """A running server, and what went wrong in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.errors = folder, list[SoundsieveError]()
        settings = ListeningSettings(excerpt_s=1.0)
        test = ListeningTest(find_material(folder), RatingsFile(folder / "ratings.csv"), settings)
        self.server = ListeningServer(test, report=self.errors.append)
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def ask(
        self, path: str, body: object = None, method: str | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)
        data = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method or ("GET" if body is None else "POST"), path, data, kind | headers)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        return answer, found

    def tell(self, path: str, body: object = None) -> Any:
        answer, found = self.ask(path, body)
        assert answer.status == 200, found
        return json.loads(found)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(write_stems(tmp_path / "stems"))
    yield site
    site.server.shutdown()
    site.server.server_close()


def a_sound(site: Site) -> str:
    return "/" + str(site.tell("/api/trial?listener=Vera")["versions"][0]["audio"])


def test_the_page_needs_nothing_from_elsewhere_and_names_no_system(site: Site) -> None:
    answer, page = site.ask("/")
    text = page.decode()
    assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
    policy = answer.getheader("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert [word for word in ("src=", "@import", "https:", "innerHTML") if word in text] == []
    assert not any(name in text.lower() for name in SYSTEMS)


def test_a_listener_is_led_through_the_test_and_their_ratings_are_saved(site: Site) -> None:
    assert site.tell("/api/session", {"listener": "Vera"}) == {"listener": "Vera", "trials": 4, "done": 0}
    state = site.tell("/api/trial?listener=Vera")
    while not state["finished"]:
        ratings = [{"rating": 5, "listened_s": 1.5} for _ in state["versions"]]
        sent = {"listener": "Vera", "trial": state["trial"], "token": state["token"], "ratings": ratings}
        state = site.tell("/api/ratings", sent)
    assert len(RatingsFile(site.folder / "ratings.csv").read()) == 12
    for change, status, sentence in (
        ({}, 409, "was rated before"),
        ({"token": "0" * 32}, 409, "the test has changed"),
        ({"trial": 7}, 409, "the test has changed"),
        ({"trial": None}, 400, "trial = None"),
    ):
        answer, said = site.ask("/api/ratings", sent | change)
        assert answer.status == status
        assert sentence in json.loads(said)["error"]


def test_sound_is_served_whole_and_in_parts(site: Site) -> None:
    sound = a_sound(site)
    answer, whole = site.ask(sound)
    assert (answer.status, answer.getheader("Content-Type")) == (200, "audio/wav")
    assert answer.getheader("Accept-Ranges") == "bytes"
    assert len(whole) == 44 + 8_000 * 2 * 2
    for asked, start, end in (("bytes=0-43", 0, 44), ("bytes=1000-", 1_000, len(whole)), ("bytes=-100", -100, None)):
        answer, part = site.ask(sound, Range=asked)
        assert answer.status == 206
        assert part == whole[start:end]
        first = start % len(whole)
        assert answer.getheader("Content-Range") == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
    answer, nothing = site.ask(sound, Range="bytes=99999-")
    assert (answer.status, answer.getheader("Content-Range"), nothing) == (416, f"bytes */{len(whole)}", b"")
    answer, nothing = site.ask(sound, method="HEAD")
    assert (answer.status, answer.getheader("Content-Length"), nothing) == (200, str(len(whole)), b"")


def test_nothing_in_the_answers_tells_which_system_is_heard(site: Site) -> None:
    versions = site.tell("/api/trial?listener=Vera")["versions"]
    heads = []
    for version in versions:
        headers = dict(site.ask("/" + version["audio"])[0].getheaders())
        del headers["Date"]
        heads.append(headers)
    assert heads == [heads[0]] * 3
    assert not any(name in json.dumps(heads[0]).lower() for name in (*SYSTEMS, "stems"))


@pytest.mark.parametrize(
    "path",
    [
        "/alpha/One.vocals.wav",
        "/ratings.csv",
        "/audio/../ratings.csv",
        "/audio/..%2fratings.csv",
        "/audio/../../../../etc/passwd",
        "//etc/passwd",
        "/audio/",
        "/audio/0123456789abcdef0123456789abcdef",
        "/api/session",
        "/listen.html",
    ],
)
def test_nothing_but_the_test_is_served(site: Site, path: str) -> None:
    a_sound(site)
    assert site.ask(path)[0].status == 404


def test_other_sites_may_not_ask(site: Site) -> None:
    assert site.ask("/", Host="evil.example")[0].status == 403
    assert site.ask("/", Host="localhost:9999")[0].status == 200  # through a tunnel
    session = {"listener": "Vera"}
    assert site.ask("/api/session", session, **{"Content-Type": "text/plain"})[0].status == 415
    assert site.ask("/", method="OPTIONS")[0].status == 501


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_broken_request_is_refused(site: Site, data: bytes) -> None:
    connection = HTTPConnection("127.0.0.1", site.server.server_address[1], timeout=10)
    connection.request("POST", "/api/session", data, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 400
    connection.close()


DEEP = b"[" * 100_000
POST = "POST /api/session HTTP/1.1\r\nHost: localhost\r\n"
GET = "GET /api/trial HTTP/1.1\r\nHost: localhost\r\n"
RATE_TRIAL = b'{"listener": "Vera", "trial": 1, "token": "", "ratings": [{"rating": 5, "listened_s": 1%s}]}'


def json_request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: [\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (f"{POST}Content-Length: {'9' * 5_000}\r\n\r\n", 413),
        (f"{POST}Content-Length: 99999999\r\n\r\n", 413),
        (f"{POST}Content-Length: -1\r\n\r\n", 400),
        (f"{POST}Content-Length: \u00b2\r\n\r\n", 400),
        (f"{POST}\r\n", 411),
        (f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 411),
        (json_request("/api/session", DEEP), 400),
        (json_request("/api/session", b'{"listener": ' + b"[" * 900 + b"]" * 900 + b"}"), 400),
        (json_request("/api/session", b'{"listener": "\\ud800"}'), 400),
        (json_request("/api/session", b'{"listener": ' + b"9" * 5_000 + b"}"), 400),
        (json_request("/api/ratings", RATE_TRIAL % (b"0" * 400)), 409),
        (json_request("/api/ratings", RATE_TRIAL.replace(b": 1,", b": -1%s,") % (b"0" * 400, b"")), 400),
        ("NONSENSE\r\n\r\n", None),
        ("GET / HTTP/\u00b2.1\r\n\r\n", None),
        (f"GET /{'a' * 70_000} HTTP/1.1\r\n\r\n", None),
        ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 200 + "\r\n", None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_malformed_request_is_answered_in_one_line_without_a_traceback(
    site: Site, request_: str | bytes, status: int | None, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", site.server.server_address[1]), timeout=10) as browser:
        browser.sendall(request_ if isinstance(request_, bytes) else request_.encode("latin-1"))
        browser.shutdown(socket.SHUT_WR)
        with browser.makefile("rb") as answer:
            head, _, body = answer.read().rpartition(b"\r\n")
    if status is not None:
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert set(json.loads(body)) == {"error"}
    assert 0 < len(json.loads(body)["error"]) < 250
    assert site.ask("/")[0].status == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("asked", "status"),
    [("bytes=\u00b2-", 200), (f"bytes={'9' * 5_000}-", 416), (f"bytes=0-{'9' * 5_000}", 206), ("bytes=\u00b9-9", 200)],
)
def test_a_malformed_range_does_no_harm(site: Site, asked: str, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert site.ask(a_sound(site), Range=asked)[0].status == status
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"GET /"])
def test_a_browser_that_goes_away_is_no_matter(site: Site, sent: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        browser = socket.create_connection(("127.0.0.1", site.server.server_address[1]), timeout=10)
        browser.sendall(sent)
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        browser.close()
    assert site.ask("/")[0].status == 200
    wait_until(lambda: not any(thread.name.endswith("(process_request_thread)") for thread in threading.enumerate()))
    assert capfd.readouterr().err == ""


def test_a_fault_of_ours_is_not_hidden(
    site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(site.server, "page", None)
    with pytest.raises(RemoteDisconnected):
        site.ask("/")
    wait_until(lambda: not any(thread.name.endswith("(process_request_thread)") for thread in threading.enumerate()))
    assert "TypeError" in capfd.readouterr().err


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not reached() and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize(("host", "here"), [("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1"), ("::", "[::1]")])
def test_the_address_of_a_server_for_the_network_can_be_gone_to(site: Site, host: str, here: str) -> None:
    try:
        server = ListeningServer(site.server.test, host=host)
    except SettingsError as error:
        if ":" in host:
            pytest.skip(str(error))
        raise
    with server:
        port = server.server_address[1]
        assert server.address == f"http://{here}:{port}/"
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        for address in filter(None, (server.address, server.network_address)):
            with urlopen(address, timeout=10) as page:
                assert page.status == 200
        assert server.network_address != server.address
        server.shutdown()
    assert site.server.network_address is None


def test_a_broken_recording_is_reported_to_who_runs_the_test_and_not_to_the_listener(site: Site) -> None:
    sound = a_sound(site)
    for path in site.folder.rglob("*.wav"):
        path.write_text("no sound")
    for path in (sound, "/api/trial?listener=Wim"):
        answer, said = site.ask(path)
        assert answer.status == 500
        assert "tell the person who runs it" in json.loads(said)["error"]
        assert str(site.folder) not in said.decode()
    assert len(site.errors) == 2
    assert all(str(site.folder) in str(error) for error in site.errors)


def test_a_port_that_is_taken_is_one_sentence(site: Site) -> None:
    port = site.server.server_address[1]
    with pytest.raises(SettingsError, match=rf"port {port} of 127\.0\.0\.1 cannot be had .*--port"):
        ListeningServer(site.server.test, port=port)
    with pytest.raises(SettingsError, match=r"of no\.such\.host\.invalid cannot be had"):
        ListeningServer(site.server.test, host="no.such.host.invalid")
    with pytest.raises(SettingsError, match=r"of ä{70} cannot be had \(encoding of hostname failed"):
        ListeningServer(site.server.test, host="ä" * 70)
