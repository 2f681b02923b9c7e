"""Rendered songs: what is composed, which part hears what, the desk, and songs that are there whole or not at all.

A small program stands in for FluidSynth and noise for the recordings, so that nothing has to be fetched.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundsieve.datasets import stems as stems_dataset
from soundsieve.datasets.song import STEMS
from soundsieve.errors import DatasetError, OutputError
from soundsieve.recipes.clips import RATE_HZ
from soundsieve.recipes.select.fluidsynth import find_fluidsynth, render
from soundsieve.recipes.select.material import FONTS, KIT_FOLDER
from soundsieve.recipes.select.phrases import Note, midi_bytes
from soundsieve.recipes.unmix import harmony, kits, machines, mixdown, parts, processors, singing, songs, sources
from soundsieve.recipes.unmix.band import Song, decide
from soundsieve.recipes.unmix.beats import BEATS, PIECES, Stroke
from soundsieve.recipes.unmix.instruments import CHAINS, record
from soundsieve.recipes.unmix.scores import compose
from soundsieve.recipes.unmix.styles import PROGRESSIONS, ROLES, STYLES
from soundsieve.systems.release_card import licences_told

LENGTH_S = 6.0
VOICES_IN_GENERAL_MIDI = {52, 53, 54, 85, 91}  # choirs are vocals: nothing that accompanies may use them

SYNTHESIZER = f"""#!{sys.executable} -S
import array, sys, wave, zlib
out, score = sys.argv[sys.argv.index("-F") + 1], open(sys.argv[-1], "rb").read()
step = 200 + zlib.crc32(score) % 400
ramp = array.array("h", ((n // 2 * step * (1 + n % 2)) % 20000 - 10000 for n in range(2 * {round(LENGTH_S * RATE_HZ)})))
with wave.open(out, "wb") as file:
    file.setnchannels(2); file.setsampwidth(2); file.setframerate({RATE_HZ}); file.writeframes(ramp.tobytes())
"""


def tone(hz: float, length_s: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(length_s * rate_hz)) / rate_hz).astype(np.float32)


def level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def write_kit(folder: Path) -> None:
    folder.mkdir(parents=True)
    names = ("Kick", "Snare", "Hat Closed", "Hat Open", "Tom Low", "Crash", "Ride")
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).standard_normal(4000) * np.exp(-np.arange(4000) / 800) * 0.2
        soundfile.write(folder / f"{name}.wav", noise, RATE_HZ)
    rows = (f"<instrument><name>{name}</name><filename>{name}.wav</filename></instrument>" for name in names)
    (folder / "drumkit.xml").write_text(f"<drumkit_info>{''.join(rows)}</drumkit_info>")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages and MIR-1K as far as their names go, and a program called `fluidsynth`."""
    home = tmp_path_factory.mktemp("home")
    for font in FONTS:
        (home / "packages" / font.path).parent.mkdir(parents=True, exist_ok=True)
        (home / "packages" / font.path).write_bytes(b"a soundfont")
    every = (sources.ACOUSTIC_KITS, sources.ELECTRIC_KITS)
    for kit in (kit for by_part in every for names in by_part.values() for kit in names):
        write_kit(home / "packages" / KIT_FOLDER / kit)
    (home / "mir1k" / "Wavfile").mkdir(parents=True)
    for singer in (singer for names in sources.SINGERS.values() for singer in names):
        sound = np.stack([tone(1000, 1.5, 16000), 0.3 * tone(330, 1.5, 16000)], axis=1)
        soundfile.write(home / "mir1k" / "Wavfile" / f"{singer}_1_01.wav", sound, 16000)
    (home / "bin").mkdir()
    (home / "bin" / "fluidsynth").write_text(SYNTHESIZER)
    (home / "bin" / "fluidsynth").chmod(0o755)
    return home


@pytest.fixture
def job(home: Path, tmp_path: Path) -> songs.Job:
    found = sources.find_sources(home / "packages", home / "mir1k")
    return songs.Job(tmp_path / "out", 3, LENGTH_S, found, str(home / "bin" / "fluidsynth"))


# What is composed


def test_the_tables_name_what_there_is() -> None:
    for style in STYLES.values():
        assert set(style.beats) <= set(BEATS)
        assert set(style.bass) <= {*parts.BASS_PATTERNS, "walking"}
        assert {*style.roles, *style.leads} <= set(ROLES)
        for text in PROGRESSIONS[style.progressions]:
            assert harmony.progression(text, 0)
    for name, role in ROLES.items():
        assert role.manner in {*parts.CHORD_PATTERNS, "lead"}, name
        assert role.chain in CHAINS, name
        assert not set(role.programs) & VOICES_IN_GENERAL_MIDI, name


def test_every_pattern_fills_a_bar() -> None:
    for beat in BEATS.values():
        assert beat.backbeat in PIECES
        for pattern in (*beat.kick, *beat.snare, *beat.time):
            assert len(pattern) == 16
            assert set(pattern) <= set("Xxo.")
    for table, letters in ((parts.BASS_PATTERNS, "rftosa-."), (parts.CHORD_PATTERNS, "xXm0123-.")):
        for pattern in itertools.chain(*table.values()):
            assert len(pattern) == 16, pattern
            assert set(pattern) <= set(letters), pattern


def test_notes_lie_in_the_song_and_in_reach() -> None:
    without = {"bass": 0, "drums": 0, "vocals": 0}
    for seed in range(120):
        score = compose(20.0, np.random.default_rng(seed))
        tracks = [*([score.bass] if score.bass else []), *score.others]
        assert score.others
        for note in (note for track in tracks for take in track.takes for note in take):
            assert 0 <= note.start_s < note.start_s + note.length_s <= 20.0 + 1e-9
            assert 1 <= note.velocity <= 127
        for track in score.others:
            assert all(34 <= note.key <= 100 for note in track.takes[0]), (seed, track.name)
        if score.bass:
            assert all(24 <= note.key <= 64 for note in score.bass.takes[0]), seed
        assert list(score.strokes) == sorted(score.strokes)
        assert all(0 <= s.start_s < 20.0 and s.piece in PIECES and 0 < s.loudness <= 1 for s in score.strokes)
        assert all(span.start_s + span.length_s <= 20.0 + 1e-9 for span in score.sung)
        without["bass"] += score.bass is None
        without["drums"] += not score.strokes
        without["vocals"] += not score.sung
    assert 0 < without["bass"] < 15
    assert 0 < without["drums"] < 15
    assert 12 < without["vocals"] < 54


def test_a_bass_plays_the_root_of_every_bar_and_off_beats_swing() -> None:
    chords = harmony.progression("I vi IV V", 0)
    bars = [parts.Bar(4.0 * n, 4, tuple(bar), chords[(n + 1) % 4][0], n == 3, 0.8) for n, bar in enumerate(chords)]
    line = parts.bass_line(bars, ["r-r-.-.-.-.-.-.-"], 28, np.random.default_rng(0))
    firsts = [play.keys[0] % 12 for play in line if play.beat % 4 == 0]
    assert firsts == [0, 9, 5, 7]
    walked = parts.walking(bars, 28, 50, np.random.default_rng(1))
    assert [play.keys[0] % 12 for play in walked if play.beat % 4 == 0] == [0, 9, 5, 7]
    assert all(28 <= play.keys[0] <= 50 for play in walked)


# Which part hears what


def test_no_recording_is_named_in_two_parts() -> None:
    for table in (sources.SINGERS, sources.ACOUSTIC_KITS, sources.ELECTRIC_KITS):
        names = [name for part in sources.PARTS for name in table[part]]
        assert len(names) == len(set(names))
    assert sum(map(len, sources.SINGERS.values())) == 19
    # two fonts and a kit that share recordings
    assert "The Black Pearl 1.0" in sources.ACOUSTIC_KITS["test"]
    assert sources.CYCLE.count("train") == 10
    assert sources.CYCLE.count("validation") == sources.CYCLE.count("test") == 1


def test_songs_of_two_parts_share_no_kit_and_no_singer_and_the_test_no_soundfont(job: songs.Job) -> None:
    heard: dict[str, dict[str, set[str]]] = {kind: defaultdict(set) for kind in ("kit", "singer", "font")}
    for number in range(360):
        song = decide(number, 1, 8.0, job.sources)
        if song.kit.kind != "machine":
            heard["kit"][song.part].add(song.kit.font.samples if song.kit.font else song.kit.name)
        if song.singer:
            heard["singer"][song.part].add(song.singer)
        heard["font"][song.part] |= {font.samples for font in song.fonts}
    for kind in ("kit", "singer"):
        for one, other in itertools.combinations(sources.PARTS, 2):
            assert not heard[kind][one] & heard[kind][other], (kind, one, other)
    assert not heard["font"]["test"] & (heard["font"]["train"] | heard["font"]["validation"])
    assert {part: len(names) for part, names in heard["singer"].items()} == {"train": 12, "validation": 3, "test": 4}
    assert heard["kit"]["validation"] == set(sources.ACOUSTIC_KITS["validation"])
    assert heard["kit"]["test"] >= {"The Black Pearl 1.0", "rumpf_kit_z01_h2", "zeppelin", "timgm"}


@pytest.mark.shared_data
def test_every_singer_of_mir1k_is_in_a_part(shared_data: Path) -> None:
    from soundsieve.datasets import mir1k

    found = {clip.group for clip in mir1k.clips(shared_data / "mir1k")}
    assert found == {name for names in sources.SINGERS.values() for name in names}


def test_packages_that_are_not_there_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match="fluid-soundfont-gm or musescore-general-soundfont"):
        sources.find_sources(tmp_path, None)
    for arguments in (["--songs", "0"], ["--length", "nan"], ["--jobs", "0"]):
        assert songs.main(["--packages", str(tmp_path), "--out", str(tmp_path / "out"), *arguments]) == 2
        assert "must be at least" in capsys.readouterr().err


# Kits and the desk


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("c3 - bass drum 1", "kick"), ("Kick (Tama Superstar 22\")", "kick"), ("Snare Rimshot (Pearl)", None),
        ("Side Stick", "stick"), ("Pearl Tom Floor", "low_tom"), ("Tom Mid", "mid_tom"), ("Pearl Tom 1", "high_tom"),
        ("Closed HH", "hat"), ("Hi Hat Opened", "open_hat"), ("Sabian Hat Pedal", "pedal_hat"), ("Ride 2", "ride"),
        ("crash16inch", "crash"), ("Paiste Bell", "bell"), ("Cowbell", None), ("VariBreaks Drum 1", None),
    ],
)  # fmt: skip
def test_pieces_of_a_kit(name: str, piece: str | None) -> None:
    assert kits.piece_of(name) == piece


