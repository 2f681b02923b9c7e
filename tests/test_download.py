"""Files that are fetched: once, whole, what they should be, and with a sentence when not."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from soundsieve.download import cache_folder, fetch
from soundsieve.errors import DownloadError, OutputError

CONTENT = bytes(range(256)) * 10_000  # 2.56 MB: several blocks
NAME = f"weights-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with a file to be fetched."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / NAME).write_bytes(CONTENT)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Stingy(BaseHTTPRequestHandler):
    """Announces the whole file, sends a part of it, and hangs up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1_500_000])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start servers on this machine; the function returns an address."""
    servers: list[HTTPServer] = []

    def start(handler: Callable[..., BaseHTTPRequestHandler]) -> str:
        server = HTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_file_is_fetched_once(tmp_path: Path, there: Path, serve: Callable[..., str]) -> None:
    url, cache = f"{serve(partial(Quiet, directory=str(there)))}/{NAME}?download=1", tmp_path / "new" / "cache"
    steps: list[tuple[int, int | None]] = []
    path = fetch(url, folder=cache, progress=lambda done, size: steps.append((done, size)))
    assert path == cache / NAME
    assert path.read_bytes() == CONTENT
    assert [size for _, size in steps] == [len(CONTENT)] * len(steps)
    assert [done for done, _ in steps] == [1 << 20, 2 << 20, len(CONTENT)]
    (there / NAME).unlink()
    steps.clear()
    assert fetch(url, folder=cache, progress=lambda done, size: steps.append((done, size))) == path
    assert steps == [(len(CONTENT), len(CONTENT))]


def test_the_users_cache_is_where_it_is_kept(there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert fetch((there / NAME).as_uri()) == tmp_path / "own" / "soundsieve" / NAME
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / "home" / ".cache" / "soundsieve"


def test_what_is_not_what_its_name_says_is_not_kept(tmp_path: Path, there: Path) -> None:
    (there / NAME).write_bytes(CONTENT + b"!")
    with pytest.raises(DownloadError, match=rf"SHA-256 begins with {NAME[8:16]}, found [0-9a-f]{{8}}: it was changed"):
        fetch((there / NAME).as_uri(), folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_that_is_cut_short_is_not_kept(tmp_path: Path, serve: Callable[..., str]) -> None:
    with pytest.raises(DownloadError, match=r"cut short|cannot be fetched"):
        fetch(f"{serve(Stingy)}/{NAME}", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_server_it_says_where_the_file_belongs(tmp_path: Path, serve: Callable[..., str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for url, reason in (
        (f"http://nowhere.invalid/{NAME}", r".+"),
        (f"{serve(partial(Quiet, directory=str(empty)))}/{NAME}", "File not found|Not Found"),
        ((empty / NAME).as_uri(), "No such file"),
    ):
        with pytest.raises(DownloadError) as caught:
            fetch(url, folder=tmp_path / "cache")
        caught.match(
            rf"^{url}: cannot be fetched \(.*({reason}).*\); .* the file belongs at {tmp_path / 'cache' / NAME}$"
        )
        assert list((tmp_path / "cache").iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, there: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=rf"file/{NAME}: cannot be written \(Not a directory|File exists"):
        fetch((there / NAME).as_uri(), folder=tmp_path / "file")


def test_stopping_leaves_nothing_behind(tmp_path: Path, there: Path) -> None:
    def stop(done: int, size: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch((there / NAME).as_uri(), folder=tmp_path / "cache", progress=stop)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("name", ["weights.pth", "weights-0123.pth", "weights-nothexadecimal.pth", ""])
def test_a_name_must_say_how_the_digest_begins(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name with the first digits of its SHA-256"):
        fetch(f"http://nowhere.invalid/{name}")
