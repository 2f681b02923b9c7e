"""What is separated: videos with their tracks, and mixtures of two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from made_objects import FRONT_END, LENGTH_S, sound, write_made
from soundsieve.datasets import made_videos
from soundsieve.datasets.video import Video
from soundsieve.errors import AudioError
from soundsieve.evaluation.watch import WatchMeasures
from soundsieve.evaluation.watch_cases import draw_pairs, made_case, mixed_case
from tiny_videos import RATE_HZ, write_video

MEASURES = WatchMeasures(front_end=FRONT_END)


def videos(*labels: str, groups: int = 1000) -> list[tuple[Video, str]]:
    return [(Video(Path(f"{at}.mp4"), f"{at}", (), f"{at % groups}", "test"), label) for at, label in enumerate(labels)]


@pytest.mark.parametrize("seed", range(5))
def test_pairs_differ_and_no_video_comes_twice(seed: int) -> None:
    given = videos(*["dog"] * 6, *["car"] * 5, *["cat"] * 3)
    pairs = draw_pairs(given, seed)
    assert len(pairs) == 7  # as many as there can be
    used = [video.name for pair in pairs for video, _ in pair]
    assert len(set(used)) == len(used)
    assert all(one[1] != other[1] for one, other in pairs)
    assert draw_pairs(given, seed) == pairs
    assert draw_pairs(given, seed, limit=2) == pairs[:2]


def test_other_seeds_draw_others() -> None:
    given = videos(*["dog"] * 6, *["car"] * 6)
    assert len({str(draw_pairs(given, seed)) for seed in range(4)}) > 1


def test_videos_of_one_group_are_no_pair() -> None:
    assert draw_pairs(videos("dog", "car", groups=1), seed=0) == []


def test_two_videos_are_mixed_with_equal_energy_as_long_as_the_shorter_one(tmp_path: Path) -> None:
    loud, soft = sound("dog", length_s=2.0, level=0.3), sound("car", length_s=1.2, level=0.01)
    pair = []
    for label, samples in (("dog", loud), ("car", soft)):
        path = write_video(tmp_path / f"{label}.mkv", samples=np.round(samples * 32_768))
        pair.append((Video(path, label, (), label, "test"), label))
    case = mixed_case(pair, MEASURES)
    energies = [float((x.astype(np.float64) ** 2).sum()) for x in case.objects.values()]
    assert energies[0] == pytest.approx(energies[1], rel=1e-4)
    assert case.mixture == pytest.approx(case.objects["dog"] + case.objects["car"], abs=1e-6)
    assert (case.name, case.mixture.shape) == ("dog + car", (round(1.2 * RATE_HZ),))
    shape = loud[: case.mixture.shape[-1]]
    assert np.corrcoef(case.objects["dog"], shape)[0, 1] == pytest.approx(1)
    silent = write_video(tmp_path / "silent.mkv", samples=np.zeros(8_000))
    with pytest.raises(AudioError, match=r"silent\.mkv: is silent"):
        mixed_case([pair[0], (Video(silent, "s", (), "s", "test"), "cat")], MEASURES)


def test_a_made_video_has_its_tracks(tmp_path: Path) -> None:
    root = write_made(tmp_path, {"a": (("dog", "car"), ("dog", "unseen"))})
    (made,) = made_videos.truths(root)
    case = made_case(made.video, made.tracks, {}, MEASURES)
    assert (tuple(case.objects), len(case.others), case.visible) == (("dog",), 1, ("car", "dog"))
    assert case.mixture == pytest.approx(case.objects["dog"] + case.others[0], abs=1e-4)
    short = made_case(made.video, made.tracks, {}, MEASURES.model_copy(update={"longest_s": 0.5}))
    assert short.mixture == pytest.approx(case.mixture[: round(0.5 * RATE_HZ)])
    soundfile.write(made.tracks["dog"], np.zeros(round(LENGTH_S * RATE_HZ)), RATE_HZ)
    assert tuple(made_case(made.video, made.tracks, {}, MEASURES).objects) == ()  # it is silent after all
    soundfile.write(made.tracks["dog"], np.zeros(77), RATE_HZ)
    with pytest.raises(AudioError, match=r"a\.dog\.flac: expected 19200 samples, as its video has, found 77"):
        made_case(made.video, made.tracks, {}, MEASURES)
