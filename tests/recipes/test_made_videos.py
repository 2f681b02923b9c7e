"""Made videos: what is decided, who is seen and heard in which part, and tracks that add up to the sound.

Small programs stand in for FluidSynth and TiMidity++, noise for recordings and plain colours for pictures, so that
nothing has to be fetched.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from soundsieve.datasets import made_videos
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import PARTS
from soundsieve.errors import AudioError, DatasetError, SettingsError
from soundsieve.recipes.clips import RATE_HZ as SOUND_HZ
from soundsieve.recipes.select.material import FONTS, KIT_FOLDER
from soundsieve.recipes.unmix.sources import ACOUSTIC_KITS
from soundsieve.recipes.watch import made, pictures, sounds, timidity
from soundsieve.recipes.watch.frames import frames, shots, view
from soundsieve.recipes.watch.instruments import INSTRUMENTS
from soundsieve.recipes.watch.parts import divide
from soundsieve.recipes.watch.plan import PART_OF, MadeSettings, Material, decide, materials
from soundsieve.recipes.watch.tracks import active_level_db, perform
from soundsieve.recipes.watch.write import RATE_HZ, mix

SMALL = ["duration_s=3", "width=64", "height=64", "frame_rate=2"]
SYNTHESIZER = f"""#!{sys.executable} -S
import array, sys, wave, zlib
out = sys.argv[sys.argv.index("-F" if "-F" in sys.argv else "-o") + 1]
if "-c" in sys.argv:  # TiMidity++ finds its patches where its configuration says
    first = open(sys.argv[sys.argv.index("-c") + 1]).readline().split()
    assert first[0] == "dir" and open(first[1] + "/Tone_000/040_Violin.pat").read() == "a patch", first
score = open(sys.argv[-1], "rb").read()
step = 200 + zlib.crc32(score) % 400
ramp = array.array("h", ((n * step) % 20000 - 10000 for n in range(10000))) * (10 * {SOUND_HZ} // 10000)
with wave.open(out, "wb") as file:
    file.setnchannels(2); file.setsampwidth(2); file.setframerate({SOUND_HZ}); file.writeframes(ramp.tobytes())
"""
COLOURS = {"dog": (200, 30, 30), "violin": (30, 200, 30), "piano": (30, 30, 200)}


def tone(hz: float, length_s: float, rate_hz: int = SOUND_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(length_s * rate_hz)) / rate_hz).astype(np.float32)


def write_picture(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 40, 30, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((30, 40, 3), colour, np.uint8), format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two soundfonts and a kit as far as their names go, four pictures each of three objects, eight dogs' barks."""
    home = tmp_path_factory.mktemp("home")
    for font in (*FONTS, sounds.FREEPATS):
        if font.name in sounds.FONT_PARTS:
            (home / "packages" / font.path).parent.mkdir(parents=True, exist_ok=True)
            (home / "packages" / font.path).write_bytes(b"a soundfont")
    (home / "packages" / timidity.CONFIGURATION).write_text("dir /usr/share/midi/freepats\nbank 0\n")
    (home / "packages" / timidity.PATCHES / "Tone_000").mkdir(parents=True)
    (home / "packages" / timidity.PATCHES / "Tone_000" / "040_Violin.pat").write_text("a patch")
    for label, colour in COLOURS.items():
        for number in range(4):
            write_picture(home / "pictures" / f"{number:04d}_{label}.png", colour)
    for number in range(8):
        sound = 0.3 * tone(300 + 50 * number, 0.5)
        (home / "sounds" / "dog").mkdir(parents=True, exist_ok=True)
        soundfile.write(home / "sounds" / "dog" / f"{number}.wav", sound, SOUND_HZ)
    for label in ("violin", "piano"):
        (home / "sounds" / label).mkdir()
        soundfile.write(home / "sounds" / label / "own.wav", 0.3 * tone(700, 1.0), SOUND_HZ)
    (home / "bin").mkdir()
    for program in made.SYNTHESIZERS:
        (home / "bin" / program).write_text(SYNTHESIZER)
        (home / "bin" / program).chmod(0o755)
    return home


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PATH", str(home / "bin"))
    given = ["--packages", home / "packages", "--pictures", home / "pictures", "--out", tmp_path / "out", "--jobs", 1]
    settings = [word for value in SMALL for word in ("--set", value)]
    return [*map(str, given), "--sounds", f"folder={home / 'sounds'}", *settings]


@pytest.fixture
def found(home: Path) -> dict[str, Material]:
    sources = sounds.find_sounds(home / "packages", {"folder": home / "sounds"})
    return materials(pictures.find_pictures(home / "pictures", None), sources)


# What there is, and which part it is in


def test_tables_name_objects_packages_and_licences() -> None:
    with pictures.TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["picture"] for row in rows}) == len(rows)
    for row in rows:
        assert row["object"] in NAMES
        assert row["package"] in pictures.PACKAGES
        assert row["kind"] in {"photograph", "drawing"}
    with sounds.TABLE.open(encoding="utf-8") as file:
        heard = list(csv.DictReader(file))
    assert len({(row["package"], row["sound"]) for row in heard}) == len(heard)
    for row in heard:
        assert row["object"] in NAMES
        assert row["package"] in sounds.PRESENT
        assert row["licence"] or row["package"] in sounds.LICENCES
        assert row["part"] in {"", *PARTS}
    parts = {(row["source"], row["part"]) for row in heard}
    assert len(parts) == len({source for source, _ in parts})  # one part for all of a source
    assert {instrument.label for instrument in INSTRUMENTS} <= set(NAMES)
    assert all(instrument.lowest < instrument.highest for instrument in INSTRUMENTS)