def test_strokes_sound_when_they_are_due_and_a_hi_hat_is_choked() -> None:
    ring = np.ones((1, 20_000), np.float32)
    kit = {"hat": [kits.Sample(ring, 0.0, 1.0)], "kick": [kits.Sample(ring[:, :100], 0.0, 1.0)]}
    strokes = [Stroke(0.1, "hat", 0.8), Stroke(0.2, "pedal_hat", 0.8), Stroke(0.5, "kick", 1.0)]
    dry = kits.play_kit(kit, strokes, RATE_HZ, np.random.default_rng(0)).dry
    starts = [round(stroke.start_s * RATE_HZ) for stroke in strokes]
    assert not dry[:, : starts[0]].any()
    first, second = np.abs(dry[:, starts[0] + 5]).max(), np.abs(dry[:, starts[1] + 2000]).max()
    assert second == pytest.approx(np.abs(dry[:, starts[1] + 4000]).max())
    assert second < first  # a pedal is softer, and the first stroke no longer sounds beside it
    assert np.abs(dry[:, starts[2] : starts[2] + 90]).max() > np.abs(dry[:, starts[2] - 90 : starts[2]]).max()


def test_machines_differ_and_sound() -> None:
    one, other = machines.machine_kit(np.random.default_rng(0)), machines.machine_kit(np.random.default_rng(1))
    for piece in PIECES:
        assert np.isfinite(one[piece]).all()
        assert np.abs(one[piece]).max() == pytest.approx(1.0)
        assert not np.array_equal(one[piece], other[piece])
    spectrum = np.abs(np.fft.rfft(one["kick"]))
    assert np.fft.rfftfreq(len(one["kick"]), 1 / RATE_HZ)[spectrum.argmax()] < 200


