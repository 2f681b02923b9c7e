"""The documentation keeps its word: examples run, command lines parse, links lead somewhere, nothing is left out.

A comment above a code block says what is done with it. Python runs, all blocks of a page in order, unless it is marked
`<!-- not run -->`. Shell is only parsed, unless it is marked `<!-- run -->`. `<!-- file: PATH -->` and
`<!-- append: PATH -->` put a block into a copy of the repository, in which the page's other blocks then run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer

from soundsieve import checkpoint, datasets, recipes
from soundsieve.cli import application, verbs
from soundsieve.cli.select import AUTO
from soundsieve.inference.classes import match_classes
from soundsieve.settings import override, read_yaml
from soundsieve.training.genre_recipe import GenreRecipe
from soundsieve.training.object_recipe import ObjectRecipe
from soundsieve.training.recipe import SelectRecipe
from soundsieve.training.tag_recipe import TagRecipe
from soundsieve.training.unmix_recipe import UnmixRecipe
from soundsieve.training.watch_recipe import WatchRecipe

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?:<!-- ([^\n]*) -->\n+)?^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:soundsieve|make|python) [^`]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")
ELSEWHERE = re.compile(r"https?://")
OPERATORS = {"|", "||", "&&", "&", ";", ">", ">>", "!", "do", "done", "then"}
RECORDINGS_HZ = {"song.wav": 22_050, "street.wav": 44_100, "forest.wav": 44_100}  # recordings that the examples name


@dataclass(frozen=True)
class Block:
    """A code block: what the comment above it says, its language, its text and the number of its first line."""

    mark: str
    language: str
    text: str
    line: int


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Every code block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        mark, indent, language, body = match.groups(default="")
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        found.append(Block(mark, language, "\n".join(lines) + "\n", text[: match.start(4)].count("\n") + 1))
    return tuple(found)


def python_of(page: Path) -> str:
    """The Python of a page as one program, each line where the page has it, so that a traceback names the right one."""
    lines: list[str] = []
    for block in blocks(page):
        if block.language == "python" and not block.mark:
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    return "\n".join(lines)


def command_lines(page: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every simple command in the shell blocks that do not run and in the running text: line number and words."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language == "sh" and block.mark != "run":
            whole = block.text.replace("\\\n", "  ")
            for offset, line in enumerate(whole.splitlines()):
                yield from ((block.line + offset, words) for words in simple_commands(line))
    prose = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in INLINE.finditer(prose):
        line = prose[: match.start()].count("\n") + 1
        yield from ((line, words) for words in simple_commands(match[1]))


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """Split a shell line at its operators; comments are dropped."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in OPERATORS:
            words.append(word)
        elif words:
            yield tuple(words)
            words = []


COMMANDS = [
    pytest.param(words, id=f"{page.name}:{line}")
    for page in PAGES
    for line, words in command_lines(page)
    if Path(words[0]).name in {"soundsieve", "make", "python"}
]


@cache
def tree() -> Any:
    """The command line as typer builds it."""
    return typer.main.get_command(application())


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_line_can_be_typed(words: tuple[str, ...]) -> None:
    program, rest = Path(words[0]).name, list(words[1:])
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(rest) <= set(targets)
    elif program == "python":
        assert importlib.util.find_spec(rest[1]) if rest[0] == "-m" else (ROOT / rest[0]).exists(), rest
    elif rest[0].startswith("-"):
        assert rest[0] in {"-h", "--help", *(name for parameter in tree().params for name in parameter.opts)}
    else:
        verb, *given = rest
        assert verb in tree().commands, f"no verb {verb!r}"
        if given and given != ["--help"]:
            # Parsed as if typed: an unknown option, a missing argument or a value out of range raises.
            check_names(verb, tree().commands[verb].make_context(verb, given).params)


