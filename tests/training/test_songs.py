"""Segments of songs: what is cut, how it is varied, who may hear what."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from songs import stems, write_folder
from soundsieve import models, recipes
from soundsieve.datasets import STEMS, musdb18
from soundsieve.errors import DatasetError, SettingsError
from soundsieve.mixing import AugmentSettings
from soundsieve.settings import read_yaml
from soundsieve.training.songs import HeldStems, Segments, SongData, arrange, open_songs
from soundsieve.training.unmix_recipe import SegmentSettings, SongCorpusSettings, SongSource, UnmixRecipe

RATE = 8_000
ORDER = ("vocals", "drums", "bass", "other")
PLAIN = SegmentSettings(gains=(1.0, 1.0))


def corpus(**source: object) -> SongCorpusSettings:
    return SongCorpusSettings(sources=(SongSource(dataset="stems", root=Path("songs"), **source),))


def write_songs(root: Path, names: list[str], frames: int = 6_000) -> None:
    for seed, name in enumerate(names):
        write_folder(root / "songs" / name, stems(frames, seed=10 * seed), RATE)


def numbered(songs: int = 3, frames: int = 5_000) -> list[tuple[HeldStems, float]]:
    """Songs whose every sample says which stem of which song it is: song + stem / 8, in units of 1/64."""
    return [
        (HeldStems(np.broadcast_to(_as_held(song, frames), (4, 2, frames)).copy()), 1.0) for song in range(1, songs + 1)
    ]


def _as_held(song: int, frames: int) -> NDArray[np.int16]:
    values = (song + np.arange(4) / 8)[:, None, None] / 64
    return np.rint(np.broadcast_to(values, (4, 2, frames)) * 32_767 / 2).astype(np.int16)


def segments(
    settings: SegmentSettings | None, songs: list[tuple[HeldStems, float]] | None = None, epoch: int = 0
) -> Segments:
    return Segments(
        songs or numbered(),
        50,
        order=ORDER,
        window=(1_000, 600),
        key=(0, epoch),
        settings=settings,
        sample_rate=RATE,
    )


def test_references_add_up_to_the_middle_of_the_mixture_and_are_in_order() -> None:
    for number in range(20):
        found = segments(PLAIN)[number]
        assert found["mixture"].shape == (2, 1_000)
        assert found["references"].shape == (4, 2, 600)
        np.testing.assert_allclose(found["references"].sum(0), found["mixture"][:, 200:800], atol=1e-6)
        units = np.round(found["references"][:, 0, 300].numpy() * 64 * 8).astype(int)
        assert (units % 8).tolist() == [STEMS.index(name) for name in ORDER]
        assert len(set(units // 8)) == 1, "all stems are of one song"


def test_a_segment_depends_on_its_number_and_the_epoch_alone() -> None:
    settings = SegmentSettings(gains_db=3, swap_channels=0.5, remix=0.5, augment=AugmentSettings(speed_octaves=0.2))
    again = segments(settings)
    forward = [segments(settings)[number]["mixture"] for number in range(6)]
    for number in (5, 0, 3):
        assert (again[number]["mixture"] == forward[number]).all()
    assert not (segments(settings, epoch=1)[0]["mixture"] == forward[0]).all()
    assert not (segments(None)[0]["mixture"] == segments(PLAIN)[0]["mixture"]).all(), "validation draws its own"


def test_gains_lie_in_their_range_and_some_stems_are_left_out() -> None:
    songs = [(HeldStems(np.full((4, 2, 5_000), 8_000, np.int16)), 1.0)]
    level = 2 * 8_000 / 32_767
    heard = (
        np.array([segments(SegmentSettings(silence=0.25), songs)[n]["references"][:, 0, 0] for n in range(50)]) / level
    )
    present = heard[heard > 0]
    assert 0.7 <= present.min() < 0.75
    assert 0.95 < present.max() <= 1
    assert np.mean(heard == 0) == pytest.approx(0.25, abs=0.1)


def test_remixed_segments_take_each_stem_from_a_song_of_its_own_and_sides_change() -> None:
    left = np.zeros((4, 2, 5_000), np.int16)
    left[:, 0] = 1_000
    swapped = [
        bool(segments(SegmentSettings(swap_channels=0.5), [(HeldStems(left), 1.0)])[n]["mixture"][1].any())
        for n in range(50)
    ]
    assert 0.3 < np.mean(swapped) < 0.7
    settings = SegmentSettings(gains=(1.0, 1.0), remix=1.0)
    mixed = 0
    for number in range(30):
        units = np.round(segments(settings)[number]["references"][:, 0, 300].numpy() * 64 * 8).astype(int)
        assert (units % 8).tolist() == [STEMS.index(name) for name in ORDER]
        mixed += len(set(units // 8)) > 1
    assert mixed > 20


def test_speed_is_one_for_all_stems_and_colour_is_each_stems_own() -> None:
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 500 * np.arange(20_000) / RATE) * 8_000
    song = HeldStems(np.broadcast_to(tone.astype(np.int16), (4, 2, 20_000)).copy())
    found = [
        segments(SegmentSettings(gains=(1, 1), augment=AugmentSettings(speed_octaves=0.5)), [(song, 1.0)])[n][
            "references"
        ]
        for n in range(8)
    ]
    pitches = []
    for stems_ in found:
        spectra = np.abs(np.fft.rfft(stems_[:, 0].numpy() * np.hanning(600), 16_384))
        peaks = spectra.argmax(1)
        assert np.ptp(peaks) <= 1
        pitches.append(peaks[0] * RATE / 16_384)
    assert min(pitches) < 450 < 550 < max(pitches)
    noisy = HeldStems((rng.standard_normal((1, 2, 20_000)) * 3_000).astype(np.int16).repeat(4, 0))
    coloured = segments(SegmentSettings(gains=(1, 1), augment=AugmentSettings(colour_db=6)), [(noisy, 1.0)])[0][
        "references"
    ]
    assert not np.allclose(coloured[0], coloured[1])


def test_the_whole_of_a_song_is_drawn_from_and_a_short_one_is_followed_by_silence() -> None:
    ramp = np.tile(np.arange(3_000, dtype=np.int16), (4, 2, 1))
    middles = [segments(PLAIN, [(HeldStems(ramp), 1.0)])[n]["references"][0, 0] * 32_767 / 2 for n in range(50)]
    starts = [float(middle[0]) for middle in middles]
    assert min(starts) < 200
    assert max(starts) > 2_200
    short = segments(PLAIN, [(HeldStems(np.full((4, 2, 100), 1_000, np.int16)), 1.0)])[0]
    assert int((short["references"][0, 0] > 0).sum()) == 100


def test_two_stems_are_the_vocals_and_all_else() -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 10)).astype(np.float32)
    both = arrange(x, ("accompaniment", "vocals"))
    np.testing.assert_allclose(both.sum(0), x.sum(0), atol=1e-6)
    assert (both[1] == x[STEMS.index("vocals")]).all()


def test_artists_are_never_divided_and_test_songs_never_heard(tmp_path: Path) -> None:
    train = [f"train/Band {k} - Song {n}" for k in range(6) for n in range(2)]
    write_songs(tmp_path, [*train, "test/Band 0 - Encore", "test/Nobody - One"], frames=200)
    found = open_songs(corpus(validation=0.4), tmp_path)
    groups = {subset: {song.group for song, _ in rows} for subset, rows in found.songs.items()}
    assert groups["test"] == {"band 0", "nobody"}
    assert len(groups["validation"]) == 2 or "band 0" in groups["validation"]
    assert not groups["train"] & groups["validation"]
    assert not groups["train"] & groups["test"]
    assert open_songs(corpus(validation=0.4), tmp_path).digest() == found.digest()


@pytest.mark.parametrize("name", ["m1", "m4", "m5", "m6"])
def test_the_papers_recipes_say_how_many_songs_there_are(tmp_path: Path, name: str) -> None:
    for song, part in musdb18.published().items():
        file = tmp_path / "musdb18" / ("test" if part == "test" else "train") / f"{song}{musdb18.SUFFIX}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    path = recipes.locate("unmix", name)
    found = open_songs(UnmixRecipe.parse(read_yaml(path)).corpus, tmp_path).counts()
    assert found["test"] == 50
    assert f"{found['train']} and {found['validation']}: artists are not divided" in path.read_text(encoding="utf-8")


def test_without_songs_to_choose_by_it_says_so(tmp_path: Path) -> None:
    write_songs(tmp_path, ["A - x", "B - y"], frames=200)
    with pytest.raises(DatasetError, match="no song is left for validation"):
        open_songs(corpus(), tmp_path)


@pytest.mark.parametrize("hold", [False, True])
def test_songs_are_read_at_the_recipes_rate_whether_held_or_not(tmp_path: Path, hold: bool) -> None:
    write_songs(tmp_path, ["train/A - x", "validation/B - y"], frames=20_000)
    values = {
        "sample_rate": 4_000,
        "model": {"name": "wave_unet", "hyper": {"L": 2, "F_c": 2}},
        "corpus": {"sources": [{"dataset": "stems", "root": "songs"}], "hold": hold},
        "segments": {"length": 300},
        "training": {"batch": 2, "workers": 0, "steps_per_epoch": 2, "validation_segments": 3},
    }
    recipe = UnmixRecipe.parse(values)
    model = models.build("wave_unet", recipe.model.hyper, 4)
    data = SongData(recipe, open_songs(recipe.corpus, tmp_path), model)
    data.setup("fit")
    (batch, *_) = list(data.train_dataloader())
    assert batch["mixture"].shape == (2, 2, model.input_length(300))
    assert batch["references"].shape[-1] == model.input_length(300) - 2 * model.context
    assert sum(len(rows["mixture"]) for rows in data.val_dataloader()) == 3
    exact, _ = data._songs["train"][0]
    reference = open_songs(recipe.corpus, tmp_path).songs["train"][0][0].open(sample_rate=4_000, channels=2).read()
    np.testing.assert_allclose(exact.read(1_000, 500), reference[..., 1_000:1_500], atol=2e-4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stems": ["vocals", "noise"]}, "stems = .*: expected bass, drums, other, vocals in any order"),
        ({"loss": {"kind": "mse", "shares": 1}}, "loss.shares"),
        ({"segments": {"gains": [-1, 1]}}, "expected 0 or more"),
    ],
)
def test_impossible_recipes_are_refused(changes: dict[str, object], sentence: str) -> None:
    values = {"model": {"name": "wave_unet"}, "corpus": {"sources": [{"dataset": "stems", "root": "songs"}]}}
    with pytest.raises(SettingsError, match=sentence):
        UnmixRecipe.parse({**values, **changes})