def test_filters_lift_and_cut_what_they_say() -> None:
    for filters, hz, gain_db in (
        ([processors.peaking(1000, 6.0, 1.0)], 1000, 6.0),
        ([processors.shelf(1000, -9.0, high=True)], 12_000, -9.0),
        ([processors.shelf(1000, 9.0, high=False)], 60, 9.0),
        ([processors.lowpass(1000, 2)], 1000, -3.0),
        ([processors.highpass(100, 2)], 5000, 0.0),
    ):
        sound = tone(hz)[None]
        change = level_db(processors.equalise(sound, filters)[:, 10_000:]) - level_db(sound[:, 10_000:])
        assert change == pytest.approx(gain_db, abs=0.15)


def test_a_balance_is_met() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 3 * RATE_HZ)).astype(np.float32)
    even = processors.equalise(noise, [processors.lowpass(300, 1)])
    wanted = processors.equalise(even, processors.balance(even, 3.0, -12.0, 20.0))
    bands = [(20, 200), (200, 3000), (3000, 16000)]
    found = []
    for sound in (even, wanted):
        power, hz = np.abs(np.fft.rfft(sound[0])) ** 2, np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
        low, middle, high = (10 * np.log10(power[(hz >= a) & (hz < b)].sum()) for a, b in bands)
        found.append((low - middle, high - middle))
    assert abs(found[1][0] - 3) < 2.5 < abs(found[0][0] - 3)
    assert abs(found[1][1] + 12) < 2.5


