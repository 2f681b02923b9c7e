"""Recordings of an experiment: divided, weighted, and never on two sides."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundsieve.corpus import MANY, Corpus, CorpusSettings, open_corpus
from soundsieve.errors import DatasetError, SettingsError, UnknownNameError

THIRDS = {"train": 0.5, "validation": 0.25, "test": 0.25}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two folders of sounds: six sources with two takes of each of two classes, and forty takes of two classes."""
    rng = np.random.default_rng(0)
    for label in ("dog", "rain"):
        for source in range(6):
            for take in range(2):
                write(tmp_path / "small" / label / f"s{source}" / f"{take}.wav", rng)
    for take in range(40):
        write(tmp_path / "large" / "dog" / f"{take}.wav", rng)
        write(tmp_path / "large" / "hum" / f"{take}.wav", rng)
    return tmp_path


def write(path: Path, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * rng.standard_normal(800), 8000)


def corpus(data: Path, *sources: dict[str, object]) -> Corpus:
    return open_corpus(CorpusSettings.parse({"events": sources}), data)


def test_no_group_is_on_two_sides(data: Path) -> None:
    divided = corpus(data, {"dataset": "folder", "root": "small", "fractions": THIRDS})
    sides = {name: {source.group for source in sources} for name, sources in divided.events.items()}
    assert sum(len(groups) for groups in sides.values()) == 6
    assert len(set().union(*sides.values())) == 6
    assert sum(len(sources) for sources in divided.events.values()) == 24
    assert divided.classes("train") == ("dog", "rain")


def test_a_misspelt_label_is_named(data: Path) -> None:
    source = {"dataset": "folder", "root": "small", "fractions": THIRDS}
    with pytest.raises(UnknownNameError, match="label to keep 'dgo': did you mean 'dog'"):
        corpus(data, {**source, "keep": ["dgo"]})
    with pytest.raises(UnknownNameError, match="label to rename 'rian': did you mean 'rain'"):
        corpus(data, {**source, "rename": {"rian": ""}})
    assert corpus(data, {**source, "rename": {"rain": "weather"}, "keep": ["weather"]}).classes("train") == ("weather",)


def test_what_is_left_out_is_in_no_subset_and_misspelt_names_are_named(data: Path) -> None:
    write(data / "small" / "rain" / "s0" / "copy.wav", np.random.default_rng(0))
    source = {"dataset": "folder", "root": "small", "fractions": THIRDS}
    whole, less = corpus(data, source), corpus(data, {**source, "leave_out": ["copy"]})
    count = [sum(len(rows) for rows in each.events.values()) for each in (whole, less)]
    assert count == [25, 24]
    for subset, rows in less.events.items():
        assert {item.path for item in rows} == {i.path for i in whole.events[subset] if i.path.name != "copy.wav"}
    assert "copy.wav" not in {item.path.name for rows in less.events.values() for item in rows}
    with pytest.raises(UnknownNameError, match="file to leave out 'coppy': did you mean 'copy'"):
        corpus(data, {**source, "leave_out": ["coppy"]})


def test_files_of_one_name_in_two_folders_are_two_sources(data: Path) -> None:
    both = corpus(
        data,
        {"dataset": "folder", "root": "small", "parts": {"train": ["all"]}},
        {"dataset": "folder", "root": "large", "fractions": THIRDS},
    )
    assert sum(source.path.is_relative_to(data / "small") for source in both.events["train"]) == 24


def test_the_split_does_not_depend_on_the_order_of_the_recipe(data: Path) -> None:
    source = {"dataset": "folder", "root": "small"}
    one = corpus(data, {**source, "fractions": THIRDS})
    other = corpus(data, {**source, "fractions": dict(reversed(THIRDS.items()))})
    assert dict(one.events) == dict(other.events)


def test_a_group_that_two_data_sets_share_stays_with_the_test_side(data: Path) -> None:
    both = corpus(
        data,
        {"dataset": "folder", "root": "small", "parts": {"train": ["all"]}},
        {"dataset": "folder", "root": "small", "fractions": {"train": 0.5, "test": 0.5}},
    )
    train = {source.group for source in both.events["train"]}
    test = {source.group for source in both.events["test"]}
    assert test
    assert not train & test


def test_a_data_set_is_drawn_by_its_weight_once_it_has_enough_recordings(data: Path) -> None:
    both = corpus(
        data,
        {"dataset": "folder", "root": "small", "parts": {"train": ["all"]}, "weight": 3},
        {"dataset": "folder", "root": "large", "parts": {"train": ["all"]}, "rename": {"hum": ""}},
    )
    bank, _ = both.banks("train", 8000)
    dogs = bank.by_label["dog"]
    small = sum(
        chance
        for row, chance in zip(dogs, bank.chances["dog"], strict=True)
        if "small" in str(bank.recordings[row].path)
    )
    assert len(dogs) == 52
    assert small == pytest.approx(3 * 12 / (3 * 12 + MANY)), "12 recordings are fewer than many, 40 are many"
    assert bank.labels == ("dog", "rain")
    assert len(bank.by_label[""]) == 40
    assert both.classes("train") == ("dog", "rain")


def test_keep_and_most_per_label(data: Path) -> None:
    some = corpus(
        data,
        {"dataset": "folder", "root": "large", "parts": {"train": ["all"]}, "keep": ["dog"], "most_per_label": 5},
    )
    assert some.counts("train") == {"dog": 5}


def test_an_optional_source_may_be_missing_and_another_may_not(data: Path) -> None:
    missing = {"dataset": "folder", "root": "nowhere", "fractions": THIRDS}
    small = {"dataset": "folder", "root": "small", "fractions": THIRDS}
    assert corpus(data, small, {**missing, "optional": True}).counts("train")
    with pytest.raises(DatasetError, match="nowhere"):
        corpus(data, small, missing)


def test_a_source_says_how_it_is_divided(data: Path) -> None:
    with pytest.raises(SettingsError, match="either parts or fractions"):
        corpus(data, {"dataset": "folder", "root": "small"})


def test_an_unknown_subset_is_named(data: Path) -> None:
    divided = corpus(data, {"dataset": "folder", "root": "small", "fractions": THIRDS})
    with pytest.raises(SettingsError, match="subset 'dev': the recordings are divided into train, validation, test"):
        divided.banks("dev", 8000)
