"""Which bases belong to which object: the published rule by its formula, better ones on maps whose answer is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from soundsieve.errors import SettingsError
from soundsieve.inference.basis_choice import BasisChoice, assign, calibrated, fit_calibration

KINDS = ("threshold", "best", "share")


def test_the_threshold_is_on_the_softmax_over_the_bases() -> None:
    base_map = torch.tensor([[4.0, 4.0, 0.0, 0.0], [4.0, 0.0, 3.0, 0.0], [9.0, 9.0, 9.0, 9.0]])
    weights = assign(base_map, [0, 1], BasisChoice(threshold=0.2))
    assert (base_map[1].softmax(0) > 0.2).tolist() == [True, False, True, False]
    assert weights.tolist() == [[0.5, 1, 0, 0], [0.5, 0, 1, 0]]
    assert assign(base_map, [1, 0], BasisChoice(threshold=0.2)).tolist() == weights.flip(0).tolist()


def test_equal_bases_are_nobodys_by_the_published_threshold() -> None:
    assert not assign(torch.ones(3, 25), [0, 2], BasisChoice()).any()


@pytest.mark.parametrize(
    ("rest", "margin", "expected"),
    [
        ("none", 0.0, [[1, 0, 1], [0, 1, 0]]),
        ("unseen", 0.0, [[1, 0, 0], [0, 1, 0]]),
        ("unseen", 2.5, [[0, 0, 0], [0, 1, 0]]),
        ("unseen", -3.0, [[1, 0, 1], [0, 1, 0]]),
        ("level", 2.0, [[1, 0, 0], [0, 1, 0]]),
        ("level", 3.5, [[0, 0, 0], [0, 1, 0]]),
    ],
)
def test_the_best_object_gets_a_base_if_it_beats_what_it_must(
    rest: str, margin: float, expected: list[list[int]]
) -> None:
    base_map = torch.tensor([[3.0, 0.0, 1.0], [0.0, 4.0, 0.5], [1.0, 1.0, 3.0]])
    assert assign(base_map, [0, 1], BasisChoice(kind="best", rest=rest, margin=margin)).tolist() == expected


def test_shares_are_a_softmax_in_which_the_rest_takes_part() -> None:
    base_map = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    choice = BasisChoice(kind="share", sharpness=2)
    rest = base_map[[0, 2]].amax(0)
    expected = (2 * torch.stack([base_map[1], base_map[3], rest])).softmax(0)[:2]
    torch.testing.assert_close(assign(base_map, [1, 3], choice), expected)
    alone = assign(base_map, [1, 3], choice.model_copy(update={"rest": "none"}))
    torch.testing.assert_close(alone.sum(0), torch.ones(6))
    hard = assign(base_map, [1, 3], choice.model_copy(update={"sharpness": 1e4}))
    torch.testing.assert_close(hard, assign(base_map, [1, 3], BasisChoice(kind="best")))


@given(
    st.lists(st.lists(st.floats(0, 50), min_size=7, max_size=7), min_size=5, max_size=5),
    st.sets(st.integers(0, 4)),
    st.sampled_from(KINDS),
    st.sampled_from(("none", "level", "unseen")),
)
def test_no_base_is_given_away_more_than_once(rows: list[list[float]], seen: set[int], kind: str, rest: str) -> None:
    weights = assign(torch.tensor(rows), sorted(seen), BasisChoice(kind=kind, rest=rest))
    assert weights.shape == (len(seen), 7)
    assert (weights >= 0).all()
    assert (weights.sum(0) <= 1 + 1e-5).all()


def test_calibration_makes_labels_of_different_loudness_equal() -> None:
    """One label's scores are ten times another's and begin higher; uncalibrated, it would get every base."""
    generator = torch.Generator().manual_seed(1)
    maps = torch.rand(60, 3, 8, generator=generator)
    seen = torch.zeros(60, 3, dtype=torch.bool)
    for row in range(60):
        for label in {row % 3, (row // 3) % 3}:
            seen[row, label] = True
            maps[row, label, label] += 4
    loud = maps * torch.tensor([10.0, 1.0, 1.0])[:, None] + torch.tensor([7.0, 0.0, 0.0])[:, None]
    choice = BasisChoice(kind="best", rest="none", **fit_calibration(loud, seen))
    plain = BasisChoice(kind="best", rest="none")
    rows = [row for row in range(60) if row % 3 == 1 and (row // 3) % 3 == 0]
    for row in rows:
        assert assign(loud[row], [0, 1], choice)[:, :2].tolist() == [[1, 0], [0, 1]]
        assert assign(loud[row], [0, 1], plain)[:, 1].tolist() == [1, 0]
    scaled = calibrated(loud, choice)
    for label in range(3):
        assert float(scaled[~seen[:, label], label].mean()) == pytest.approx(0, abs=1e-4)
        assert float(scaled[seen[:, label], label].amax(1).mean()) == pytest.approx(1, abs=1e-4)


def test_labels_that_never_or_always_occur_are_taken_for_the_others() -> None:
    maps = torch.rand(10, 4, 5) + 1
    seen = torch.zeros(10, 4, dtype=torch.bool)
    seen[:, 3], seen[:5, 0] = True, True
    found = fit_calibration(maps, seen)
    assert found["scale"][1] == pytest.approx(found["scale"][2])
    assert all(torch.tensor(values).isfinite().all() for values in found.values())
    assert min(found["scale"]) > 0
    for silent in (torch.zeros(10, 4, 5), torch.zeros(0, 4, 5)):
        found = fit_calibration(silent, seen[: len(silent)])
        assert found["centre"] == (0, 0, 0, 0)
        assert min(found["scale"]) > 0, "what was never heard must not be divided by"


def test_mistakes_are_refused() -> None:
    base_map = torch.zeros(3, 4)
    for seen in ([0, 0], [3], [-1]):
        with pytest.raises(ValueError, match="seen: expected different labels from 0 to 2"):
            assign(base_map, seen, BasisChoice())
    with pytest.raises(ValueError, match=r"base_map: expected shape \(label, base\), found \(1, 3, 4\)"):
        assign(base_map[None], [0], BasisChoice())
    with pytest.raises(ValueError, match="centre and scale: expected 3 numbers"):
        assign(base_map, [0], BasisChoice(kind="best", centre=(0, 0), scale=(1, 1)))
    with pytest.raises(SettingsError, match="kind = 'loudest'"):
        BasisChoice.parse({"kind": "loudest"})


def test_a_base_follows_those_it_comes_and_goes_with() -> None:
    base_map = torch.tensor([[2.0, 0.4, 0.0, 0.0], [0.0, 0.5, 2.0, 0.5]])  # the second one leans the wrong way
    on, off = torch.tensor([1.0, 0, 1, 0, 1, 0]), torch.tensor([0.0, 1, 0, 1, 0, 1])
    loudness = torch.stack([on, 0.5 * on, off, off])
    alone = assign(base_map, [0, 1], BasisChoice(kind="best", rest="none"), loudness)
    assert alone[0].tolist() == [1, 0, 0, 0]
    together = BasisChoice(kind="best", rest="none", together=0.5)
    assert assign(base_map, [0, 1], together, loudness)[0].tolist() == [1, 1, 0, 0]
    assert assign(base_map, [0, 1], together).tolist() == alone.tolist(), "nothing is known of their times"
    silent = assign(base_map, [0, 1], together, torch.zeros(4, 6))
    assert torch.isfinite(silent).all()
    assert assign(base_map[:, :1], [0, 1], together, loudness[:1]).sum() == 1
