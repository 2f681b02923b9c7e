from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

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
        state = site.tell("/api/ratings", {"listener": "Vera", "trial": state["trial"], "ratings": ratings})
    assert len(RatingsFile(site.folder / "ratings.csv").read()) == 12
    again = {"listener": "Vera", "trial": 1, "ratings": [{"rating": 5, "listened_s": 1.5}] * 3}
    assert site.ask("/api/ratings", again)[0].status == 409
    assert site.ask("/api/ratings", again | {"trial": 7})[0].status == 400


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


def test_a_request_without_end_is_refused(site: Site) -> None:
    assert site.ask("/api/session", method="POST", **{"Content-Length": "99999999"})[0].status == 400
    assert site.ask("/api/session", method="POST", **{"Content-Length": "-1"})[0].status == 400


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
