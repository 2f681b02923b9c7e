"""`train genre`, `evaluate genre`, `release genre`, `genre`: from a table to the style of a recording."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import soundsieve
from music import STYLES, music, write_table
from soundsieve import audio, checkpoint, models
from soundsieve.cli import main
from soundsieve.datasets.genre_table import read_table
from soundsieve.features.descriptors import SAMPLE_RATE
from soundsieve.inference.describers import Window, windows_of

RECIPE = """
reproduces: a test
table: {root: music, file: table.csv, window_s: 3}
model: {name: genre_committee}
training: {views: [level-free, root], clip: 3.0}
split: {kind: grouped, count: 2}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a recipe, a run of two splits, and one of a single split."""
    folder = tmp_path_factory.mktemp("genre")
    write_table(folder / "data" / "music" / "table.csv")
    (folder / "recipe.yaml").write_text(RECIPE)
    begin = ["train", "genre", "--recipe", folder / "recipe.yaml", "--data", folder / "data", "--quiet"]
    assert call(*begin, "--run", folder / "run") == 0
    assert call(*begin, "--run", folder / "one", "--set", "split.count=1", "--set", "training.refit=true") == 0
    return folder


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_each_split_has_a_model_and_the_run_is_summarised(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(path.name for path in (work / "run").glob("split*")) == ["split01", "split02"]
    assert call("evaluate", "genre", "--model", work / "run", "--json", "--report", tmp_path / "report") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"]["protocol"] == "grouped"
    assert len(found["accuracy"][0]["of_folds"]) == 2
    assert found["accuracy"][0]["mean"] > 0.9, "the styles are easy to tell apart"
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"report.json", "confusion.png"}


def test_one_table_file_will_do_and_networks_keep_their_curves(work: Path, tmp_path: Path) -> None:
    table = work / "data" / "music" / "table.csv"
    sets = ["--set", "split.count=1", "--set", "training.epochs=3", "--set", "training.batch=8"]
    begin = ["train", "genre", "--recipe", "mlp", "--data", table, "--quiet", "--split", "grouped", *sets]
    assert call(*begin, "--run", tmp_path / "mlp") == 0
    assert (tmp_path / "mlp" / "curves.png").read_bytes().startswith(b"\x89PNG")
    kept = checkpoint.load(tmp_path / "mlp" / "model.safetensors")
    assert kept.hyper["columns"] == 57
    assert kept.classes == STYLES


def test_a_finished_run_is_not_begun_again_and_a_stopped_one_goes_on(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = ["train", "genre", "--recipe", work / "recipe.yaml", "--data", work / "data", "--quiet"]
    run = tmp_path / "run"
    assert call(*begin, "--run", run) == 0
    assert call(*begin, "--run", run) == 2
    assert "holds a training run already" in capsys.readouterr().err
    first = (run / "split01" / "model.safetensors").stat().st_mtime_ns
    (run / "split02" / "model.safetensors").unlink()
    assert call("train", "genre", "--resume", run, "--data", work / "data", "--quiet") == 0
    assert (run / "split01" / "model.safetensors").stat().st_mtime_ns == first
    assert (run / "split02" / "model.safetensors").exists()


def test_the_ladder_needs_the_fault_filtered_lists(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "genre", "--ladder", work / "recipe.yaml", "--data", work / "data", "--quiet") == 2
    assert "fault-filtered lists" in capsys.readouterr().err


def test_a_release_states_its_split_first(work: Path, tmp_path: Path) -> None:
    out = tmp_path / "styles.safetensors"
    assert call("release", "genre", work / "one", "-o", out, "--quiet", "--note", "made in a test") == 0
    card = checkpoint.load(out).card
    assert card["result"].endswith("(grouped split)")
    assert card["rows"]["train"] + card["rows"]["validation"] + card["rows"]["test"] == 36
    page = out.with_suffix(".md").read_text()
    assert "made in a test" in page
    assert page.index("grouped split") < page.index("| genre |")
    assert call("release", "genre", work / "run", "-o", tmp_path / "run.safetensors", "--quiet") == 2


def test_recordings_of_any_rate_and_channels_are_named(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "songs").mkdir()
    for number, style in enumerate(STYLES):
        wave = audio.resample(music(style, 4, seed=77)[None], SAMPLE_RATE, 44_100)
        audio.write(tmp_path / "songs" / f"{number}.wav", np.repeat(wave, 2, 0), 44_100)
    assert call("genre", tmp_path / "songs", "--model", work / "one", "--format", "json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["labels"][0]["label"] for row in found] == list(STYLES)
    for row in found:
        assert row["duration_s"] == pytest.approx(4, abs=0.01)
        scores = [label["score"] for label in row["labels"]]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1, abs=0.01)


def test_a_timeline_follows_a_mix(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mix = np.concatenate([music("drone", 9, 81), music("hiss", 9, 82)])
    audio.write(tmp_path / "mix.wav", mix[None], SAMPLE_RATE)
    assert (
        call("genre", tmp_path / "mix.wav", "--model", work / "one", "--timeline", "--hop", 1, "--format", "json") == 0
    )
    segments = json.loads(capsys.readouterr().out)["segments"]
    assert [segments[0]["label"], segments[-1]["label"]] == ["drone", "hiss"]
    assert segments[0]["end_s"] == pytest.approx(9, abs=2)
    assert segments[-1]["start_s"] == pytest.approx(9, abs=2)
    assert segments[-1]["end_s"] == pytest.approx(18, abs=0.01)
    assert call("genre", tmp_path / "mix.wav", "--model", work / "one", "--top", 1) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1, "without a timeline, one line for a recording"


def test_silence_and_what_is_unlike_the_music_are_unknown(work: Path) -> None:
    namer = soundsieve.load(work / "one")
    assert namer.name(np.zeros(SAMPLE_RATE), sample_rate=SAMPLE_RATE).to_dict() == {
        "duration_s": 1.0,
        "labels": [{"label": "unknown", "score": 1.0}],
        "segments": [{"start_s": 0.0, "end_s": 1.0, "label": "unknown", "score": 1.0}],
    }
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    siren = 0.5 * np.sin(2 * np.pi * 3_000 * t + 400 * np.sin(2 * np.pi * 0.5 * t))
    assert namer.name(siren, sample_rate=SAMPLE_RATE).labels[0].label == "unknown"


def test_results_go_to_files_and_are_passed_over_later(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audio.write(tmp_path / "a.wav", music("hiss", 3, 5)[None], SAMPLE_RATE)
    wanted = [
        "genre",
        tmp_path / "a.wav",
        "--model",
        work / "one",
        "-o",
        tmp_path / "out",
        "--format",
        "json,csv",
        "--plot",
    ]
    assert call(*wanted) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.genre.csv", "a.genre.json", "a.genre.png"]
    assert call(*wanted) == 2
    assert "exists already" in capsys.readouterr().err
    assert call(*wanted, "--resume") == 0


def test_what_is_wrong_is_said_in_a_sentence(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    audio.write(tmp_path / "good.wav", music("hiss", 3, 5)[None], SAMPLE_RATE)
    assert call("genre", tmp_path / "broken.wav", tmp_path / "good.wav", "--model", work / "one") == 2
    both = capsys.readouterr()
    assert "good.wav" in both.out
    assert both.err.splitlines()[-1].startswith("soundsieve: 1 of 2 could not be done")
    for arguments, sentence in (
        (["genre", "--model", work / "one"], "name at least one recording"),
        (["genre", tmp_path / "good.wav", "--model", "select"], "names no genres"),
        (["genre", tmp_path / "good.wav", "--model", work / "one", "--timeline", "--hop", 0], "--hop"),
        (["evaluate", "genre"], "name the run folder with --model, or recipes with --ladder"),
        (["evaluate", "genre", "--model", tmp_path], "holds no finished run"),
        (["train", "genre", "--recipe", "mlp", "--data", tmp_path], "features_30_sec.csv"),
        (["train", "tag", "--recipe", "esc10-lite", "--split", "random"], "--split random"),
    ):
        assert call(*arguments) == 2
        assert sentence in capsys.readouterr().err


def test_the_run_folder_keeps_its_recipe(work: Path) -> None:
    kept = yaml.safe_load((work / "run" / "recipe.yaml").read_text())
    assert kept["split"]["kind"] == "grouped"
    assert call("compare", work / "run", work / "one") == 0


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings of two styles, one of them broken."""
    folder = tmp_path_factory.mktemp("recordings") / "music"
    for style in STYLES[:2]:
        (folder / style).mkdir(parents=True)
        for number in range(8):
            audio.write(folder / style / f"{number}.wav", music(style, 4, number)[None], SAMPLE_RATE)
    (folder / "hiss" / "broken.wav").write_bytes(b"RIFF")
    return folder


