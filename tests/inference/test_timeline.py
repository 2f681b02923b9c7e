"""Windows over a stream: right times, any block lengths, bounded memory, silence and what has no name."""

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.errors import SettingsError
from soundsieve.inference.timeline import UNKNOWN, Segment, Timeline, TimelineBuilder, TimelineSettings, segments
from taggers import RATE, LoudestBand, tone

LEAST = dict.fromkeys(LoudestBand.classes, 0.6)


class LoudestBandWhen(LoudestBand):
    """Says so of every tenth of a second."""

    stretch = 800


def build(
    waveform: NDArray[np.float32],
    *,
    rate: int = RATE,
    block: int = 3_000,
    window_s: float = 1.0,
    hop_s: float = 0.25,
    network: type[LoudestBand] = LoudestBand,
) -> Timeline:
    wave = np.atleast_2d(waveform)
    settings = TimelineSettings(window_s=window_s, hop_s=hop_s)
    builder = TimelineBuilder(network(), rate, len(wave), settings)  # type: ignore[arg-type]
    for start in range(0, wave.shape[1], block):
        builder.push(wave[:, start : start + block])
    return builder.finish()


def found(timeline: Timeline, gap_s: float = 0.0) -> list[Segment]:
    return segments(timeline, LoudestBand.classes, LEAST, gap_s=gap_s)


def test_what_sounds_when_is_found_to_half_a_window() -> None:
    wave = np.concatenate([tone(400, 3), tone(3_500, 3), tone(2_000, 2)])
    parts = [part for part in found(build(wave)) if part.label != UNKNOWN]
    assert [part.label for part in parts] == ["low", "high", "middle"]
    for part, (start, end) in zip(parts, [(0, 3), (3, 6), (6, 8)], strict=True):
        assert part.start_s == pytest.approx(start, abs=0.5)
        assert part.end_s == pytest.approx(end, abs=0.5)
        assert 0.6 <= part.score <= 1


def test_a_network_that_says_when_is_taken_at_its_word() -> None:
    wave = np.concatenate([tone(400, 1.2), tone(3_500, 0.3), tone(400, 1.5), np.zeros(4_000, np.float32)])
    timeline = build(wave, network=LoudestBandWhen, hop_s=0.5)
    assert timeline.hop_s == pytest.approx(0.1)
    parts = [(p.label, round(p.start_s, 1), round(p.end_s, 1)) for p in found(timeline)]
    assert parts == [("low", 0.0, 1.2), ("high", 1.2, 1.5), ("low", 1.5, 3.0)]


