"""Which bases go to which object: by a network whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seen_videos import FRONT_END, LABELS, hums, tiny
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.basis_choice import BasisChoice
from soundsieve.inference.map_bases import MapDescriber

FRONT = ObjectSTFT.parse(FRONT_END)
BEST = BasisChoice(kind="best", rest="none")


def describer(*seen: str, known: tuple[str, ...] = LABELS) -> MapDescriber:
    return MapDescriber(tiny().build(), known, BEST, FRONT, lambda start_s, end_s: seen)


def magnitudes(wave: np.ndarray) -> torch.Tensor:
    return FRONT.analyse(torch.from_numpy(wave)).abs().square().mean(0).sqrt()


def test_low_bases_are_the_dogs_and_high_ones_the_violins() -> None:
    describe = describer("violin", "cat", "dog")
    with torch.inference_mode():
        found = describe(magnitudes(sum(hums())), 20.0)
    assert [label for label, _ in found.objects] == ["violin", "dog"]  # a cat is not known
    bases = found.objects[0][1]
    assert (bases.shape, found.weights.shape) == ((129, 4), (2, 4))
    high = bases[24:].sum(0) > bases[:24].sum(0)
    assert high.any()
    assert not high.all()
    torch.testing.assert_close(found.weights, torch.stack([high, ~high]).float())
    assert describe.used == {"violin": int(high.sum()), "dog": int((~high).sum())}
    shown = describe.shown
    assert (shown.start_s, shown.labels, shown.scores.shape, shown.energy.shape) == (
        20.0,
        ("violin", "dog"),
        (2, 4),
        (4,),
    )
    np.testing.assert_allclose(shown.scores.sum(1), 1, atol=1e-6)


def test_the_map_of_the_loudest_piece_is_kept_and_bases_are_counted_over_all() -> None:
    describe = describer("dog")
    for gain, start_s in ((0.5, 0.0), (1.0, 9.0), (0.1, 18.0)):
        describe(gain * magnitudes(hums()[0]), start_s)
    assert describe.shown.start_s == 9.0
    assert describe.used == {"dog": 12}


@pytest.mark.parametrize(("seen", "gain"), [((), 1.0), (("cat",), 1.0), (("dog",), 0.0)])
def test_where_nothing_known_is_seen_or_nothing_is_heard_there_are_no_bases(seen: tuple[str, ...], gain: float) -> None:
    describe = describer(*seen)
    assert describe(gain * magnitudes(hums()[0]), 0.0).objects == ()
    assert describe.shown is None


def test_it_is_asked_what_is_seen_in_just_that_piece() -> None:
    asked: list[tuple[float, float]] = []

    def seen_at(start_s: float, end_s: float) -> list[str]:
        asked.append((start_s, end_s))
        return []

    MapDescriber(tiny().build(), LABELS, BEST, FRONT, seen_at)(magnitudes(hums()[0]), 9.0)
    ((start_s, end_s),) = asked
    assert (start_s, end_s) == (9.0, pytest.approx(13.0, abs=0.02))