def test_nothing_is_seen_or_heard_in_two_parts(home: Path, found: dict[str, Material]) -> None:
    assert {part: set(here.labels) for part, here in found.items()} == {part: set(COLOURS) for part in PARTS}
    seen = [p.name for here in found.values() for each in here.pictures.values() for p in each]
    heard = [s.name for here in found.values() for each in here.sources.values() for s in each]
    assert len(seen) == len(set(seen)) == 12
    assert len(heard) == len(set(heard)) == 8 + 2 * 4  # barks; and of two instruments three soundfonts and a recording
    fonts = {part: {s.font.name for e in here.sources.values() for s in e if s.font} for part, here in found.items()}
    assert fonts == {"train": {"fluid", "freepats"}, "validation": set(), "test": {"timgm"}}


def test_the_division_does_not_depend_on_other_objects(home: Path, tmp_path: Path) -> None:
    before = {p.name: p.part for p in pictures.find_pictures(home / "pictures", None)}
    for path in (home / "pictures").iterdir():
        if "violin" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    after = {p.name: p.part for p in pictures.find_pictures(tmp_path, None)}
    assert after == {name: part for name, part in before.items() if "violin" not in name}


def test_few_sources_train_first_and_test_second() -> None:
    assert divide({"harp": ["a"], "cat": ["b", "c"]}) == {"a": "train", "b": "train", "c": "test"}
    many = Counter(divide({"dog": [str(number) for number in range(53)]}).values())
    assert many == {"train": 31, "test": 11, "validation": 11}
    assert divide({"dog": ["a", "b"], "cat": ["b", "c", "d"]}) == {
        "a": "train",
        "b": "test",
        "c": "train",
        "d": "validation",
    }


def test_a_carpenters_plane_does_not_fly(home: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "0726_plane.png", (1, 2, 3))
    write_picture(tmp_path / "0404_plane.png", (1, 2, 3))
    write_picture(tmp_path / "french_horn" / "mine.png", (1, 2, 3))
    write_picture(tmp_path / "0001_goldfish.png", (1, 2, 3))
    assert [(p.name, p.label) for p in pictures.find_pictures(tmp_path, None)] == [
        ("pictures/0404_plane.png", "plane"),
        ("pictures/french_horn/mine.png", "french_horn"),
    ]


# What is decided


def test_shares_are_kept_and_parts_come_in_turn(found: dict[str, Material]) -> None:
    plans = [decide(number, 0, MadeSettings(silent=0.2, unseen=0.3), found) for number in range(1500)]
    assert Counter(plan.part for plan in plans) == {"train": 1050, "test": 300, "validation": 150}
    assert [plan.part for plan in plans[:10]] == list(PART_OF)
    counts = Counter(sum(thing.picture is not None for thing in plan.things) for plan in plans)
    assert counts[1] / 1500 == pytest.approx(0.25, abs=0.04)
    assert counts[2] / 1500 == pytest.approx(0.55, abs=0.04)
    room = [plan for plan in plans if sum(thing.picture is not None for thing in plan.things) < 3]
    unseen = sum(any(thing.picture is None for thing in plan.things) for plan in room)
    assert unseen / len(room) == pytest.approx(0.3, abs=0.04)
    others = [thing for plan in plans for thing in plan.things[1:] if thing.picture]
    assert sum(thing.source is None for thing in others) / len(others) == pytest.approx(0.2, abs=0.04)
    for plan in plans:
        assert plan.heard
        assert len({thing.label for thing in plan.things}) == len(plan.things)
        for thing in plan.things:
            for material in (thing.picture, thing.source):
                assert material is None or (material.part, material.label) == (plan.part, thing.label)
            assert -28 <= thing.level_db <= -18


