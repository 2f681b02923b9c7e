"""The small separator of songs: it shares a mixture out, knows left from right, and does not care how a song is cut."""

import numpy as np
import pytest
import torch

from soundsieve.errors import SettingsError
from soundsieve.inference.stems import ChunkedStems, StemNetwork, StemSettings
from soundsieve.models import build, settings
from soundsieve.models.stem_unet import StemUNet, StemUNetSettings

TINY = StemUNetSettings(
    n_fft=128, hop=64, bands=24, filters=(4, 6, 8), time_levels=2, context=6, context_blocks=2, level_frames=5
)


def network(classes: int = 3, **changes: object) -> StemUNet:
    torch.manual_seed(0)
    model = StemUNet(TINY.model_copy(update=changes), classes).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # so that silence is not silence
            torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.mark.parametrize("frames", [1, 63, 64, 1000, 4321])
@pytest.mark.parametrize("channels", [1, 2])
def test_stems_add_up_to_the_mixture_at_any_length(frames: int, channels: int) -> None:
    model = network(channels=channels)
    mixture = torch.randn(2, channels, frames)
    stems = model(mixture)
    assert stems.shape == (2, 3, channels, frames)
    torch.testing.assert_close(stems.sum(1), mixture, atol=1e-5, rtol=0)


@pytest.mark.parametrize("segment_s", [0.7, 1.5, 60.0])
@pytest.mark.parametrize("time_levels", [0, 1, 2])
def test_chunks_give_what_the_whole_song_gives(segment_s: float, time_levels: int) -> None:
    model = network(time_levels=time_levels)
    rng = np.random.default_rng(0)
    song = (rng.standard_normal((2, 20_000)) * np.linspace(0, 1, 20_000)).astype(np.float32)
    chunked = ChunkedStems(
        StemNetwork(model, ("a", "b", "c"), 4_000), channels=2, settings=StemSettings(segment_s=segment_s)
    )
    parts = [stems for start in range(0, 20_000, 777) for _, stems in chunked.push(song[:, start : start + 777])]
    parts += [stems for _, stems in chunked.push(song[:, :0], last=True)]
    whole = model(torch.from_numpy(song)[None])[0].detach().numpy()
    assert len(parts) > 1 or segment_s == 60
    np.testing.assert_allclose(np.concatenate(parts, -1), whole, atol=1e-5)


def test_reach_is_no_shorter_than_what_changes() -> None:
    model = network()
    quiet = torch.randn(1, 2, 40 * model.stride)
    loud = quiet.clone()
    loud[..., : 2 * model.stride] += 5
    changed = (model(quiet) - model(loud)).abs().amax((0, 1, 2)) > 1e-6
    assert int(changed.nonzero().max()) < 2 * model.stride + model.reach


def test_silence_stays_silent_and_the_level_of_a_song_does_not_matter() -> None:
    model = network()
    assert not model(torch.zeros(1, 2, 3_000)).any()
    mixture = torch.randn(1, 2, 3_000)
    torch.testing.assert_close(model(100 * mixture), 100 * model(mixture), atol=1e-2, rtol=1e-3)


def test_where_a_cell_sits_in_the_stereo_picture_is_seen() -> None:
    model = network()
    mono = torch.randn(1, 1, 2_000)
    centre, side = mono.expand(1, 2, -1), torch.cat([mono, -mono], 1)
    shares = [model.logits(model.spectrum(sound)) for sound in (centre, side)]
    assert (shares[0] - shares[1]).abs().max() > 0.01


def test_the_released_size_is_what_its_card_says() -> None:
    model = build("stem_unet", {}, 4)
    assert sum(parameter.numel() for parameter in model.parameters()) == 2_497_160


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hop": 2000}, "at most half of n_fft"),
        ({"bands": 2000}, "at most one for each bin"),
        ({"level_frames": 10}, "expected an odd number"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        settings("stem_unet", wrong)


@pytest.mark.parametrize("shape", [(1, 1, 100), (2, 100), (1, 2, 0)])
def test_a_wrong_shape_is_refused_and_quoted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(batch ≥ 1, 2 channels, time ≥ 1\)"):
        network()(torch.zeros(shape))
