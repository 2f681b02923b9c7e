"""Checkpoints made ready: those that fit become engines, the others a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from seen_videos import FRONT_END, LABELS, RATE_HZ, hums, tiny
from soundsieve.errors import CheckpointError, SettingsError
from soundsieve.inference.object_engines import make_objects
from soundsieve.inference.unmixing import StreamUnmixer


def test_an_engine_separates_what_has_a_track_and_is_seen() -> None:
    make = make_objects(tiny(), "cpu")
    assert make.piece_s == 10.0
    video = make(("violin", "dog"), lambda start_s, end_s: ["piano", "dog"])  # a piano has no track
    assert (video.engine.stems, video.base_map(), video.bases_used()) == (("violin", "dog", "rest"), None, {})
    unmixer = StreamUnmixer(video.engine, RATE_HZ, 1)
    dog = hums()[0]
    tracks = np.concatenate([unmixer.push(dog), unmixer.finish()], axis=-1)
    assert tracks.shape == (3, *dog.shape)
    assert not tracks[0].any()
    assert np.square(tracks[2]).sum() < 0.01 * np.square(dog).sum()
    assert video.base_map().labels == ("dog",)
    assert video.bases_used() == {"dog": 4}


@pytest.mark.parametrize(
    ("changed", "error", "reason"),
    [
        ({"model": "wave_unet"}, CheckpointError, "a wave_unet cannot tell"),
        ({"front_end": {**FRONT_END, "window": 128, "hop": 64}}, CheckpointError, "129 bins"),
        (
            {"card": {"choice": {"kind": "best", "centre": [0.0], "scale": [1.0]}}},
            CheckpointError,
            "expected 3 numbers",
        ),
        ({"card": {"choice": {"kind": "worst"}}}, SettingsError, "kind"),
        ({"front_end": {**FRONT_END, "hop": 4_000}}, SettingsError, "hop"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_video(changed: dict, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        make_objects(tiny(LABELS, **changed), "cpu")


def test_no_such_device() -> None:
    with pytest.raises(SettingsError):
        make_objects(tiny(), "tpu")
