"""Log-mel features: librosa's to the edges, blind to padding, and the same in blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundsieve.errors import SettingsError
from soundsieve.features import LogMel, LogMelSettings, mel_bands, trim

PLAIN = LogMelSettings(normalise="none")
SMALL = LogMelSettings(sample_rate=8000, n_fft=128, win_length=128, hop=32, mels=12, normalise="clip")
STUDIED: list[dict[str, Any]] = [
    {},
    {"mel_scale": "htk"},
    {"norm": None},
    {"mels": 128, "sample_rate": 32_000, "hop": 512, "n_fft": 2048, "win_length": 2048},
    {"n_fft": 2048, "win_length": 800, "hop": 200},
    {"n_fft": 512, "win_length": 401, "hop": 160, "sample_rate": 16_000, "mel_scale": "htk", "norm": None, "mels": 40},
    {"f_min_hz": 50.0, "f_max_hz": 14_000.0, "sample_rate": 32_000, "hop": 320},
    {"centre": False},
]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def features_of(s: LogMelSettings, waveform: torch.Tensor) -> torch.Tensor:
    features: torch.Tensor = LogMel(s)(waveform[None])[0][0]
    return features


def librosa_mel(waveform: torch.Tensor, s: LogMelSettings) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=waveform.numpy(),
        sr=s.sample_rate,
        n_fft=s.n_fft,
        hop_length=s.hop,
        win_length=s.win_length,
        center=s.centre,
        power=s.power,
        n_mels=s.mels,
        fmin=s.f_min_hz,
        fmax=s.f_max_hz,
        htk=s.mel_scale == "htk",
        norm=s.norm,
    )


@pytest.mark.parametrize("changes", STUDIED, ids=str)
@pytest.mark.parametrize("samples", [30_000, 30_211])
def test_levels_are_those_of_librosa_to_the_edges(changes: Mapping[str, Any], samples: int) -> None:
    s = PLAIN.model_copy(update=changes)
    hum = torch.sin(2 * torch.pi * 0.01 * torch.arange(samples))
    waveform = noise(samples) * torch.linspace(1e-3, 1, samples) + 0.01 * hum
    expected = librosa.power_to_db(librosa_mel(waveform, s), ref=1.0, amin=s.floor, top_db=None)
    levels = features_of(s, waveform).numpy()
    assert levels.shape == expected.shape
    np.testing.assert_allclose(levels, expected, atol=1e-4, rtol=0)


def test_the_edges_tell_padding_with_zeros_from_reflection() -> None:
    """What the comparison with librosa would not show if the signal were too tame."""
    waveform = noise(30_000)
    s = PLAIN
    reflected = librosa.feature.melspectrogram(y=waveform.numpy(), sr=44_100, n_fft=1024, hop_length=256, n_mels=64)
    mirrored = torch.stft(waveform, s.n_fft, s.hop, window=torch.hann_window(1024), return_complex=True).abs() ** 2
    difference = 10 * torch.log10(LogMel(s).filterbank @ mirrored).numpy() - librosa.power_to_db(reflected, top_db=None)
    assert np.abs(difference[:, [0, 1, -1]]).max() > 1
    assert np.abs(difference[:, 2:-2]).max() < 1e-3


def test_magnitudes_in_db_and_natural_logarithms() -> None:
    waveform = noise(5000)
    magnitude = PLAIN.model_copy(update={"power": 1.0, "floor": 1e-5})
    expected = librosa.amplitude_to_db(librosa_mel(waveform, magnitude), ref=1.0, amin=1e-5, top_db=None)
    np.testing.assert_allclose(features_of(magnitude, waveform).numpy(), expected, atol=1e-4, rtol=0)
    natural = PLAIN.model_copy(update={"log": "ln", "floor": 0.1})
    expected = np.log(np.maximum(librosa_mel(waveform, natural), 0.1))
    assert 0.1 < (expected == expected.min()).mean() < 0.9, "the floor must be reached, and not everywhere"
    np.testing.assert_allclose(features_of(natural, waveform).numpy(), expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(
    ("rate", "n_fft", "mels", "low", "high"),
    [(44_100, 1024, 64, 0, None), (22_050, 2048, 128, 20, 8000), (16_000, 512, 40, 125, 7500), (8000, 1024, 5, 0, 900)],
)
def test_bands_are_those_of_librosa(
    mel_scale: str, norm: str | None, rate: int, n_fft: int, mels: int, low: float, high: float | None
) -> None:
    bank = mel_bands(rate, n_fft, mels, f_min_hz=low, f_max_hz=high, mel_scale=mel_scale, norm=norm)
    expected = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=mels, fmin=low, fmax=high, htk=mel_scale == "htk", norm=norm
    )
    assert bank.dtype == np.float32
    np.testing.assert_allclose(bank, expected, atol=1e-6 * expected.max(), rtol=0)


@pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
@pytest.mark.parametrize("hz", [150.0, 440.0, 1000.0, 3300.0, 12_000.0])
def test_a_tone_is_loudest_in_its_band_and_at_its_level(mel_scale: str, hz: float) -> None:
    s = PLAIN.model_copy(update={"mel_scale": mel_scale, "norm": None, "n_fft": 4096, "win_length": 4096})
    centres = librosa.mel_frequencies(s.mels + 2, fmin=0, fmax=22_050, htk=mel_scale == "htk")[1:-1]
    band = int(np.abs(centres - hz).argmin())
    tone = 0.5 * torch.sin(2 * torch.pi * centres[band] / 44_100 * torch.arange(22_050, dtype=torch.float64))
    levels = features_of(s, tone)[:, 10:-10]
    assert (levels.argmax(0) == band).all()
    # A Hann window spreads power A²/4 · Σw² · N over the bins of the main lobe (Parseval), with Σw² = 3N/8.
    full_db = 10 * np.log10(0.5**2 / 4 * 3 / 8 * 4096 * 4096)
    assert full_db - 4 < float(levels[band].mean()) < full_db


@pytest.mark.parametrize("normalise", ["none", "clip", "band"])
@pytest.mark.parametrize("centre", [True, False])
@settings(max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 700), min_size=1, max_size=3),
    surplus=st.integers(0, 300),
    garbage=st.sampled_from([0.0, 1.0, float("nan"), float("inf")]),
)
@example(lengths=[1, 128, 127], surplus=5, garbage=1.0)
def test_what_pads_a_batch_is_not_heard(
    normalise: str, centre: bool, lengths: list[int], surplus: int, garbage: float
) -> None:
    front_end = LogMel(SMALL.model_copy(update={"normalise": normalise, "centre": centre}))
    if normalise == "band":
        front_end.fit([(noise(1, 4000), None)])
    clips = [noise(length, seed=length) for length in lengths]
    batch = torch.full((len(clips), max(lengths) + surplus), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    features, frames = front_end(batch, torch.tensor(lengths))
    assert frames.tolist() == [front_end.frames_of(length) for length in lengths]
    for clip, together, count in zip(clips, features, frames.tolist(), strict=True):
        alone, own = front_end(clip[None])
        assert own.tolist() == [count] == [alone.shape[-1]]
        torch.testing.assert_close(together[:, :count], alone[0], atol=2e-5, rtol=1e-6)
        assert not together[:, count:].any()


@pytest.mark.parametrize("changes", [{}, {"n_fft": 256}, {"win_length": 101}, {"hop": 128}, {"hop": 50}])
@pytest.mark.filterwarnings("ignore:n_fft=:UserWarning")  # librosa's, of clips shorter than a window
@settings(max_examples=30)
@given(st.integers(1, 900))
@example(1)
@example(128)
def test_frames_are_as_many_as_librosa_has(changes: Mapping[str, Any], samples: int) -> None:
    s = LogMelSettings.parse({**SMALL.model_dump(), **changes, "mels": 8, "normalise": "none"})
    expected = librosa.stft(np.zeros(samples, np.float32), n_fft=s.n_fft, hop_length=s.hop, win_length=s.win_length)
    features, frames = LogMel(s)(torch.zeros(1, samples))
    assert features.shape[-1] == frames.item() == expected.shape[-1]


def test_frames_of_a_window_that_begins_at_its_sample() -> None:
    front_end = LogMel(SMALL.model_copy(update={"centre": False, "normalise": "none"}))
    assert [front_end.frames_of(n) for n in (1, 127, 128, 159, 160)] == [1, 1, 1, 1, 2]
    clip = noise(1, 100)
    filled = torch.nn.functional.pad(clip, (0, 28))
    torch.testing.assert_close(front_end(clip)[0], front_end(filled)[0])


@pytest.mark.parametrize("centre", [True, False])
def test_a_click_is_heard_in_the_frame_of_its_time(centre: bool) -> None:
    front_end = LogMel(SMALL.model_copy(update={"centre": centre, "normalise": "none"}))
    click = torch.zeros(1, 8000)
    click[0, 4000] = 1
    loudest = int(front_end(click)[0][0].sum(0).argmax())
    assert abs(front_end.seconds_of(loudest) - 0.5) <= 0.5 * 32 / 8000


@settings(max_examples=50)
@given(st.integers(1, 4000), st.floats(1e-3, 1))
def test_a_clip_is_normalised_over_its_own_length(length: int, gain: float) -> None:
    features, frames = LogMel(SMALL)(gain * noise(1, 5000), torch.tensor([length]))
    own = features[..., : int(frames)].double()
    assert abs(own.mean()) < 1e-5
    assert abs(own.var(correction=0) - 1) < 1e-4
    levels, _ = LogMel(SMALL.model_copy(update={"normalise": "none"}))(gain * noise(1, 5000)[:, :length])
    levels = levels.double()
    expected = (levels - levels.mean()) / levels.std(correction=0)
    # The spectrum of a few samples is nearly flat: against its deviation, rounding is large.
    torch.testing.assert_close(own, expected, atol=1e-4 if length > 100 else 1e-3, rtol=0)


@pytest.mark.parametrize("length", [1, 100, 44_100])
def test_silence_stays_silent(length: int) -> None:
    assert not LogMel(LogMelSettings())(torch.zeros(2, length))[0].any()
    torch.testing.assert_close(features_of(PLAIN, torch.zeros(length)), torch.full((64, 1 + length // 256), -100.0))


def test_bands_are_standardised_by_what_was_fitted() -> None:
    front_end = LogMel(SMALL.model_copy(update={"normalise": "band"}))
    plain = LogMel(SMALL.model_copy(update={"normalise": "none"}))
    with pytest.raises(RuntimeError, match="call fit"):
        front_end(noise(1, 500))
    first, second = noise(2, 3000), 3 * noise(1, 900, seed=1)
    front_end.fit([(first, torch.tensor([3000, 1000])), (second, None)])
    clips = [first[0], first[1, :1000], second[0]]
    levels = [plain(clip[None])[0][0] for clip in clips]
    every = torch.cat(levels, 1).double()
    mean, deviation = every.mean(1), every.std(1, correction=0)
    expected = (levels[2] - mean[:, None]) / deviation[:, None]
    torch.testing.assert_close(front_end(second)[0][0], expected.float(), atol=1e-4, rtol=0)
    assert deviation.min() > 1
    assert mean.std() > 0.1, "bands alike would not show a mean taken over the wrong axis"


def test_statistics_travel_and_what_the_settings_tell_does_not() -> None:
    s = SMALL.model_copy(update={"normalise": "band"})
    fitted, restored = LogMel(s), LogMel(s)
    fitted.fit([(noise(1, 3000), None)])
    assert sorted(fitted.state_dict()) == ["band_deviation", "band_mean"]
    restored.load_state_dict(fitted.state_dict())
    torch.testing.assert_close(restored(noise(1, 999, seed=2))[0], fitted(noise(1, 999, seed=2))[0], atol=0, rtol=0)
    assert not LogMel(SMALL).state_dict()


def test_fitting_refuses_what_has_no_statistics() -> None:
    band = LogMel(SMALL.model_copy(update={"normalise": "band"}))
    with pytest.raises(ValueError, match="only 'band' has statistics"):
        LogMel(SMALL).fit([(noise(1, 500), None)])
    with pytest.raises(ValueError, match="found 0 frames"):
        band.fit([])
    with pytest.raises(ValueError, match="not finite"):
        band.fit([(torch.full((1, 500), float("nan")), None)])
    band.fit([(torch.zeros(1, 500), None)])
    assert not band(torch.zeros(1, 500))[0].any(), "a band that never changes is not divided by 0"


@pytest.mark.parametrize("changes", [{}, {"n_fft": 2048, "win_length": 1001}, {"hop": 300}, {"centre": False}])
@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 60_000))
def test_blocks_hold_the_frames_of_the_whole(changes: Mapping[str, Any], block: int, cut: int) -> None:
    """With `edge_frames` more on each side, which are dropped, and never less than that."""
    s = PLAIN.model_copy(update=changes)
    front_end = LogMel(s)
    edge = front_end.edge_frames
    recording = noise(1, 60_000)
    whole = front_end(recording)[0]
    begin = edge + min(cut // s.hop, whole.shape[-1] - block - 2 * edge - 8)
    reach = 0 if s.centre else s.n_fft - s.hop
    part = recording[:, (begin - edge) * s.hop : (begin + block + edge) * s.hop + reach]
    own = front_end(part)[0][..., edge : edge + block]
    torch.testing.assert_close(own, whole[..., begin : begin + block], atol=2e-4, rtol=0)


def test_no_fewer_edge_frames_would_do() -> None:
    front_end = LogMel(PLAIN)
    recording = noise(1, 60_000)
    whole, part = front_end(recording)[0][..., 50:], front_end(recording[:, 50 * 256 :])[0]
    differs = (whole - part).abs().amax((0, 1)) > 1e-3
    assert differs.nonzero().flatten().tolist() == list(range(front_end.edge_frames)) == [0, 1]


@pytest.mark.parametrize("changes", [{}, {"power": 1.0}, {"power": 1.5}, {"log": "ln"}, {"normalise": "none"}])
def test_gradients_reach_the_sound_and_not_the_padding(changes: Mapping[str, Any]) -> None:
    front_end = LogMel(SMALL.model_copy(update=changes))
    waveform = noise(3, 1000)
    waveform[1] = 0  # silence has no direction to go, but no NaN either
    waveform.requires_grad_()
    (front_end(waveform, torch.tensor([1000, 1000, 400]))[0] ** 3).sum().backward()
    gradient = waveform.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    assert (gradient[0] != 0).float().mean() > 0.99
    assert (gradient[2, :400] != 0).float().mean() > 0.99
    assert not gradient[1].any()
    assert not gradient[2, 400:].any()


def test_gradients_are_right() -> None:
    front_end = LogMel(SMALL.model_copy(update={"n_fft": 32, "win_length": 32, "hop": 16, "mels": 4}))
    waveform, step = noise(1, 100), noise(1, 100, seed=1)
    weight = noise(1, 4, front_end.frames_of(100), seed=2)
    slope = torch.autograd.functional.jvp(lambda x: (weight * front_end(x)[0]).sum(), waveform, step)[1]
    sides = [(weight * front_end(waveform + sign * 1e-2 * step)[0]).sum() for sign in (1, -1)]
    assert abs(slope) > 1e-2
    torch.testing.assert_close(slope, (sides[0] - sides[1]) / 2e-2, atol=0, rtol=2e-2)


def test_features_are_float32_whatever_comes_in() -> None:
    front_end, waveform = LogMel(SMALL), noise(1, 1000)
    expected = front_end(waveform)[0]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(front_end(waveform)[0], expected, atol=0, rtol=0)
    torch.testing.assert_close(front_end(waveform.double())[0], expected, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("waveform", "lengths", "sentence"),
    [
        (torch.zeros(1, 1, 50), None, r"waveform: .*\(1, 1, 50\)"),
        (torch.zeros(2, 0), None, r"waveform: .*\(2, 0\)"),
        (torch.zeros(2, 9, dtype=torch.int16), None, r"waveform: .*torch.int16"),
        (torch.zeros(2, 9), torch.tensor([9]), r"lengths: expected 2 whole numbers, found torch.int64 \(1,\)"),
        (torch.zeros(2, 9), torch.tensor([1.0, 0.5]), r"lengths: .*torch.float32"),
        (torch.zeros(2, 9), torch.tensor([0, 9]), "lengths: expected 1 to 9 samples, found 0 to 9"),
        (torch.zeros(2, 9), torch.tensor([3, 10]), "lengths: expected 1 to 9 samples, found 3 to 10"),
    ],
)
def test_wrong_shapes_are_quoted(waveform: torch.Tensor, lengths: torch.Tensor | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LogMel(SMALL)(waveform, lengths)


def test_no_clip_has_no_samples() -> None:
    with pytest.raises(ValueError, match="found 0"):
        LogMel(SMALL).frames_of(0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_fft": 1023}, "n_fft = 1023: .*multiple of 2"),
        ({"n_fft": 512}, r"win_length = 1024: expected at most n_fft \(512\)"),
        ({"win_length": 1025}, r"win_length = 1025: expected at most n_fft \(1024\)"),
        ({"hop": 1025}, r"hop = 1025: expected at most win_length \(1024\)"),
        ({"hop": 0}, "hop = 0"),
        ({"f_min_hz": 22_050}, r"f_max_hz = None: expected more than f_min_hz \(22050\) and at most half .* \(22050\)"),
        ({"f_min_hz": 500, "f_max_hz": 500}, r"f_max_hz = 500: expected more than f_min_hz \(500\)"),
        ({"f_max_hz": 22_051}, r"f_max_hz = 22051: .* at most half the sample rate \(22050\)"),
        ({"f_max_hz": float("nan")}, "f_max_hz = nan"),
        ({"mels": 256}, r"mels = 256: expected fewer bands or a longer n_fft: no bin of the STFT is in \d+ of them"),
        ({"mels": 128, "mel_scale": "htk"}, "mels = 128: expected fewer bands"),
        ({"power": 0.5}, "power = 0.5"),
        ({"floor": 0}, "floor = 0"),
        ({"floor": 1e-50}, "floor = 1e-50"),
        ({"mel_scale": "bark"}, "mel_scale = 'bark': input should be 'slaney' or 'htk'"),
        ({"norm": "l1"}, "norm = 'l1'"),
        ({"log": "log2"}, "log = 'log2'"),
        ({"normalise": "batch"}, "normalise = 'batch'"),
        ({"n_mels": 64}, "unknown key 'n_mels': did you mean 'mels'"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        LogMelSettings.parse(wrong)


def test_a_range_is_librosas_top_db_and_each_clips_own() -> None:
    s = LogMelSettings(normalise="none", range_db=40.0)
    loud, quiet = noise(20_000), 0.1 * noise(20_000, seed=1)
    for clip in (loud, quiet):
        clip[5_000:9_000] *= 1e-4
    both, _ = LogMel(s)(torch.stack([loud, quiet]))
    for row, waveform in zip(both, (loud, quiet), strict=True):
        expected = librosa.power_to_db(librosa_mel(waveform, s), amin=s.floor, top_db=40.0)
        assert expected.min() == pytest.approx(expected.max() - 40)
        np.testing.assert_allclose(row.numpy(), expected, atol=1e-3)


def test_a_range_looks_at_no_padding() -> None:
    front_end = LogMel(LogMelSettings(normalise="none", range_db=30.0))
    clip = noise(10_000)
    clip[:5_000] *= 1e-6
    alone, _ = front_end(clip[None])
    padded = torch.cat([clip, 100 * noise(10_000, seed=2)])[None]
    together, frames = front_end(padded, torch.tensor([10_000]))
    torch.testing.assert_close(together[..., : int(frames[0])], alone)


@pytest.mark.parametrize("before", [0, 777, 3_000])
@pytest.mark.parametrize("after", [0, 1, 6_000])
def test_a_clip_without_the_silence_at_its_ends(before: int, after: int) -> None:
    s = LogMelSettings(sample_rate=8_000, trim_db=60.0)
    sound = noise(4_000).numpy()
    sound[1_000:2_000] = 0  # silence inside it is its own
    filled = np.concatenate([np.full(before, 1e-6), sound, np.full(after, -1e-6)]).astype(np.float32)
    found = trim(filled, s)
    start = (before // 80) * 80
    end = start + len(found)
    np.testing.assert_array_equal(found, filled[start:end])
    assert before + 4_000 <= end <= before + 4_000 + 80 or end == len(filled)


def test_silence_is_not_trimmed_to_nothing() -> None:
    s = LogMelSettings(sample_rate=8_000, trim_db=60.0)
    assert len(trim(np.zeros(4_000, np.float32), s)) == 4_000
    assert len(trim(np.zeros(10, np.float32), s)) == 10
