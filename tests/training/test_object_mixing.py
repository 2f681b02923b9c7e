"""Mixtures of videos: groups, sums, what is seen, and that they depend on their number alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soundsieve.mixing.generators import Purpose
from soundsieve.training.object_corpus import HeldVideo
from soundsieve.training.object_mixing import ObjectMixtures, merged
from soundsieve.training.object_recipe import ObjectMixtureSettings

RATE_HZ = 1000


def held(labels: tuple[int, ...], seconds: float = 2.0, value: int = 1000) -> HeldVideo:
    return HeldVideo(labels, np.full(round(seconds * RATE_HZ), value, np.int16))


def mixtures(videos: list[HeldVideo], **settings: object) -> ObjectMixtures:
    plain = {"crop_s": 1.0, "gain_db": 0, "unlabelled": 0, "noise": 0, "silent": 0}
    return ObjectMixtures(
        videos,
        40,
        labels=6,
        key=(0, 0),
        purpose=Purpose.SEGMENT,
        settings=ObjectMixtureSettings.parse({**plain, **settings}),
        sample_rate=RATE_HZ,
    )


def test_videos_that_share_a_label_are_one_group_also_by_way_of_others() -> None:
    assert merged([]) == []
    assert merged([(1,), (2,), (3,)]) == [[0], [1], [2]]
    assert merged([(1,), (2,), (1, 2)]) == [[0, 1, 2]]
    assert merged([(1, 2), (3,), (2, 4), (4,), (3,)]) == [[0, 2, 3], [1, 4]]


def test_each_group_is_the_sum_of_its_videos_and_has_their_labels() -> None:
    videos = [held((0,), value=1000), held((1,), value=3000), held((1, 2), value=5000), held((3,), value=9000)]
    full = 32_767 / 2
    merges = 0
    for example in mixtures(videos):
        torch.testing.assert_close(example["mixture"], example["references"].sum(0, keepdim=True))
        assert example["references"].shape == (5, 1000)
        assert example["owner"].sum(0).max() == 1, "a track is of one group"
        assert example["owner"][-1].tolist() == [0] * 6 + [1], "the rest"
        torch.testing.assert_close(example["seen"], example["owner"][:, :-1].any(0))
        assert not example["references"][3:].any()
        for sound, owner in zip(example["references"][:3], example["owner"], strict=False):
            labels = tuple(np.flatnonzero(owner[:-1]))
            level = round(float(sound[500]) * full)
            allowed = {(): {0}, (0,): {1000}, (1,): {3000}, (1, 2): {5000, 8000}, (3,): {9000}}
            assert level in allowed[labels]
            merges += level == 8000
    assert merges, "a video of label 1 joins one of 1 and 2"


def test_nothing_seen_and_noise_are_the_rest_and_what_is_silent_has_a_track() -> None:
    videos = [held((0,)), held((1,)), held((), value=200)]
    unseen = [e["references"][-1] for e in mixtures(videos, unlabelled=1.0)]
    assert all(round(float(rest.mean()) * 32_767 / 2) == 200 for rest in unseen)
    for example in mixtures(videos, noise=1.0, noise_db=(-20, -20)):
        rest, others = example["references"][-1], example["references"][:-1].sum(0)
        assert float(10 * torch.log10(rest.square().mean() / others.square().mean())) == pytest.approx(-20, abs=0.01)
    for example in mixtures(videos, silent=1.0):
        assert example["owner"][-2].sum() == 1
        assert example["owner"][-2, 2:6].any()
        assert example["seen"].sum() == 3
        assert not example["references"][-2].any()
    assert not any(example["owner"][-2].any() for example in mixtures(videos))


def test_levels_vary_as_asked_and_short_videos_lie_somewhere_in_a_mixture() -> None:
    videos = [held((0,), 0.4), held((1,), 0.3)]
    begins, levels = set(), []
    for example in mixtures(videos, gain_db=6):
        sound = example["references"][0]
        there = torch.nonzero(sound)
        assert len(there) in (300, 400)
        begins.add(int(there[0]))
        levels.append(20 * float(torch.log10(sound.max() * 32_767 / 2 / 1000)))
    assert len(begins) > 20
    assert min(levels) < -3 < 3 < max(levels)
    assert max(map(abs, levels)) <= 6.001


def test_a_mixture_depends_on_its_number_alone() -> None:
    videos = [HeldVideo((n % 6,), np.random.default_rng(n).integers(-9, 9, 3000).astype(np.int16)) for n in range(9)]
    first, again = mixtures(videos, noise=0.5), mixtures(videos, noise=0.5)
    for number in (7, 3):
        for key, value in first[number].items():
            torch.testing.assert_close(again[number][key], value, atol=0, rtol=0)
    assert not torch.equal(first[0]["mixture"], first[1]["mixture"])