def network(path: Path) -> Path:
    """A VGGish so small that it takes no time, from random weights."""
    torch.manual_seed(0)
    hyper = {"channels": [4, 8, 8, 8], "dense": 16}
    weights = models.build("vggish", hyper, classes=0).state_dict()
    checkpoint.save(path, checkpoint.Checkpoint("embed", "vggish", hyper, (), 16_000, weights=weights))
    return path


@pytest.mark.parametrize("describer", ["descriptors", "vggish"])
def test_recordings_are_described_once_and_cut_into_pieces_that_stay_together(
    songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], describer: str
) -> None:
    weights = network(tmp_path / "vggish.safetensors") if describer == "vggish" else None
    recipe = {
        "reproduces": "a test",
        "table": {"root": "music", "file": None, "dataset": "folder", "describer": describer, "window_s": 2},
        "model": {"name": "genre_discriminant", "hyper": {"pooled": 1.0}},
        "split": {"kind": "grouped", "count": 1},
    }
    if weights is not None:
        recipe["table"]["weights"] = str(weights)  # type: ignore[index]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    run = tmp_path / "run"
    begin = ["train", "genre", "--recipe", tmp_path / "recipe.yaml", "--data", songs.parent, "--quiet", "--run", run]
    assert call(*begin) == 0
    assert "left out: " in capsys.readouterr().err
    rows = read_table(run / "rows.csv")
    assert len(rows) == 32
    assert "broken" in (run / "left-out.txt").read_text()
    assert not (run / ".rows.csv.part").exists()
    assert len(set(rows.groups)) == 16, "two pieces of each song"
    kept = checkpoint.load(run / "model.safetensors", weights=False)
    assert kept.front_end["describer"] == describer
    assert call("genre", songs / "drone", "--model", run, "--format", "json") == 0
    said = [json.loads(line)["labels"][0]["label"] for line in capsys.readouterr().out.splitlines()]
    assert said.count("drone") >= 3
    assert "hiss" not in said, "what four pieces chose may be unknown, but not the other style"