def test_a_plan_is_the_same_for_the_same_seed_and_number(found: dict[str, Material]) -> None:
    settings = MadeSettings()
    assert decide(7, 1, settings, found) == decide(7, 1, settings, found)
    assert len({str(decide(7, seed, settings, found).things) for seed in range(5)}) > 1


def test_shares_that_do_not_add_up_are_a_sentence() -> None:
    with pytest.raises(SettingsError, match="expected shares of at least 0 that add up to 1"):
        MadeSettings.parse({"objects": (0.5, 0.2)})


# What is heard


def test_tracks_have_their_levels_and_stay_below_full_scale() -> None:
    loud, soft = tone(440, 1.0), 0.01 * tone(1000, 1.0)
    first, second = mix([loud, soft], [-20.0, -30.0], RATE_HZ)
    assert len(first) == len(second) == RATE_HZ
    assert active_level_db(first / np.float32(32767), RATE_HZ) == pytest.approx(-20, abs=0.05)
    assert active_level_db(second / np.float32(32767), RATE_HZ) == pytest.approx(-30, abs=0.05)
    click = np.zeros(SOUND_HZ, np.float32)
    click[2000] = 1.0
    tracks = mix([click, tone(440, 1.0)], [-5.0, -5.0], RATE_HZ)
    assert np.abs(np.sum(tracks, axis=0, dtype=np.int32)).max() <= 0.9 * 32767 + 2
    levels = [active_level_db(track / np.float32(32767), RATE_HZ) for track in tracks]
    assert levels[0] == pytest.approx(levels[1], abs=0.2)


def test_every_kind_of_source_fills_the_length(home: Path, found: dict[str, Material], tmp_path: Path) -> None:
    programs = {name: str(home / "bin" / name) for name in made.SYNTHESIZERS}
    for here in found.values():
        for source in (each for sources in here.sources.values() for each in sources):
            sound = perform(source, np.random.default_rng(0), 4.0, home / "packages", programs)
            assert sound.shape == (4 * SOUND_HZ,)
            assert np.abs(sound[SOUND_HZ:]).max() > 0.01
    kit = next(iter(ACOUSTIC_KITS["train"]))
    folder = tmp_path / KIT_FOLDER / kit
    folder.mkdir(parents=True)
    soundfile.write(folder / "Kick.wav", 0.3 * tone(80, 0.2), SOUND_HZ)
    (folder / "drumkit.xml").write_text(
        "<kit><instrument><name>Kick</name><filename>Kick.wav</filename></instrument></kit>"
    )
    (source,) = sounds.find_sounds(tmp_path, {})
    assert (source.label, source.part, source.name) == ("drum", "train", kit)
    drums = perform(source, np.random.default_rng(0), 4.0, tmp_path, programs)
    assert sum(np.abs(part).max() > 0.1 for part in np.array_split(drums, 4)) == 4


def test_patches_play_the_instruments_they_have(tmp_path: Path, home: Path) -> None:
    played = [source for source in sounds.find_sounds(home / "packages", {}) if source.font is sounds.FREEPATS]
    labels = {source.label for source in played}
    assert {source.part for source in played} == {"train"}
    assert labels >= {"violin", "piano", "saxophone"}
    assert not labels & {"banjo", "harmonica", "marimba", "drum"}
    (tmp_path / "timidity").write_text(f"#!{sys.executable} -S\nraise SystemExit('no such patch')\n")
    (tmp_path / "timidity").chmod(0o755)
    with pytest.raises(AudioError, match=r"timidity could not render with it .*no such patch"):
        timidity.render(str(tmp_path / "timidity"), home / "packages", b"")
    with pytest.raises(DatasetError, match=r"freepats: expected etc/timidity/freepats.cfg in "):
        timidity.render(str(tmp_path / "timidity"), tmp_path, b"")


def test_what_has_a_part_of_its_own_moves_nothing_else(tmp_path: Path) -> None:
    """Old results on the test part must stay comparable when a recording joins."""
    (tmp_path / sounds.PRESENT["tuxpaint-stamps-default"]).mkdir(parents=True)
    before = {source.name: source.part for source in sounds.find_sounds(tmp_path, {})}
    (tmp_path / sounds.PRESENT["scratch"]).mkdir(parents=True)
    after = {source.name: source.part for source in sounds.find_sounds(tmp_path, {})}
    assert {name: after[name] for name in before} == before
    assert {after[name] for name in after.keys() - before} == {"train"}
    assert before["tuxpaint-cat"] == "train"


# What is seen