def test_a_compressor_evens_out_and_saturation_keeps_the_level() -> None:
    sound = np.concatenate([0.5 * tone(200), 0.05 * tone(200)])[None]
    gain = processors.compressor_gain(sound, -20.0, 4.0)
    squeezed = sound * gain
    loud, soft = squeezed[:, 20_000:44_000], squeezed[:, 64_000:88_000]
    # 20 dB become 20 − 11 · 3/4: the loud half is 11 dB above the threshold (a sine of amplitude 0.5 has −9 dB)
    assert level_db(loud) - level_db(soft) == pytest.approx(20 - 11 * 0.75, abs=0.5)
    bent = processors.saturate(tone(200)[None] * 0.1, 20.0)
    assert processors.active_level(bent) == pytest.approx(processors.active_level(tone(200)[None] * 0.1), rel=1e-3)
    assert np.abs(bent).max() / processors.active_level(bent) < 1.2  # nearly a square


def test_a_room_dies_away_as_long_as_it_says() -> None:
    response = processors.room(0.8, np.random.default_rng(0), early=0)
    left = np.cumsum(np.square(response[0, ::-1], dtype=np.float64))[::-1]
    decay_db = 10 * np.log10(left / left[0] + 1e-12)
    t5, t25 = (int(np.argmax(decay_db < fall)) / RATE_HZ for fall in (-5, -25))
    assert (t25 - t5) * 3 == pytest.approx(0.8, rel=0.2)


