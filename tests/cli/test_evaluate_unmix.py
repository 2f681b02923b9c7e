"""`soundsieve evaluate unmix`: from a checkpoint and songs to tables, files and sentences."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fake_engines import four
from songs import TRACKS, stems, write_folder, write_stem_mp4
from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.cli import main
from soundsieve.evaluation import unmix
from soundsieve.inference import engine_choice
from soundsieve.inference.engines.stacked import Stacked

RATE = 8_000
HYPER = {"L": 3, "F_c": 2}
TIMES = {"compute_s", "real_time_factor", "fastest", "slowest", "speed"}


def write_model(path: Path, names: tuple[str, ...] = ("vocals", "accompaniment"), seed: int = 0) -> Path:
    torch.manual_seed(seed)
    weights = models.build("wave_unet", HYPER, len(names)).state_dict()
    checkpoint.save(path, Checkpoint("unmix", "wave_unet", HYPER, names, RATE, {"licence": "MIT"}, weights=weights))
    return path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Three songs, mono for speed, and a network that knows nothing; the second song has no vocals."""
    for number, name in enumerate(("A - One", "B - Two", "C - Three")):
        made = stems(RATE + 1_000 * number, channels=1, seed=10 * number)
        if number == 1:
            del made["vocals"]
        del made["mixture"]
        write_folder(tmp_path / "songs" / name, made, RATE)
    write_model(tmp_path / "model.safetensors")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "unmix", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def timeless(value: Any) -> Any:
    """A report without what differs from run to run."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def test_the_report_says_what_was_measured(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs")
    code, out, err = run(capsys, *arguments, "--report", work / "report")
    assert code == 0
    assert f"- data: stems in {work / 'songs'}, part 'all'" in out
    assert "- songs: 3 of 3, 3 s in all, 8000 Hz" in out
    assert "- licence: MIT" in out
    for name in ("## vocals / accompaniment", "| vocals", "| accompaniment", "ideal mask", "1 of 3"):
        assert name in out
    assert all(name in err for name in ("report.json", "report.md", "songs.csv", "sdr.png", "improvement.png"))
    assert "A - One" in (work / "report" / "report.md").read_text(encoding="utf-8")
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    ours, kept = json.loads(out), json.loads((work / "report" / "report.json").read_text(encoding="utf-8"))
    assert timeless(ours) == timeless(kept)
    assert ours["stems"][0]["absent"] == 1
    assert ours["speed"]["compute_s"] > 0


def test_two_processes_find_what_one_does(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", "--json")
    one, two = (json.loads(run(capsys, *arguments, "--jobs", jobs)[1]) for jobs in (1, 2))
    assert two["protocol"].pop("jobs") == 2
    one["protocol"].pop("jobs")
    for found in (one, two):
        assert "--jobs" in found["protocol"].pop("command")
    assert [row["song"] for row in two["songs"][::6]] == ["A - One", "B - Two", "C - Three"]
    assert timeless(one) == timeless(two)


def test_finished_songs_are_passed_over(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", "--report", work / "report")
    assert run(capsys, *arguments, "--songs", 2)[0] == 0
    kept = sorted(path.name for path in (work / "report" / "songs").iterdir())
    assert kept == ["all - A - One.json", "all - B - Two.json"]
    done = work / "report" / "songs" / kept[0]
    values = json.loads(done.read_text(encoding="utf-8"))
    values["scores"]["scores"][0]["sdr_db"] = 77.0
    done.write_text(json.dumps(values), encoding="utf-8")
    code, out, _ = run(capsys, *arguments, "--resume", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["protocol"]["resumed"] == 2
    assert found["songs"][0]["whole_sdr_db"] == 77  # taken from the folder, not measured
    assert len(found["songs"]) == 3 * 6

    code, _, err = run(capsys, *arguments)
    assert (code, "holds a report already" in err) == (2, True)
    (work / "report" / "report.json").unlink()  # as a run that was stopped leaves it
    code, _, err = run(capsys, *arguments)
    assert (code, "holds finished songs; use --resume" in err) == (2, True)
    write_model(work / "model.safetensors", seed=1)
    code, _, err = run(capsys, *arguments, "--resume")
    assert (code, "was measured with weights = " in err) == (2, True)
    assert run(capsys, *arguments, "--force")[0] == 0
    assert json.loads((work / "report" / "report.json").read_text(encoding="utf-8"))["protocol"]["resumed"] == 0
    values["scores"].pop("song")
    done.write_text(json.dumps(values), encoding="utf-8")
    code, _, err = run(capsys, *arguments, "--resume")
    assert (code, "cannot be read" in err) == (2, True)


def test_songs_of_the_same_names_are_not_taken_over(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ("--report", work / "report")
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", *report)
    assert run(capsys, *arguments)[0] == 0
    shutil.copytree(work / "songs", work / "others")
    code, _, err = run(capsys, "--model", work / "model.safetensors", "--data", work / "others", *report, "--resume")
    assert (code, f"not '{work / 'others'}'" in err) == (2, True)
    monkeypatch.chdir(work)  # the folder is known by its place, not by how it is written
    assert run(capsys, "--model", "model.safetensors", "--data", "songs", *report, "--resume")[0] == 0
    made = stems(RATE, channels=1, seed=99)
    write_folder(work / "songs" / "A - One", {"bass": made["bass"]}, RATE)
    code, _, err = run(capsys, *arguments, "--resume")
    assert (code, "before the files of the song were changed" in err) == (2, True)
    assert len(err.strip().splitlines()) == 1


def test_weights_that_an_engine_has_by_itself_count_too(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "released", lambda: {"unmix": work / "model.safetensors"})
    arguments = ("--model", "checkpoint", "--data", work / "songs", "--songs", 1, "--report", work / "report")
    assert run(capsys, *arguments)[0] == 0
    assert run(capsys, *arguments, "--resume")[0] == 0
    write_model(work / "model.safetensors", seed=1)
    code, _, err = run(capsys, *arguments, "--resume")
    assert (code, "was measured with weights = " in err) == (2, True)


def test_the_cards_of_engines_in_an_engine_are_told(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(four(), card={"licence": "MIT", "source": "https://a.example", "data": "much"})
    second = replace(four(), card={"licence": "CC0", "data": {"songs": "yours"}, "results": {"validation_db": 1.0}})
    monkeypatch.setattr(engine_choice, "_load", lambda name: Stacked(first, second))
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", "--songs", 1)
    _, out, _ = run(capsys, *arguments)
    assert "- licence: vocals: MIT; accompaniment: CC0\n" in out
    assert "- source: vocals: https://a.example\n" in out
    assert "- trained on: vocals: much; accompaniment: songs (yours)\n" in out
    card = json.loads(run(capsys, *arguments, "--json")[1])["protocol"]["card"]
    assert card == {"vocals": first.card, "accompaniment": {"licence": "CC0", "data": {"songs": "yours"}}}


def test_a_stem_that_no_song_has_is_no_number(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (work / "songs").glob("*/vocals.wav"):
        place.unlink()
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", "--report", work / "report")
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    [vocals, _] = json.loads(out, parse_constant=pytest.fail)["stems"]
    assert vocals["absent"] == 3
    assert vocals["whole_sdr_gain"] == {"mean": None, "low": None, "high": None, "songs": 0}
    assert "nan" not in (work / "report" / "report.md").read_text(encoding="utf-8").lower().replace("nan frames", "")


def test_four_stems_are_told_in_two_tables_and_rows_can_be_chosen(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(work / "four.safetensors", ("bass", "drums", "other", "vocals"))
    arguments = ("--model", work / "four.safetensors", "--data", work / "songs", "--songs", 1)
    _, out, _ = run(capsys, *arguments)
    assert "## bass / drums / other / vocals" in out
    assert "## vocals / accompaniment" in out
    found = json.loads(run(capsys, *arguments, "--json", "--stems", "drums, vocals")[1])
    assert [(row["stem"], row["division"].count("/")) for row in found["stems"]] == [
        ("drums", 3),
        ("vocals", 3),
        ("vocals", 1),
    ]


def test_a_song_that_cannot_be_measured_does_not_stop_the_others(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = stems(RATE)
    write_folder(work / "songs" / "D - Uneven", {"vocals": made["vocals"], "bass": made["bass"][:, :-1]}, RATE)
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs")
    for jobs in ((), ("--jobs", 2)):
        code, out, err = run(capsys, *arguments, *jobs)
        assert code == 2
        assert "- songs: 3 of 4" in out
        assert "- left out: D - Uneven: " in out
        assert "tracks of one recording must have one length" in err
        assert "1 of 4 songs could not be measured" in err
        assert "Traceback" not in err


def test_what_is_wrong_is_said_in_a_sentence(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = ("--model", work / "model.safetensors"), ("--data", work / "songs")
    made = stems(RATE)
    write_folder(work / "uneven" / "D - Song", {"vocals": made["vocals"], "bass": made["bass"][:, :-1]}, RATE)
    write_folder(work / "parts" / "train" / "E - Song", {"vocals": made["vocals"]}, RATE)
    broken = write_stem_mp4(work / "musdb" / "test" / "Zeno - Signs.stem.mp4", [made[name] for name in TRACKS])
    broken.write_bytes(broken.read_bytes()[:2_000])
    (work / "empty").mkdir()
    write_model(work / "sides.safetensors", ("centre", "sides"))
    for arguments, sentence in (
        ((*model, "--data", work / "empty"), "no songs here"),
        ((*model, "--data", work / "nowhere"), "nowhere"),
        ((*model, "--data", work / "parts"), "part 'test'"),
        ((*model, "--data", work / "uneven"), "tracks of one recording must have one length"),
        ((*model, "--data", work / "musdb"), "Zeno - Signs.stem.mp4"),
        (("--model", "spleter", *data), "unknown model 'spleter': did you mean 'spleeter'"),
        (("--model", "no/such.safetensors", *data), "there is no such checkpoint"),
        (("--model", "select", *data), "expected a model for unmix"),
        (("--model", work / "sides.safetensors", *data), "the engine finds centre, sides"),
        ((*model, *data, "--stems", "vocal"), "unknown stem 'vocal': did you mean 'vocals'?"),
        ((*model, *data, "--stems", "drums"), "unknown stem 'drums': choose from accompaniment, vocals"),
        ((*data, "--stems", "kazoo"), "unknown stem 'kazoo': choose from accompaniment, bass, drums, other, vocals"),
        ((*model, *data, "--device", "abacus"), "device 'abacus'"),
        ((*model, *data, "--resume"), "name it with --report"),
        ((*model, *data, "--report", work / "r", "--resume", "--force"), "either --resume"),
    ):
        code, out, err = run(capsys, *arguments)
        assert code == 2, (arguments, err)
        assert sentence in err
        assert len(err.strip().splitlines()) == 1
        assert out == ""


def test_its_options_are_for_no_other_task(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "select", "--songs", "3"])
    assert stop.value.code == 2
    assert "only for unmix" in capsys.readouterr().err


def test_a_run_that_is_stopped_keeps_what_is_finished(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--model", work / "model.safetensors", "--data", work / "songs", "--report", work / "report")
    seen: list[str] = []
    plain = unmix.bss_eval

    def stops(**values: Any) -> Any:
        seen.append("frame")
        if len(seen) == 4:  # the first song is finished after three systems
            raise KeyboardInterrupt
        return plain(**values)

    monkeypatch.setattr(unmix, "bss_eval", stops)
    code, _, err = run(capsys, *arguments)
    assert (code, "finished songs are kept, go on with the same command and --resume" in err) == (130, True)
    assert [path.name for path in (work / "report" / "songs").iterdir()] == ["all - A - One.json"]
    monkeypatch.setattr(unmix, "bss_eval", plain)
    code, out, _ = run(capsys, *arguments, "--resume", "--json")
    assert code == 0
    assert json.loads(out)["protocol"]["resumed"] == 1
    assert np.isfinite([row["whole_sdr_db"] for row in json.loads(out)["songs"] if row["stem"] != "vocals"]).all()