@pytest.mark.parametrize("side_by_side", [True, False])
def test_each_picture_is_seen_where_it_should_be(side_by_side: bool) -> None:
    colours = [np.full((90, 120, 4), (*colour, 255), np.uint8) for colour in COLOURS.values()]
    rng = np.random.default_rng(0)
    shown = np.stack(list(frames(colours, (96, 64), (50, 10.0), side_by_side, rng))).astype(int)
    assert shown.shape == (50, 64, 96, 3)
    main = shown.argmax(axis=-1)  # which of red, green and blue
    if side_by_side:
        for column, expected in ((10, 0), (48, 1), (86, 2)):
            assert (main[:, :, column] == expected).all()
    else:
        order = [int(np.unique(frame)[0]) for frame in main]
        assert all(len(np.unique(frame)) == 1 for frame in main)
        assert sorted(set(order)) == [0, 1, 2]
        assert order == sorted(order)
        assert min(Counter(order).values()) >= 15  # 3 s


def test_a_cut_out_is_whole_and_near_the_middle() -> None:
    cut_out = np.zeros((100, 40, 4), np.uint8)
    cut_out[20:80, 5:35] = (200, 0, 0, 255)
    for seed in range(10):
        picture = view(cut_out, 96, 64, np.random.default_rng(seed)).at(0.0, 96, 64).astype(int)
        red = picture[..., 0] - picture[..., 1] > 80
        rows, columns = np.nonzero(red)
        assert red[0].sum() == red[-1].sum() == 0
        assert 24 < columns.mean() < 72
        assert len(rows) > 300
    assert shots(2, 10.0, np.random.default_rng(0))[0] == pytest.approx(5, abs=2.0)


# Whole videos


def read_sound(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])


def test_tracks_add_up_to_the_sound(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.main([*command, "--videos", "10", "--set", "unseen=0.9"]) == 0
    assert "10 videos in" in capsys.readouterr().out
    out = tmp_path / "out"
    truths = made_videos.truths(out)
    assert Counter(truth.video.part for truth in truths) == {"train": 7, "test": 2, "validation": 1}
    assert any("unseen" in truth.tracks for truth in truths)
    for truth in truths:
        tracks = [soundfile.read(path, dtype="int16")[0] for path in truth.tracks.values()]
        assert all(len(track) == 3 * RATE_HZ and track.any() for track in tracks)
        assert np.array_equal(np.sum(tracks, axis=0, dtype=np.int32), read_sound(truth.video.path))
        with av.open(str(truth.video.path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 6
            assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 64)
    assert made_videos.check(out).ok
    text = (out / "LICENCES.md").read_text(encoding="utf-8")
    assert "fluid-soundfont-gm" in text
    assert "pictures/" in text


def test_the_same_command_goes_on_and_gives_the_same(command: list[str], tmp_path: Path) -> None:
    assert made.main([*command, "--videos", "3"]) == 0
    out = tmp_path / "out"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.suffix in {".mkv", ".flac"}}
    times = {path: path.stat().st_mtime_ns for path in before}
    victim = min(path for path in before if path.suffix == ".mkv")
    victim.unlink()
    (out / ".partial" / "00001").mkdir(parents=True)  # what a killed run leaves
    assert made.main([*command, "--videos", "4", "--jobs", "2"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    remade = {path for path in before if path.stat().st_mtime_ns != times[path]}
    assert remade == {path for path in before if path.stem.startswith(victim.stem)}
    assert len(made_videos.videos(out).videos) == 4
    assert not (out / ".partial").exists()
    assert made.main([*command, "--videos", "2"]) == 0  # asks for less: what is there stays listed
    assert len(json.loads((out / "made.json").read_text(encoding="utf-8"))["videos"]) == 4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["--set", "silent=0.5"], "holds videos made with other settings (settings)"),
        (["--seed", "1"], "holds videos made with other settings (seed)"),
        (["--set", "loud=1"], "unknown key 'loud'"),
        (["--videos", "0"], "--videos 0: must be at least 1"),
        (["--sounds", "folder"], "expected DATASET=FOLDER"),
        (["--sounds", "esc5=x"], "unknown data set 'esc5'"),
        (["--pictures", "nowhere"], "no such folder"),
    ],
)
def test_mistakes_are_sentences(
    command: list[str], changed: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made.main([*command, "--videos", "1"]) == 0
    assert made.main([*command, "--videos", "1", *changed]) == 2
    assert words in capsys.readouterr().err


def test_too_few_objects_are_a_sentence(home: Path) -> None:
    with pytest.raises(DatasetError, match="the train videos have pictures and sounds of 0 of the objects"):
        materials(pictures.find_pictures(home / "pictures", None), [])


def test_a_broken_picture_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "0486_cello.jpg").write_bytes(b"no picture")
    (picture,) = pictures.find_pictures(tmp_path, None)
    with pytest.raises(DatasetError, match=r"0486_cello\.jpg: not a picture"):
        pictures.read_picture(picture)