@pytest.mark.parametrize("frames", [1, 799, 801, 7_999, 8_001, 20_001])
def test_a_network_that_says_when_has_a_cell_for_every_stretch(frames: int) -> None:
    timeline = build(tone(400, 3)[:frames], network=LoudestBandWhen, hop_s=0.5)
    assert len(timeline.scores) == len(timeline.silent) == -(-frames // 800)


@pytest.mark.parametrize("block", [100, 1_999, 64_000])
def test_the_answer_does_not_depend_on_the_blocks(block: int) -> None:
    wave = np.concatenate([tone(400, 2.3), tone(3_500, 1.9)])
    one, other = build(wave, block=5_000), build(wave, block=block)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
    assert one.duration_s == other.duration_s == pytest.approx(4.2)


@pytest.mark.parametrize("frames", [1, 37, 7_999, 8_000, 8_001, 20_001])
def test_every_length_has_a_cell_for_each_hop_and_no_segment_beyond_its_end(frames: int) -> None:
    timeline = build(tone(400, 3)[:frames])
    assert len(timeline.scores) == len(timeline.silent) == -(-frames // 2_000)
    assert timeline.duration_s == frames / RATE
    assert max(part.end_s for part in found(timeline)) <= frames / RATE + 1e-3
    assert np.isfinite(timeline.scores).all()


def test_every_sample_is_heard_by_some_window() -> None:
    quiet = tone(400, 4.1)
    quiet[-1_500:] = tone(3_500, 1, level=0.9)[:1_500]  # a burst in what the last full window leaves over
    assert build(quiet, hop_s=1.0).scores[:, 2].max() > 0.6


def test_silence_is_not_named_and_a_silent_recording_is_unknown() -> None:
    gap = np.concatenate([tone(400, 2), np.zeros(4 * RATE, np.float32), tone(400, 2)])
    parts = found(build(gap))
    assert [part.label for part in parts] == ["low", "low"]
    assert parts[0].end_s <= 2.25
    assert parts[1].start_s >= 5.75
    assert found(build(np.zeros(2 * RATE, np.float32))) == [Segment(0.0, 2.0, UNKNOWN, 1.0)]


def test_sound_without_a_name_is_unknown() -> None:
    hiss = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)  # a third in each band
    assert {part.label for part in found(build(hiss))} == {UNKNOWN}


def test_neighbours_are_joined_over_short_gaps_only() -> None:
    scores = np.zeros((10, 1), np.float32)
    scores[[0, 1, 3, 8]] = 0.9
    timeline = Timeline(0.5, 5.0, scores, np.zeros(10, bool))
    low = [(p.start_s, p.end_s) for p in segments(timeline, ["low"], {"low": 0.5}, gap_s=0.5) if p.label == "low"]
    assert low == [(0.0, 2.0), (4.0, 4.5)]


def test_short_stretches_without_a_name_are_not_mentioned() -> None:
    scores = np.full((10, 1), 0.9, np.float32)
    scores[[2, 5, 6, 7]] = 0.1
    timeline = Timeline(0.5, 5.0, scores, np.zeros(10, bool))
    parts = segments(timeline, ["low"], {"low": 0.5}, gap_s=0, unknown_s=1.0)
    assert [(p.start_s, p.end_s) for p in parts if p.label == UNKNOWN] == [(2.5, 4.0)]
    nothing = Timeline(0.5, 0.5, np.full((1, 1), 0.1, np.float32), np.zeros(1, bool))
    assert [p.label for p in segments(nothing, ["low"], {"low": 0.5}, gap_s=0, unknown_s=1.0)] == [UNKNOWN]


def test_a_stretch_that_is_nowhere_clear_does_not_count() -> None:
    scores = np.full((9, 1), 0.4, np.float32)
    scores[[0, 4, 8]] = 0.1
    scores[6] = 0.8
    timeline = Timeline(0.5, 4.5, scores, np.zeros(9, bool))
    parts = segments(timeline, ["low"], {"low": 0.3}, gap_s=0, peaks={"low": 0.7})
    assert [(p.start_s, p.end_s, p.label) for p in parts] == [
        (0.0, 2.5, UNKNOWN),
        (2.5, 4.0, "low"),
        (4.0, 4.5, UNKNOWN),
    ]


def test_the_level_is_that_of_all_channels_and_other_rates_are_resampled() -> None:
    wave = tone(400, 3, rate=44_100)
    timeline = build(np.stack([wave, 0.5 * wave]), rate=44_100)
    assert found(timeline)[0].label == "low"
    assert timeline.duration_s == pytest.approx(3.0)


def test_no_more_is_held_than_a_batch_of_windows() -> None:
    network = LoudestBand()
    builder = TimelineBuilder(network, RATE, 1, TimelineSettings(window_s=1.0, hop_s=0.5))  # type: ignore[arg-type]
    longest = 0
    for _ in range(120):
        builder.push(tone(400, 1)[None])
        longest = max(longest, len(builder._fifo))
    assert longest <= 6 * RATE
    assert set(network.seen) == {RATE}


def test_a_hop_longer_than_the_window_is_refused() -> None:
    with pytest.raises(SettingsError, match="nothing goes unheard"):
        TimelineSettings.parse({"window_s": 1.0, "hop_s": 2.0})
