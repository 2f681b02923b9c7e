import json
from pathlib import Path

from typer.testing import CliRunner, Result

from layouts import write_layout
from soundsieve import datasets
from soundsieve.cli import application


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(application(), ["check", *map(str, arguments)])


def test_a_complete_copy_is_fine(tmp_path: Path) -> None:
    root = write_layout("folder", tmp_path)
    result = run("folder", root)
    assert result.exit_code == 0
    assert result.stdout.startswith("folder: ")


def test_a_damaged_copy_is_told_file_by_file(tmp_path: Path) -> None:
    root = write_layout("esc50", tmp_path)
    clips = datasets.get("esc50").clips(root)
    clips[0].path.write_bytes(b"")
    clips[1].path.unlink()
    result = run("esc50", root)
    assert result.exit_code == 2
    assert any(line.startswith("  damaged: ") and clips[0].path.name in line for line in result.stdout.splitlines())
    plain = json.loads(run("esc50", root, "--json").stdout)
    assert plain["ok"] is False
    assert len(plain["damaged"]) == 1


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    for arguments, sentence in (
        (("esc51", tmp_path), "unknown data set 'esc51': did you mean 'esc50'"),
        (("esc50", tmp_path / "absent"), "no such folder"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr
