"""`soundsieve mix`: a recipe becomes a folder of mixtures that equal those made on the fly."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sounds import LABELS, RATE_HZ, tiny_recipe, write_sounds
from soundsieve.cli import main
from soundsieve.corpus import open_corpus
from soundsieve.mixing import plan_mixture, render
from soundsieve.mixing.stored import StoredMixtures, read_manifest
from soundsieve.settings import override, read_yaml
from soundsieve.training.recipe import SelectRecipe


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_sounds(tmp_path / "data")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_recipe(), sort_keys=False))
    return tmp_path


def mix(work: Path, capsys: pytest.CaptureFixture[str], *more: object, out: str = "set") -> tuple[int, str, str]:
    where = ["--recipe", work / "tiny.yaml", "--data", work / "data", "-o", work / out]
    with pytest.raises(SystemExit) as stop:
        main(["mix", *map(str, [*where, *more])])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_what_is_on_disk_equals_what_is_made_on_the_fly(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = mix(work, capsys, "--count", 4, "--seed", 7, "--set", "mixture.distractor_probability=0")
    assert code == 0
    assert "4 mixtures, 4 of them written now" in out
    recipe = SelectRecipe.parse(read_yaml(work / "set" / "recipe.yaml"))
    banks = open_corpus(recipe.corpus, work / "data").banks("train", RATE_HZ)
    stored = StoredMixtures(work / "set")
    for row in read_manifest(work / "set"):
        again = plan_mixture(*banks, recipe.mixture, (7, 5, row.index))
        assert again == row.plan
        sound, read = render(again, *banks), stored(row.index)
        assert np.abs(read.mixture - sound.mixture).max() < 1e-6
        assert all(np.abs(read.references[name] - wave).max() < 1e-6 for name, wave in sound.references.items())


def test_the_manifest_names_recordings_of_the_subset_below_the_data_folder(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used: dict[str, set[str]] = {}
    for subset in ("train", "test"):
        assert mix(work, capsys, "--subset", subset, "--count", 12, out=subset)[0] == 0
        lines: list[dict[str, Any]] = [
            json.loads(x) for x in (work / subset / "manifest.jsonl").read_text().splitlines()
        ]
        assert [line["is_train"] for line in lines] == [subset == "train"] * 12
        used[subset] = {event["path"] for line in lines for event in line["events"]}
        used[subset] |= {line["background_path"] for line in lines}
    assert not used["train"] & used["test"]
    assert all((work / "data" / path).is_file() for path in used["train"] | used["test"])


@pytest.mark.parametrize(("text", "counts"), [("3", {3}), ("2-4", {2, 3, 4})])
def test_classes_in_a_mixture(work: Path, capsys: pytest.CaptureFixture[str], text: str, counts: set[int]) -> None:
    for subset in ("train", "test"):
        assert mix(work, capsys, "--classes", text, "--count", 12, "--subset", subset, out=subset)[0] == 0
        assert {len(row.plan.labels) for row in read_manifest(work / subset)} == counts


def test_a_set_is_gone_on_with_or_replaced_only_when_asked(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mix(work, capsys, "--count", 2)[0] == 0
    code, _, err = mix(work, capsys, "--count", 2)
    assert (code, "holds mixtures already" in err) == (2, True)
    assert "3 mixtures, 1 of them written now" in mix(work, capsys, "--count", 3, "--resume")[1]
    code, _, err = mix(work, capsys, "--count", 3, "--seed", 1, "--resume")
    assert (code, "holds another set" in err) == (2, True)
    assert "1 mixtures, 1 of them written now" in mix(work, capsys, "--count", 1, "--seed", 1, "--force")[1]
    assert len(StoredMixtures(work / "set")) == 1


def test_what_is_wrong_is_said_in_a_sentence(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more, sentence in (
        (("--classes", "many"), "--classes 'many': expected the least and the most"),
        (("--classes", "9"), "classes = [9, 9]"),
        (("--set", "mixture.event=3"), "unknown key 'mixture.event'"),
        (("--subset", "holdout"), "subset 'holdout'"),
        (("--resume", "--force"), "either --resume"),
    ):
        code, out, err = mix(work, capsys, *more)
        assert (code, out) == (2, "")
        assert sentence in err
        assert not (work / "set").exists()


def test_recordings_of_too_few_classes_are_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"{{dataset: folder, root: sounds, keep: [{LABELS[0]}], fractions: {{train: 0.5, test: 0.5}}}}"
    values = override(tiny_recipe(), [f"corpus.events=[{source}]"])
    (work / "tiny.yaml").write_text(yaml.safe_dump(values))
    code, _, err = mix(work, capsys)
    assert (code, "hold only 1 classes" in err) == (2, True)