def test_describing_that_was_stopped_goes_on_where_it_was(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = ["--set", "split.count=1", "--set", "table.window_s=2", "--quiet"]
    begin = ["train", "genre", "--recipe", "rda", "--data", f"folder:{songs}", "--split", "grouped", *sets]
    calls: list[Path] = []

    def counting(path: Path, *arguments: float) -> list[Window]:
        calls.append(path)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return windows_of(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("soundsieve.systems.genre_rows.windows_of", counting)
    assert call(*begin, "--run", tmp_path / "run") == 130
    assert call("train", "genre", "--resume", tmp_path / "run", "--data", f"folder:{songs}", "--quiet") == 0
    assert len(calls) == 6 + 12, "5 of 17 were not described again"
    assert len(read_table(tmp_path / "run" / "rows.csv")) == 32


def test_a_folder_of_ones_own_takes_the_place_of_a_table(songs: Path, tmp_path: Path) -> None:
    sets = ["--set", "split.count=1", "--set", "table.window_s=2", "--quiet"]
    data = ["--data", f"folder:{songs}", "--split", "grouped", "--run", tmp_path / "run"]
    assert call("train", "genre", "--recipe", "rda", *data, *sets) == 0
    kept = checkpoint.load(tmp_path / "run" / "model.safetensors", weights=False)
    assert kept.classes == STYLES[:2]
    assert kept.card["data"] == ["folder"]


def test_a_network_on_spectrograms_is_trained_and_used_the_same_way(
    songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (songs / "hiss" / "broken.wav").unlink(missing_ok=True)
    (tmp_path / "recipe.yaml").write_text(
        """
        task: genre
        reproduces: a test
        front_end: {sample_rate: 8000, n_fft: 256, win_length: 256, hop: 128, mels: 16}
        model: {name: tag_lstm, hyper: {mels: 16, hidden: 16, layers: 1}}
        corpus: {events: [{dataset: folder, root: music, fractions: {train: 0.5, validation: 0.25, test: 0.25}}]}
        training: {epochs: 8, batch: 4, workers: 0, crop_s: 1.0, optimiser: {learning_rate: 2.0e-2, schedule: cosine}}
        """
    )
    run = tmp_path / "run"
    begin = ["train", "genre", "--recipe", tmp_path / "recipe.yaml", "--data", songs.parent, "--quiet", "--run", run]
    assert call(*begin, "--device", "cpu") == 0
    assert call("evaluate", "genre", "--model", run, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["accuracy"][0]["mean"] > 0.7
    assert call("genre", songs / "drone", "--model", run, "--format", "json", "--timeline", "--hop", 1) == 0
    said = [json.loads(line)["labels"][0]["label"] for line in capsys.readouterr().out.splitlines()]
    assert said.count("drone") >= 6
    assert call(*begin[:-1], tmp_path / "other", "--split", "random") == 2
    assert "divided as its corpus says" in capsys.readouterr().err
