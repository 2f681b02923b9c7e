from __future__ import annotations

import math

import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.features.standardise import Standardise, StandardiseSettings, log_columns


def fitted(rows: torch.Tensor, **settings: object) -> Standardise:
    columns = tuple(f"c{k}" for k in range(rows.shape[1]))
    front_end = Standardise(StandardiseSettings.parse({"columns": columns, **settings}))
    front_end.fit(rows)
    return front_end


def test_training_rows_have_mean_0_and_deviation_1_and_others_follow() -> None:
    torch.manual_seed(0)
    rows = torch.randn(200, 3, dtype=torch.float64).add(2) * torch.tensor([1e-5, 1.0, 1e6])
    front_end = fitted(rows)
    found = front_end(rows)
    torch.testing.assert_close(found.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std(0, unbiased=False), torch.ones(3), atol=1e-4, rtol=0)
    other = front_end(rows[:1] + rows.std(0, unbiased=False))
    torch.testing.assert_close(other, found[:1] + 1, atol=1e-3, rtol=0)


def test_a_constant_column_is_no_clue_wherever_it_moves() -> None:
    rows = torch.tensor([[1.0, 661_794.0], [2.0, 661_794.0], [4.0, 661_794.0]])
    front_end = fitted(rows)
    assert front_end(torch.tensor([[1.0, 66_149.0]]))[0, 1] == 0
    assert front_end(torch.tensor([[1.0, 66_149.0]]))[0, 0] == front_end(rows)[0, 0] != 0


def test_logarithms_make_ratios_alike() -> None:
    front_end = fitted(torch.tensor([[1.0, 1.0], [10.0, 10.0], [100.0, 100.0]]), log=["c0"])
    found = front_end(torch.tensor([[1.0, 1.0], [10.0, 10.0], [100.0, 100.0]]))
    torch.testing.assert_close(found[1] - found[0], torch.tensor([1.2247, 0.2012]), atol=1e-3, rtol=0)
    assert found[2, 0] - found[1, 0] == pytest.approx(1.2247, abs=1e-3)
    assert front_end(torch.tensor([[0.0, 0.0]])).isfinite().all(), "silence has variance 0"


def test_values_far_off_are_cut() -> None:
    front_end = fitted(torch.tensor([[0.0], [2.0]]), clip=3.0)
    rows = torch.tensor([[1e9], [-1e9], [2.0]])
    assert front_end(rows)[:, 0].tolist() == [3, -3, 1]
    assert front_end.uncut(rows)[:, 0].tolist() == pytest.approx([1e9, -1e9, 1], abs=2), "how far off it was"


def test_statistics_are_part_of_the_state() -> None:
    front_end = fitted(torch.tensor([[0.0, 5.0], [2.0, 5.0]]))
    other = Standardise(front_end.settings)
    other.load_state_dict(front_end.state_dict())
    assert other(torch.tensor([[3.0, 9.0]])).tolist() == [[2.0, 0.0]]


def test_without_statistics_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="call fit with training rows first"):
        Standardise(StandardiseSettings(columns=("a",)))(torch.zeros(1, 1))


@pytest.mark.parametrize("shape", [(3,), (2, 4), (0, 2), (1, 2, 2)])
def test_a_wrong_shape_is_refused_and_quoted(shape: tuple[int, ...]) -> None:
    front_end = fitted(torch.tensor([[0.0, 5.0], [2.0, 5.0]]))
    with pytest.raises(ValueError, match=r"rows: expected shape \(batch ≥ 1, 2 columns\), found \("):
        front_end(torch.zeros(shape))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"columns": []}, "columns = "),
        ({"columns": ["a", "a"]}, "expected names that differ"),
        ({"columns": ["a"], "log": ["b"]}, "'b' is none of the columns"),
        ({"columns": ["a"], "clip": 0}, "clip = 0"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        StandardiseSettings.parse(wrong)


COLUMNS = (
    "rms_mean",
    "rms_var",
    "harmony_mean",
    "harmony_var",
    "perceptr_var",
    "rolloff_mean",
    "rolloff_var",
    "mfcc1_mean",
    "mfcc2_mean",
    "tempo",
)


def test_a_louder_copy_is_the_same_recording() -> None:
    """Gain g: levels times g, variances of waveforms and levels times g², 20·log10(g) dB in each of 128 bands."""
    torch.manual_seed(0)
    rows = torch.rand(20, len(COLUMNS), dtype=torch.float64) + 0.5
    front_end = Standardise(StandardiseSettings(columns=COLUMNS, log=log_columns(COLUMNS), level_free=True))
    front_end.fit(rows)
    assert front_end.names == tuple(name for name in COLUMNS if name not in {"rms_mean", "harmony_mean"})
    gain = 7.0
    louder = rows.clone()
    louder[:, 0] *= gain
    louder[:, [1, 3, 4]] *= gain**2
    louder[:, 2] += 0.3  # direct current
    louder[:, 7] += 20 * math.log10(gain) * math.sqrt(128)
    torch.testing.assert_close(front_end(louder), front_end(rows), atol=1e-4, rtol=0)
    louder[:, 8] += 1
    assert (front_end(louder) - front_end(rows)).abs().amax(0).gt(0.1).tolist() == [
        name == "mfcc2_mean" for name in front_end.names
    ]


def test_level_free_needs_logarithms() -> None:
    with pytest.raises(SettingsError, match="level_free = True: expected the logarithm of rms_mean, rms_var in log"):
        StandardiseSettings.parse({"columns": COLUMNS[:2], "level_free": True})


def test_roots_keep_the_sign_and_draw_in_what_is_far_off() -> None:
    front_end = fitted(torch.tensor([[-16.0, 1.0], [0.0, 2.0], [16.0, 3.0]], dtype=torch.float64), root=["c0"])
    found = front_end(torch.tensor([[-256.0, 2.0], [256.0, 2.0]], dtype=torch.float64))
    once = front_end(torch.tensor([[16.0, 2.0]], dtype=torch.float64))[0, 0]
    torch.testing.assert_close(found[:, 0], torch.tensor([-2.0, 2.0]) * once)
    assert found[0, 1] == 0
