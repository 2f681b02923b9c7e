"""The training material's own parts: MIDI bytes, phrases, the names of drums, archives, and tidy clips."""

from __future__ import annotations

import csv
import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundsieve.errors import DatasetError, MissingExtraError, OutputError
from soundsieve.recipes import clips
from soundsieve.recipes.select import drums, effects, fluidsynth, material, phrases
from soundsieve.recipes.select.phrases import Control, Note

RATE_HZ = 44100


def read_midi(data: bytes) -> list[tuple[int, bytes]]:
    """Read a one-track MIDI file back as (tick, message), written apart from the writer."""
    assert data[:8] == b"MThd\x00\x00\x00\x06"
    kind, tracks, division = struct.unpack(">HHH", data[8:14])
    assert (kind, tracks, division) == (0, 1, 1000)
    assert data[14:18] == b"MTrk"
    assert struct.unpack(">I", data[18:22])[0] == len(data) - 22
    events, at, tick = [], 22, 0
    while at < len(data):
        delta = 0
        while data[at] & 0x80:
            delta, at = (delta | data[at] & 0x7F) << 7, at + 1
        delta, at = delta | data[at], at + 1
        tick += delta
        size = 3 + data[at + 2] if data[at] == 0xFF else 2 if data[at] >> 4 == 0xC else 3
        events.append((tick, data[at : at + size]))
        at += size
    return events


def test_midi_holds_every_note_at_its_millisecond() -> None:
    notes = [Note(0.0, 0.5, 60, 100), Note(1.234, 20.0, 64, 7)]
    events = read_midi(phrases.midi_bytes(notes, [Control(0.75, 91, 30)], program=42, channel=2))
    assert events == [
        (0, b"\xff\x51\x03\x0f\x42\x40"),  # a quarter note of one second
        (0, b"\xc2\x2a"),
        (0, b"\x92\x3c\x64"),
        (500, b"\x82\x3c\x00"),
        (750, b"\xb2\x5b\x1e"),
        (1234, b"\x92\x40\x07"),
        (21234, b"\x82\x40\x00"),
        (21234, b"\xff\x2f\x00"),
    ]


def test_a_repeated_key_ends_before_it_starts_again() -> None:
    events = read_midi(phrases.midi_bytes([Note(0.0, 1.0, 60, 90), Note(1.0, 1.0, 60, 90)]))
    assert [message[0] >> 4 for tick, message in events if tick == 1000] == [0x8, 0x9]


@pytest.mark.parametrize(
    ("value", "written"),
    [(0x7F, "7f"), (0x80, "8100"), (0x2000, "c000"), (0x1FFFFF, "ffff7f"), (0x8000000, "c0808000")],
)
def test_variable_length_follows_the_standard(value: int, written: str) -> None:
    assert phrases.variable_length(value).hex() == written


@pytest.mark.parametrize("instrument", phrases.INSTRUMENTS, ids=lambda i: f"{i.label}-{i.program}")
def test_phrases_stay_in_range_and_in_their_spans(instrument: phrases.Instrument) -> None:
    notes, controls, spans = phrases.session(instrument, 25, np.random.default_rng(3))
    assert len(spans) == 25
    for note in notes:
        assert instrument.lowest <= note.key <= instrument.highest
        assert 25 <= note.velocity <= 127
    for span in spans:
        inside = [n for n in notes if span.start_s <= n.start_s < span.start_s + span.length_s]
        assert inside, "a clip without a note would be silent"
        assert max(n.start_s + n.length_s for n in inside) <= span.start_s + span.length_s
    gaps_s = [b.start_s - a.start_s - a.length_s for a, b in itertools.pairwise(spans)]
    assert min(gaps_s) == pytest.approx(phrases.GAP_S)
    assert all(0 <= control.value <= 127 and control.start_s >= 0 for control in controls)