def check_names(verb: str, given: dict[str, Any]) -> None:
    """Recipes, settings, data sets and classes that a command line names exist."""
    if verb == "check":
        assert given["dataset"] in {*datasets.names(), *datasets.song_names(), *datasets.video_names()}
    if given.get("recipe"):
        task = given.get("task", "select")
        values = override(read_yaml(recipes.locate(task, given["recipe"])), given.get("settings") or [])
        genre = TagRecipe if "corpus" in values else GenreRecipe
        kinds = {
            "select": SelectRecipe,
            "unmix": UnmixRecipe,
            "watch": ObjectRecipe if "engine" in values else WatchRecipe,
            "tag": TagRecipe,
            "genre": genre,
        }
        kinds[task].parse(values)
    if verb == "select" and given["model"] in checkpoint.released() and not given["classes"]:
        known = checkpoint.load(checkpoint.locate(given["model"]), weights=False).classes
        asked = ",".join([*(given["keep"] or []), *(given["remove"] or [])])
        assert asked == AUTO or match_classes([name.strip() for name in asked.split(",")], known)


def runs(page: Path) -> bool:
    return bool(python_of(page)) or any(block.mark == "run" for block in blocks(page))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=lambda page: page.name)
def test_its_examples_run(page: Path, tmp_path: Path) -> None:
    program, shell = python_of(page), [block for block in blocks(page) if block.mark == "run"]
    written = [block for block in blocks(page) if block.mark.startswith(("file: ", "append: "))]
    loaded = {"select", "tag", "genre", "unmix"} & set(re.findall(r'load\("(\w+)"\)', program))
    missing = loaded - set(checkpoint.released())
    if missing:
        pytest.skip(f"the examples need released checkpoints that are not in this copy: {', '.join(sorted(missing))}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if written:
        copy_repository(tmp_path, written)
        environment["PYTHONPATH"] = str(tmp_path / "src")
        paths = [block.mark.partition(": ")[2] for block in written]
        for check in (["check"], ["format", "--check"]):
            run([sys.executable, "-m", "ruff", *check, *paths], tmp_path, environment)
    for name, sample_rate in RECORDINGS_HZ.items():
        write_recording(tmp_path / name, sample_rate)
    for block in shell:
        run(["bash", "-euo", "pipefail", "-c", block.text], tmp_path, environment)
    if program:
        (tmp_path / f"{page.stem}.md.py").write_text(program, encoding="utf-8")
        run([sys.executable, f"{page.stem}.md.py"], tmp_path, environment)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def copy_repository(folder: Path, written: list[Block]) -> None:
    """Copy what examples build on, and write or append their files."""
    unneeded = shutil.ignore_patterns("__pycache__", "weights", "test_docs.py")
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for block in written:
        kind, _, path = block.mark.partition(": ")
        target = folder / path
        assert target.exists() == (kind == "append"), f"{path}: a page says {kind}"
        with target.open("a", encoding="utf-8") as file:
            file.write(("\n\n" if kind == "append" else "") + block.text)


def write_recording(path: Path, sample_rate: int) -> None:
    """Three seconds of stereo: short bursts of a falling tone over quiet noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(3 * sample_rate) / sample_rate
    bursts = np.sin(2 * np.pi * (700 * time_s - 60 * time_s**2)) * (time_s % 1 < 0.3)
    samples = 0.3 * bursts[:, None] + 0.01 * rng.standard_normal((len(time_s), 2))
    soundfile.write(path, samples, sample_rate)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_to_files(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not ELSEWHERE.match(link)]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_to_headings_lead_to_headings(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_nothing_is_left_out() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [verb for verb in verbs() if f"soundsieve {verb}" not in text] == []
    assert [name for name in recipes.names("select") if not re.search(rf"`{name}`|--recipe {name}\b", text)] == []
    select = (ROOT / "docs" / "select.md").read_text(encoding="utf-8")
    names = [name for option in tree().commands["select"].params for name in option.opts if name.startswith("--")]
    # A switch may be described by the side that is not the default.
    assert [name for name in names if name not in select and f"--no-{name[2:]}" not in select] == []


def test_the_layers_are_those_of_the_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    shown = next(block.text for block in blocks(ROOT / "docs" / "architecture.md") if "cli\n" in block.text)
    assert shown.splitlines() == [layer.replace("soundsieve.", "") for layer in layers]
