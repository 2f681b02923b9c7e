"""Which objects are seen, by the published rule and by evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundsieve.datasets.object_groups import AUDIOSET_MIDS, GROUPS, NAMES
from soundsieve.errors import SettingsError
from soundsieve.inference.seen import SeenSettings, evidence, group_scores, look, seen_labels
from soundsieve.inference.viewers import open_viewer
from soundsieve.models import tag_efficientnet
from soundsieve.video import frames_every


def test_groups_are_the_published_ones() -> None:
    assert len(NAMES) == len(set(NAMES)) == 23
    assert [len(GROUPS[name]) for name in ("cat", "dog", "chicken", "frog")] == [5, 125, 2, 3]
    indices = [index for group in GROUPS.values() for index in group]
    assert len(indices) == len(set(indices)) == 163
    assert (min(indices), max(indices)) == (7, 895)
    assert tuple(AUDIOSET_MIDS) == NAMES
    mids = [mid for group in AUDIOSET_MIDS.values() for mid in group]
    assert len(mids) == len(set(mids)) == 23
    assert all(mid.startswith("/m/0") for mid in mids)


def test_scores_by_hand() -> None:
    logits = np.random.default_rng(0).standard_normal((10, 1000)) * 3
    pooled = logits.max(axis=0)
    means = [np.mean([pooled[index] for index in GROUPS[name]]) for name in NAMES]
    expected = np.exp(means) / np.sum(np.exp(means))
    np.testing.assert_allclose(group_scores(logits.astype(np.float32)), expected, rtol=1e-5)
    assert group_scores(logits).sum() == pytest.approx(1)


def test_labels_are_the_best_and_all_from_the_threshold_on() -> None:
    scores = np.full(23, 0.01)
    scores[[3, 20]] = 0.3, 0.48
    assert seen_labels(scores) == ("train", "frog")
    assert seen_labels(scores, 0.31) == ("train",)
    assert seen_labels(np.full(23, 1 / 23)) == ("cat",)  # something is always seen


def test_evidence_by_hand() -> None:
    logits = np.zeros((2, 1000))
    logits[0, 200], logits[0, 250] = np.log(400), np.log(300)  # two breeds of dog: 823 of 1698
    logits[1, 594] = np.log(1001)  # a harp: half of all
    found = evidence(logits)
    assert found[NAMES.index("dog")] == pytest.approx((400 + 300 + 123) / (400 + 300 + 998))
    assert found[NAMES.index("harp")] == pytest.approx(1001 / 2000)
    assert found[NAMES.index("piano")] == pytest.approx(2 / 1698)


def test_a_breed_is_a_dog_by_evidence_only() -> None:
    logits = np.zeros((1, 1000))
    logits[0, 200], logits[0, 594] = 10, 1
    assert look(logits).labels == ("dog",)
    assert look(logits, SeenSettings(rule="published")).labels[0] == "harp"


def test_a_waterfall_is_no_listed_object_by_evidence() -> None:
    logits = np.zeros((3, 1000))
    logits[:, 970:980] = 8
    assert look(logits).labels == ()
    assert len(look(logits, SeenSettings(rule="published")).labels) == 1
    assert look(logits).scores.shape == (23,)


def test_what_is_seen_once_is_seen() -> None:
    logits = np.zeros((5, 1000))
    logits[:, 975] = 12
    logits[3, [889, 486]] = 14, 13
    assert look(logits).labels == ("violin", "cello")
    assert look(logits, SeenSettings(least_evidence=0.5)).labels == ("violin",)


def test_mistakes_are_named() -> None:
    for bad in (np.zeros(1000), np.zeros((0, 1000)), np.zeros((2, 1001))):
        with pytest.raises(ValueError, match="expected shape"):
            group_scores(bad)
        with pytest.raises(ValueError, match="expected shape"):
            evidence(bad)
    with pytest.raises(SettingsError, match="threshold"):
        SeenSettings.parse({"threshold": 0})


@pytest.mark.shared_data
def test_what_each_rule_makes_of_real_pictures(shared_data: Path) -> None:
    """The numbers that the module gives: one picture at a time, named for the group it is of."""
    pytest.importorskip(tag_efficientnet.PACKAGE, reason="the package with ImageNet's weights is not here")
    paths = sorted((shared_data / "vision" / "images").glob("*.jpg"))
    logits = open_viewer(device="cpu").logits([next(frames_every(path, longest_side=None)).pixels for path in paths])
    true = [path.stem[5:] for path in paths]
    seen = {
        rule: [look(row[None], SeenSettings(rule=rule)).labels for row in logits] for rule in ("published", "evidence")
    }
    right = {rule: [labels[0] == name for labels, name in zip(rows, true, strict=True)] for rule, rows in seen.items()}
    dogs = [found for found, name in zip(right["published"], true, strict=True) if name == "dog"]
    assert (len(true), sum(right["published"]), len(dogs), sum(dogs)) == (70, 40, 32, 4)
    assert sum(right["evidence"]) == 69
    assert all(name in labels for name, labels in zip(true, seen["evidence"], strict=True))
    assert sum(len(labels) - 1 for labels in seen["evidence"]) == 2


def test_what_the_ends_show_counts_in_part() -> None:
    middle, ends = np.zeros((2, 1000)), np.zeros((4, 1000))
    middle[:, 999] = ends[:, 999] = 20
    assert look(middle, ends=ends).labels == ()
    ends[3, 889] = 20  # half of the probability
    assert look(middle, ends=ends).labels == ("violin",)
    assert look(middle, ends=ends).scores.max() == pytest.approx(0.4 * 0.5, abs=1e-3)
    assert look(middle, SeenSettings(least_evidence=0.25), ends).labels == ()
    assert look(middle, SeenSettings(ends=0), ends).labels == ()
    middle[0, 889] = 20
    assert look(middle, SeenSettings(least_evidence=0.25), ends).labels == ("violin",)
    published = SeenSettings(rule="published")
    assert look(middle, published, ends).labels == look(middle, published).labels