def test_two_takes_go_left_and_right_and_the_bass_stays_in_the_middle() -> None:
    takes = [np.tile(tone(hz, 0.5) * 0.1, (2, 1)) for hz in (220.0, 330.0)]
    wide, _ = record(takes, "distorted", np.random.default_rng(0))
    assert np.mean((wide[0] - wide[1]) ** 2) > 0.3 * np.mean((wide[0] + wide[1]) ** 2)
    for seed in range(10):
        bass, _ = record(takes[:1], "bass", np.random.default_rng(seed))
        np.testing.assert_allclose(bass[0], bass[1], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_the_master_is_one_gain_for_all_and_nothing_clips(seed: int) -> None:
    rng = np.random.default_rng(seed)
    length = 2 * RATE_HZ
    stems = {name: rng.standard_normal((2, length)).astype(np.float32) for name in STEMS}
    stems["vocals"] = np.zeros((2, length), np.float32)
    stems["drums"][:, 30_000:30_200] *= 30
    done = mixdown.master(stems, np.random.default_rng(seed))
    mixture = sum(done.values())
    assert 0.49 < max(np.abs(sound).max() for sound in (mixture, *done.values())) <= 0.995
    assert not done["vocals"].any()
    inside = slice(2000, length - 2000)
    gains = {name: (done[name] / stems[name])[:, inside] for name in ("bass", "drums", "other")}
    relative = gains["bass"] / gains["other"]
    assert np.ptp(relative) < 1e-3 * relative.mean()  # only the levels differ, at every sample
    assert gains["drums"].max() / gains["drums"].min() > 1.2  # the limiter did something


# Singing


def test_singing_stays_in_its_spans(job: songs.Job) -> None:
    clips = job.sources["train"].singers["amy"]
    voices, send = singing.sing(clips, [singing.Span(2.0, 3.0)], 6 * RATE_HZ, (0, False), np.random.default_rng(2))
    assert processors.active_level(voices) > 0.05
    assert not voices[:, : 2 * RATE_HZ - 1].any()
    assert not send[:, : 2 * RATE_HZ - 1].any()


def test_treble_continues_hiss_and_leaves_the_voice() -> None:
    def spectrum(sound: np.ndarray, hz: float) -> float:
        return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound))))[round(hz)])

    low, high = tone(500.0), tone(7000.0)
    wide = singing.with_treble(low + high, 8000.0, np.random.default_rng(0))
    assert spectrum(wide, 9000) > 0.1 * spectrum(high, 7000)  # 7 kHz below the edge of 8 kHz is 9 kHz above it
    assert spectrum(wide, 15_500) < 1e-3 * spectrum(low, 500)
    assert spectrum(wide, 500) == pytest.approx(spectrum(low, 500), rel=1e-3)


# Songs on disk


def one_of(job: songs.Job, numbers: range) -> Song:
    """The first song in which everybody plays."""
    decided = (decide(number, job.seed, job.length_s, job.sources) for number in numbers)
    return next(song for song in decided if song.singer and song.score.bass and song.score.strokes)


def test_a_song_is_four_stems_that_add_up(job: songs.Job) -> None:
    song = one_of(job, range(20))
    songs.make_song(job, song)
    (listed,) = stems_dataset.songs(job.out)
    assert listed.part == song.part
    assert listed.name == Path(song.folder).name
    read = [soundfile.read(job.out / song.folder / f"{name}.flac", always_2d=True) for name in STEMS]
    assert {rate_hz for _, rate_hz in read} == {RATE_HZ}
    assert {sound.shape for sound, _ in read} == {(round(LENGTH_S * RATE_HZ), 2)}
    assert all(np.abs(sound).max() > 0.01 for sound, _ in read)
    assert 0.3 < np.abs(sum(sound for sound, _ in read)).max() < 1.0
    described = json.loads((job.out / song.folder / "song.json").read_text())
    assert described["singer"] == song.singer
    assert described["silent"] == []
    assert described["instruments"][0]["name"] == "bass"