def test_phrases_are_repeatable_and_differ_between_seeds() -> None:
    guitar = phrases.INSTRUMENTS[0]
    again = [phrases.session(guitar, 4, np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    assert again[0] == again[1]
    assert again[0] != again[2]


def test_only_the_guitar_strums() -> None:
    for instrument in phrases.INSTRUMENTS:
        notes, _, _ = phrases.session(instrument, 30, np.random.default_rng(0))
        ends = sorted((n.start_s, n.start_s + n.length_s) for n in notes)
        together = sum(a[1] > b[0] + 0.05 for a, b in itertools.pairwise(ends))
        assert (together > 20) == (instrument.label == "acoustic_guitar"), instrument


@pytest.mark.parametrize(
    ("name", "file_name", "label"),
    [
        ("BassDrum", "BD_08.aiff", "bass_drum"),
        ("Pearl Kick", "PearlKick-Hard.wav", "bass_drum"),
        ("c3 - bass drum 1", "beats_06-38.flac", "bass_drum"),
        ("Snare Roll", "SN3_04.aiff", "snare_drum"),
        ("redo super opaco", "snare-opaque-2mics_normal-shot1.flac", "snare_drum"),
        ('Hi-Hat Closed (Paiste Alpha Metal edge 14")', "HiHatClosed-0.wav", "hi_hat"),
        ("Open HH", "ho_01.flac", "hi_hat"),
        ("VariBreaks Hat 1 Pd", "VP Hat 1 Pd.flac", "hi_hat"),
        ("Snare1", "snare-opaque-normal-mic-rimshot7.flac", None),
        ("Pearl Snare Rimshot", "PearlSnareRimshot-Med.wav", None),
        ("Snare Rimshot (Pearl)", "SnareRim-0.wav", None),
        ("Pearl Side Stick", "PearlSideStick-Soft.wav", None),
        ("Rim Click", "RimClick-0.wav", None),
        ("Hand Clap", "clap_01.flac", None),
        ("Sabian Hat Swish", "SabianHatSwish-Soft.wav", None),
        ("Djembe1 Bass", "Djembe1 Bass.wav", None),
        ("Ride Jazz", "ride1.flac", None),
        ("Floor Tom", "TM2_08.aiff", None),
        ("17", "emptySample.flac", None),
        ("that chat", "that.wav", None),
    ],
)
def test_drum_names(name: str, file_name: str, label: str | None) -> None:
    assert drums.drum_class(name, file_name) == label


def write_wave(path: Path, length_s: float = 0.3, level: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).uniform(-level, level, round(length_s * RATE_HZ))
    soundfile.write(path, noise, RATE_HZ)


def write_kit(folder: Path) -> None:
    for name in ("SnareSoft.wav", "SnareHard.wav", "Kick.wav", "Tom.wav"):
        write_wave(folder / name)
    (folder / "drumkit.xml").write_text(
        '<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit" xsi:x="1"><instrumentList>'
        "<instrument><name>Snare</name>"
        "<layer><filename>SnareSoft.wav</filename><min>0</min><max>0.5</max></layer>"
        "<layer><filename>SnareHard.wav</filename><min>0.5</min><max>1</max></layer>"
        "<layer><filename>gone.wav</filename><min>0.5</min><max>1</max></layer></instrument>"
        "<instrument><name>Kick</name><filename>Kick.wav</filename></instrument>"
        "<instrument><name>Tom</name><filename>Tom.wav</filename></instrument>"
        "</instrumentList></drumkit_info>"
    )


def test_a_kit_is_read_with_and_without_layers(tmp_path: Path) -> None:
    write_kit(tmp_path)
    kit = drums.read_kit(tmp_path)
    assert [[layer.path.name for layer in layers] for layers in kit["snare_drum"]] == [
        ["SnareSoft.wav", "SnareHard.wav"]
    ]
    assert kit["snare_drum"][0][1].softest == 0.5
    assert [[layer.path.name for layer in layers] for layers in kit["bass_drum"]] == [["Kick.wav"]]
    assert set(kit) == {"snare_drum", "bass_drum"}


def test_a_broken_kit_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"drumkit\.xml"):
        drums.read_kit(tmp_path)
    (tmp_path / "drumkit.xml").write_text("<drumkit_info>")
    with pytest.raises(DatasetError, match="not valid XML"):
        drums.read_kit(tmp_path)


def test_patterns_are_one_to_eight_hits_in_order() -> None:
    patterns = [drums.pattern(np.random.default_rng(seed)) for seed in range(200)]
    counts = [len(hits) for hits in patterns]
    assert min(counts) == 1
    assert max(counts) == 8
    for hits in patterns:
        assert all(a.start_s < b.start_s for a, b in itertools.pairwise(hits))
        assert all(0.1 <= hit.loudness <= 1.0 and hit.start_s < 5.0 for hit in hits)


def test_a_hit_takes_the_layer_of_its_loudness_and_a_hi_hat_is_choked() -> None:
    soft, hard = np.full(4000, 0.25, np.float32), np.full(4000, 1.0, np.float32)
    layers = [(soft, 0.0, 0.5), (hard, 0.5, 1.0)]
    hits = [drums.Hit(0.1, 0.4), drums.Hit(0.3, 0.8)]
    free = drums.play(layers, hits, 10000)
    choked = drums.play(layers, hits, 10000, choke=True)
    assert free[1500] == pytest.approx(0.25 * 0.4)
    assert free[3500] == pytest.approx(0.25 * 0.4 + 1.0 * 0.8)
    assert choked[3500] == pytest.approx(1.0 * 0.8)


def test_tidy_trims_levels_and_refuses_silence() -> None:
    time_s = np.arange(22050) / 22050
    tone = (0.01 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32)
    rumble = np.float32(0.05) * np.ones(3 * 22050, np.float32)  # an offset, as cheap recorders leave
    rumble[22050:44100] += tone
    clip = clips.tidy(rumble, 22050, lowest_hz=60.0)
    assert clip is not None
    assert np.abs(clip).max() == pytest.approx(clips.PEAK, rel=1e-3)
    spectrum = np.abs(np.fft.rfft(clip))
    assert np.fft.rfftfreq(len(clip), 1 / RATE_HZ)[spectrum.argmax()] == pytest.approx(1000, abs=2)
    assert clips.tidy(np.full(5000, 1e-4, np.float32), 22050) is None


def opensfx_archive(sounds: list[tuple[str, bytes]]) -> bytes:
    """Return an OpenTTD archive, written from its format's description."""
    offset = 8 * len(sounds)
    table, body = b"", b""
    for name, data in sounds:
        text = name.encode() + b"\0"
        table += struct.pack("<II", (offset + len(body)) | 0x80000000, len(data))
        body += bytes([len(text)]) + text + data
    return table + body


def test_opensfx_gives_back_each_sound_and_credit(tmp_path: Path) -> None:
    sounds = [('"Cow". By A. License: CC0.', b"RIFF-one"), ('"Dog". By B.', b"RIFF-two-longer")]
    (tmp_path / "opensfx.cat").write_bytes(opensfx_archive(sounds))
    assert effects.read_opensfx(tmp_path / "opensfx.cat") == [(data, credit) for credit, data in sounds]


def qt_archive(folder: str, name: str, data: bytes, packed: bool) -> bytes:
    """Return a version-1 Qt resource archive with one file in one folder."""
    names, offsets = b"", []
    for text in (folder, name):
        offsets.append(len(names))
        names += struct.pack(">HI", len(text), 0) + text.encode("utf-16-be")
    content = struct.pack(">I", len(data)) + zlib.compress(data) if packed else data
    contents = struct.pack(">I", len(content)) + content
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", offsets[0], 2, 1, 2)
    tree += struct.pack(">IHHHI", offsets[1], int(packed), 0, 0, 0)
    at = 20
    header = b"qres" + struct.pack(">4I", 1, at, at + len(tree), at + len(tree) + len(contents))
    return header + tree + contents + names


@pytest.mark.parametrize("packed", [False, True])
def test_a_qt_archive_gives_back_its_files(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "farm.rcc"
    path.write_bytes(qt_archive("animals", "dog.ogg", b"OggS woof", packed))
    assert list(effects.read_rcc(path)) == [("animals/dog.ogg", b"OggS woof")]
    path.write_bytes(b"no archive")
    with pytest.raises(DatasetError, match="not a Qt resource archive"):
        list(effects.read_rcc(path))


def test_the_table_is_sound() -> None:
    rows = effects.read_table()
    assert len(set(rows)) == len(rows)
    for row in rows:
        assert row.package in effects.PRESENT
        assert row.package in material.LICENCES
        assert row.folder.count("/") == 1
        if row.package != "openttd-opensfx":  # whose archive carries a credit for every sound
            assert row.licence or row.package in {"tuxpaint-stamps-default", "minetest-data", "megaglest-data"}
    with effects.TABLE.open(newline="") as file:
        assert next(csv.reader(file)) == ["package", "sound", "folder", "licence"]


def test_material_from_a_kit_alone_needs_no_synthesizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    write_kit(tmp_path / "packages" / material.KIT_FOLDER / "Millo-Drums_v.1")
    collection = material.make_material(tmp_path / "packages", tmp_path / "out", clips=8)
    written = sorted((tmp_path / "out").rglob("*.ogg"))
    assert len(written) == len(collection.clips) == 8
    for path in written:
        sound, rate_hz = soundfile.read(path)
        assert rate_hz == RATE_HZ
        assert sound.ndim == 1
        assert 0.1 < np.abs(sound).max() < 1.0
    text = (tmp_path / "out" / "LICENCES.md").read_text()
    assert "GPL-2, Emiliano Grilli" in text
    assert "| snare_drum | 4 | 1 |" in text
    with pytest.raises(OutputError, match="is not empty"):
        material.make_material(tmp_path / "packages", tmp_path / "out")


def test_the_same_seed_gives_the_same_sounds(tmp_path: Path) -> None:
    write_kit(tmp_path / "packages" / material.KIT_FOLDER / "Millo-Drums_v.1")
    sounds = []
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        material.make_material(tmp_path / "packages", tmp_path / folder, seed=seed, clips=4)
        sounds.append([soundfile.read(path)[0] for path in sorted((tmp_path / folder).rglob("*.ogg"))])
    assert all(np.array_equal(a, b) for a, b in zip(sounds[0], sounds[1], strict=True))
    assert not all(np.array_equal(a, c) for a, c in zip(sounds[0], sounds[2], strict=True))


def test_mistakes_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "packages").mkdir()
    assert material.main(["--packages", str(tmp_path / "packages"), "--out", str(tmp_path / "out")]) == 2
    assert "holds none of the packages" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtraError, match="not on PATH"):
        fluidsynth.find_fluidsynth()
