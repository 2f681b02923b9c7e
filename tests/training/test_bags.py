"""Folders of bags: what is written is read, what is broken is named, what is divided stays apart."""

from pathlib import Path

import numpy as np
import pytest
import torch

from made_bags import BASES, BINS, LABELS, bag, logits, write_bags
from soundsieve.datasets.object_groups import NAMES
from soundsieve.errors import DatasetError, OutputError, SettingsError
from soundsieve.training.bag_corpus import Targets, open_bags
from soundsieve.training.bag_data import BagData
from soundsieve.training.bags import Bag, read_bag, read_bags, write_bag, write_index
from soundsieve.training.evidence import clear_from, refined
from soundsieve.training.watch_recipe import EvidenceSettings, WatchRecipe

RECIPE = {"labels": LABELS, "training": {"batch": 4, "workers": 0, "monitor": "loss"}}


def test_a_bag_comes_back_as_it_was_but_for_half_precision(tmp_path: Path) -> None:
    made = bag(("dog", "car"), np.random.default_rng(0))
    write_bag(tmp_path / "new" / "a.safetensors", made)
    again = read_bag(tmp_path / "new" / "a.safetensors")
    torch.testing.assert_close(again.bases, made.bases, atol=1e-3, rtol=0)
    assert torch.equal(again.logits, made.logits)
    assert torch.equal(again.truth, made.truth)
    write_bag(tmp_path / "b.safetensors", Bag(made.bases, made.logits))
    assert read_bag(tmp_path / "b.safetensors").truth is None
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.safetensors"]


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    index = read_bags(write_bags(tmp_path, {"train": 3, "test": 1}))
    write_index(tmp_path / "again", index)
    assert read_bags(tmp_path / "again") == index
    assert index.videos[1].labels_true is not None
    assert len(index.videos[1].labels_true) == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Bag(torch.zeros(3), torch.zeros(1, 1000)), r"bases: expected shape \(bin ≥ 1, base ≥ 1\), found \(3,\)"),
        (Bag(torch.zeros(3, 2), torch.zeros(10)), r"logits: expected shape \(picture ≥ 1, 1000\), found \(10,\)"),
        (Bag(torch.zeros(3, 2), torch.zeros(1, 1000), torch.zeros(4, 3)), r"truth: expected shape \(label, 2\)"),
    ],
)
def test_a_bag_of_another_shape_is_not_written(wrong: Bag, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        write_bag(tmp_path / "a.safetensors", wrong)
    assert list(tmp_path.iterdir()) == []


def test_what_is_broken_is_named(tmp_path: Path) -> None:
    data = write_bags(tmp_path / "bags", {"train": 6, "validation": 4})
    victim = data / "train-002.safetensors"
    victim.write_bytes(victim.read_bytes()[:50])
    with pytest.raises(DatasetError, match=r"train-002\.safetensors: not a readable bag of bases"):
        open_bags(WatchRecipe.parse(RECIPE), data)
    victim.unlink()
    with pytest.raises(DatasetError, match=r"train-002\.safetensors"):
        open_bags(WatchRecipe.parse(RECIPE), data)
    for text, sentence in (
        ("{}", "labels"),
        ("not json", "not a table of bags"),
        ('{"labels": ["a"], "format": "other"}', "format"),
        ('{"labels": ["a"], "videos": [{"name": "x", "bag": "x", "labels_true": ["b"]}]}', "x is of b"),
        ('{"labels": [], "videos": [{"name": "x", "bag": "x"}, {"name": "x", "bag": "y"}]}', "names the video x twice"),
    ):
        (data / "bags.json").write_text(text)
        with pytest.raises(DatasetError, match=sentence):
            read_bags(data)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_bag(tmp_path / "file" / "a.safetensors", bag(("dog",), np.random.default_rng(0)))


def test_bases_of_another_size_are_refused_with_a_sentence(tmp_path: Path) -> None:
    data = write_bags(tmp_path, {"train": 6, "validation": 4})
    write_bag(data / "train-003.safetensors", Bag(torch.rand(BINS, BASES + 1), logits(("dog",))))
    bags = BagData(WatchRecipe.parse(RECIPE), open_bags(WatchRecipe.parse(RECIPE), data))
    with pytest.raises(DatasetError, match=rf"train-003.safetensors: bases are {BINS} × {BASES + 1}, those of others"):
        list(bags.as_they_are("train"))


def test_labels_are_what_is_seen_or_known_of_those_the_recipe_has(tmp_path: Path) -> None:
    data = write_bags(tmp_path, {"train": 40, "validation": 8}, blind=1.0)
    seen = open_bags(WatchRecipe.parse(RECIPE), data)
    assert max(len(item.labels) for item in seen.bags["train"]) == 1, "the second ones are not seen"
    known = open_bags(WatchRecipe.parse({**RECIPE, "seen": {"known": True}}), data)
    assert all(item.labels == tuple(x for x in LABELS if x in item.known) for item in known.bags["train"])
    low = open_bags(WatchRecipe.parse({**RECIPE, "seen": {"least_evidence": 0.03}}), data)
    assert [item.labels for item in low.bags["train"]] == [item.labels for item in known.bags["train"]]
    assert low.digest() == known.digest() != seen.digest()
    fewer = open_bags(WatchRecipe.parse({**RECIPE, "labels": ["dog", "car"]}), data)
    assert fewer.unlabelled + sum(map(len, fewer.bags.values())) == 48
    assert fewer.unlabelled > 0
    index = read_bags(data)
    nobody = index.videos[0].model_copy(update={"labels_true": None})
    write_index(data, index.model_copy(update={"videos": (nobody, *index.videos[1:])}))
    with pytest.raises(SettingsError, match=r"seen.known = true: nobody knows what is in train-000"):
        open_bags(WatchRecipe.parse({**RECIPE, "seen": {"known": True}}), data)


def test_every_epoch_has_its_own_order_and_truth_follows_its_bases(tmp_path: Path) -> None:
    data = write_bags(tmp_path, {"train": 8, "validation": 4})
    recipe = WatchRecipe.parse({**RECIPE, "variation": {"keep": 0.4}})
    held = recipe.model_copy(update={"corpus": recipe.corpus.model_copy(update={"hold": True})})
    corpus = open_bags(recipe, data)
    plain, memory = BagData(recipe, corpus), BagData(held, corpus)
    epochs = [memory._bags("train").varied(recipe.variation, (0, epoch)) for epoch in (0, 1)]
    assert epochs[0].order != epochs[1].order
    rows = [NAMES.index(label) for label in LABELS]
    for example, other in zip(epochs[0], plain._bags("train").varied(recipe.variation, (0, 0)), strict=False):
        assert torch.equal(example["bases"], other["bases"]), "held or read again, an example is the same"
        original = read_bag(corpus.bags["train"][int(example["row"])].file)
        for base in range(BASES):
            origin = (original.bases == example["bases"][:, base : base + 1]).all(0).nonzero().flatten()
            assert len(origin) == 1
            assert torch.equal(example["truth"][:, base], original.truth[rows][:, origin[0]])
        if int(example["row"]) == int(epochs[0].order[-1]):
            break
    assert [int(x) for batch in memory.as_they_are("train") for x in batch["row"]] == list(range(8))


def test_groups_stay_on_one_side(tmp_path: Path) -> None:
    index = read_bags(write_bags(tmp_path, {"train": 12, "validation": 4}))
    videos = tuple(
        video.model_copy(update={"group": "same" if video.name in {"train-001", "validation-001"} else video.name})
        for video in index.videos
    )
    write_index(tmp_path, index.model_copy(update={"videos": videos}))
    corpus = open_bags(WatchRecipe.parse(RECIPE), tmp_path)
    assert [item.name for item in corpus.bags["train"]].count("train-001") == 0
    assert (len(corpus.bags["train"]), len(corpus.bags["validation"])) == (11, 4)


def test_parts_that_nobody_divided_are_divided_by_group(tmp_path: Path) -> None:
    index = read_bags(write_bags(tmp_path, {"all": 60}))
    videos = tuple(video.model_copy(update={"group": str(number // 3)}) for number, video in enumerate(index.videos))
    write_index(tmp_path, index.model_copy(update={"videos": videos}))
    bags = open_bags(WatchRecipe.parse({**RECIPE, "corpus": {"validation": 0.3}}), tmp_path).bags
    groups = {part: {item.group for item in rows} for part, rows in bags.items()}
    assert not groups["train"] & groups["validation"]
    assert len(bags["train"]) + len(bags["validation"]) == 60
    assert 12 <= len(bags["validation"]) <= 24


def test_nothing_is_clear_that_the_pictures_do_not_bear_out() -> None:
    rng = np.random.default_rng(0)
    seen = rng.random((200, 3)) < 0.5
    scores = np.stack([seen[:, 0] + 0.1 * rng.random(200), rng.random(200), np.zeros(200)], 1)
    clear = clear_from(scores, seen, EvidenceSettings(precision=0.95, fewest=10))
    taken = scores[:, 0] >= clear[0]
    assert taken[seen[:, 0]].all(), "where scores and sights agree, everything that is seen is clear"
    assert seen[taken, 0].mean() >= 0.95
    assert clear[1] > 0.9, "where they do not, next to nothing is"
    assert clear[2] == np.inf
    assert (clear_from(scores[:5], seen[:5], EvidenceSettings(fewest=6)) == np.inf).all()


def test_heard_labels_join_only_where_something_is_seen() -> None:
    visible = np.array([[True, False, False, False]])
    visual = np.array([[0.8, 0.1, 0.0, 0.1]])
    scores = np.array([[0.0, 5.0, 5.0, 1.0]])
    targets = refined(visible, visual, scores, np.full(4, 2.0), EvidenceSettings())
    assert isinstance(targets, Targets)
    assert targets.present.tolist() == [[True, True, False, False]]
    assert targets.absent.tolist() == [[False, False, False, True]]