def test_songs_are_the_same_whatever_the_jobs_and_are_resumed(job: songs.Job, tmp_path: Path) -> None:
    first = dict(songs.make_songs(job, 1))
    assert list(first.values()) == [True]
    kept = {folder: (job.out / folder / "other.flac").stat().st_mtime_ns for folder in first}
    second = dict(songs.make_songs(job, 2))
    assert [second[folder] for folder in first] == [False]
    assert sum(second.values()) == 1
    assert kept == {folder: (job.out / folder / "other.flac").stat().st_mtime_ns for folder in first}
    other = songs.Job(tmp_path / "parallel", job.seed, job.length_s, job.sources, job.program)
    assert set(dict(songs.make_songs(other, 2, jobs=2))) == set(second)
    for folder, name in itertools.product(second, STEMS):
        one, two = (soundfile.read(out / folder / f"{name}.flac")[0] for out in (job.out, other.out))
        np.testing.assert_array_equal(one, two)
    assert "| singer | songs |" in (job.out / "LICENCES.md").read_text()
    licences = (job.out / "LICENCES.md").read_text()
    told = licences_told(job.out / "LICENCES.md")
    assert "MIT, Frank Wen and contributors" in told
    assert "The singing is from MIR-1K (Hsu and Jang, 2010), for research." in told
    assert set(dict(songs.make_songs(job, 1))) == set(first)
    assert (job.out / "LICENCES.md").read_text() == licences, "the second song is still there, and so are its sources"
    changed = songs.Job(job.out, job.seed + 1, job.length_s, job.sources, job.program)
    with pytest.raises(OutputError, match=r"other settings \(seed\)"):
        next(songs.make_songs(changed, 1))


def test_a_song_that_could_not_be_finished_is_not_there(job: songs.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    song = one_of(job, range(20))
    write = soundfile.write

    def fail_at_the_last(path: Path, *arguments: object, **options: object) -> None:
        if path.name == "vocals.flac":
            raise OSError("the disk is full")
        write(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(soundfile, "write", fail_at_the_last)
        with pytest.raises(OutputError, match="the disk is full"):
            songs.make_song(job, song)
    assert not (job.out / song.folder).exists()
    with pytest.raises(DatasetError, match="no songs here"):
        stems_dataset.songs(job.out)
    songs.make_song(job, song)
    assert len(stems_dataset.songs(job.out)) == 1


def test_the_command_reports_and_refuses_a_foreign_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    arguments = ["--packages", str(home / "packages"), "--length", "5", "--songs", "1", "--jobs", "1"]
    assert songs.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "1 songs in" in printed.out
    assert "1/1" in printed.err
    (song,) = stems_dataset.songs(tmp_path / "out")
    assert "Singer" not in song.name  # without MIR-1K nobody sings
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert songs.main([*arguments, "--out", str(tmp_path / "mine")]) == 2
    assert "holds something else" in capsys.readouterr().err


def test_fluidsynth_renders_two_channels() -> None:
    font = next((Path(root) for root in ("/usr/share/sounds/sf2/TimGM6mb.sf2",) if Path(root).is_file()), None)
    named = os.environ.get("SOUNDSIEVE_PACKAGES")
    if named:
        font = Path(named) / FONTS[2].path
    if shutil.which("fluidsynth") is None or font is None or not font.is_file():
        pytest.skip("needs fluidsynth and TimGM6mb, installed or below the folder that SOUNDSIEVE_PACKAGES names")
    sound = render(find_fluidsynth(), font, midi_bytes([Note(0.5, 1.0, 69, 100)], program=80), reverb=False)
    assert sound.shape[0] == 2
    assert not np.abs(sound[:, : round(0.45 * RATE_HZ)]).max() > 1e-4
    spectrum = np.abs(np.fft.rfft(sound[0, round(0.6 * RATE_HZ) : round(1.4 * RATE_HZ)]))
    hz = np.fft.rfftfreq(round(1.4 * RATE_HZ) - round(0.6 * RATE_HZ), 1 / RATE_HZ)[spectrum.argmax()]
    assert hz % 440 == pytest.approx(0, abs=5) or hz % 440 == pytest.approx(440, abs=5)
