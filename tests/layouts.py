"""Tiny copies of every data set's layout, generated: a few short tones each, under the published names.

`LAYOUTS` has at least one layout for each data set, `SONG_LAYOUTS` for each of songs, `VIDEO_LAYOUTS` for each of
videos; `write_layout(name, root)` writes it into the empty folder `root`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from songs import TRACKS, stems, write_folder, write_stem_mp4
from tiny_videos import write_video

RATE_HZ = 8000
FRAMES = 80


def write_tone(path: Path, channels: int = 1) -> Path:
    """Write a hundredth of a second of a tone, another one in each channel; parents are made."""
    time = np.arange(FRAMES) / RATE_HZ
    audio = np.stack([0.1 * np.sin(2 * np.pi * 400 * (1 + channel) * time) for channel in range(channels)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, RATE_HZ)
    return path


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV table; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


ESC50_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC50_CATEGORIES = {0: ("dog", True), 1: ("rooster", True), 14: ("chirping_birds", False)}


def esc50(root: Path, *, suffix: str = ".wav") -> None:
    """Two recordings of three classes in each of five folds, and source 209698 in folds 4 and 5 as published."""
    rows = [
        _esc50_row(fold, 100000 + 1000 * fold + 10 * target + index, "A", target)
        for fold in range(1, 6)
        for target in ESC50_CATEGORIES
        for index in range(2)
    ]
    rows.append(_esc50_row(4, 209698, "A", 14))
    rows.append(_esc50_row(5, 209698, "B", 14))
    write_table(root / "meta" / "esc50.csv", ESC50_COLUMNS, rows)
    for row in rows:
        write_tone(root / "audio" / Path(row[0]).with_suffix(suffix))


def _esc50_row(fold: int, source: int, take: str, target: int) -> tuple[str, int, int, str, bool, int, str]:
    category, esc10 = ESC50_CATEGORIES[target]
    return (f"{fold}-{source}-{take}-{target}.wav", fold, target, category, esc10, source, take)


TRAIN_ROWS: tuple[tuple[str, str, int, int, str], ...] = (
    ("00044347.wav", "Hi-hat", 0, 28739, "Attribution"),
    ("001ca53d.wav", "Saxophone", 1, 358827, "Creative Commons 0"),
    ("002d256b.wav", "Trumpet", 0, 10897, "Attribution"),
    ("0033e230.wav", "Hi-hat", 1, 28739, "Attribution"),
)
TEST_ROWS: tuple[tuple[str, str, str, int, str], ...] = (
    ("00326aa9.wav", "Oboe", "Private", 355125, "Attribution"),
    ("0038a046.wav", "Bass_drum", "Public", 90621, "Creative Commons 0"),
)
PADDING_ROWS = (("00063640.wav", "None", "Ignored", "", ""),)


FSD_TRAIN_COLUMNS = ("fname", "label", "manually_verified", "freesound_id", "license")
FSD_TEST_COLUMNS = ("fname", "label", "usage", "freesound_id", "license")


def fsdkaggle2018_zenodo(root: Path) -> None:
    """The layout of the Zenodo archives."""
    meta = root / "FSDKaggle2018.meta"
    write_table(meta / "train_post_competition.csv", FSD_TRAIN_COLUMNS, TRAIN_ROWS)
    write_table(meta / "test_post_competition_scoring_clips.csv", FSD_TEST_COLUMNS, TEST_ROWS)
    for name in [row[0] for row in TRAIN_ROWS]:
        write_tone(root / "FSDKaggle2018.audio_train" / name)
    for name in [row[0] for row in TEST_ROWS]:
        write_tone(root / "FSDKaggle2018.audio_test" / name)


def fsdkaggle2018_kaggle(root: Path) -> None:
    """The layout of the competition, with the padding among the test clips and no Freesound ids for training."""
    write_table(root / "train.csv", FSD_TRAIN_COLUMNS[:3], [row[:3] for row in TRAIN_ROWS])
    write_table(root / "test_post_competition.csv", FSD_TEST_COLUMNS, [*TEST_ROWS, *PADDING_ROWS])
    for name in [row[0] for row in TRAIN_ROWS]:
        write_tone(root / "audio_train" / name)
    for name in [row[0] for row in (*TEST_ROWS, *PADDING_ROWS)]:
        write_tone(root / "audio_test" / name)


def reverb_noise(root: Path) -> None:
    """All 30 eight-channel noises of the development and evaluation rooms, and an impulse response beside them."""
    for room in (1, 2, 3):
        for number in range(1, 11):
            write_tone(root / "NOISE" / f"Noise_SimRoom{room}_{number}.wav", channels=8)
    write_tone(root / "RIR" / "RIR_SimRoom1_near_AnglA.wav", channels=8)


def reverb_noise_openslr(root: Path) -> None:
    """A few of the noises under the names of OpenSLR 28, among other noises and impulse responses."""
    folder = root / "real_rirs_isotropic_noises"
    for name in ("RVB2014_type1_noise_largeroom1_1", "RVB2014_type2_noise_simroom3_10"):
        write_tone(folder / f"{name}.wav", channels=8)
    for name in ("RWCP_type5_noise_cirline_ofc_ambient1", "RVB2014_type1_rir_largeroom1_near_angla"):
        write_tone(folder / f"{name}.wav", channels=8)


def noises(root: Path) -> None:
    """All 100 nonspeech sounds."""
    for number in range(1, 101):
        write_tone(root / f"n{number}.wav")


def mir1k(root: Path) -> None:
    """Two clips of three singers in stereo."""
    for singer in ("abjones", "Ani", "leon"):
        for clip in (1, 2):
            write_tone(root / "Wavfile" / f"{singer}_1_{clip:02d}.wav", channels=2)


def folder(root: Path) -> None:
    """Two classes with recordings on their own, in groups by name and by folder, and files that are no recordings."""
    for name in ("Dog/bark.wav", "Dog/Howl.WAV", "Dog/kitchen__1.wav", "Dog/kitchen__2.flac", "Dog/garden/1.wav"):
        write_tone(root / name)
    for name in ("door bell/a.ogg", "door bell/garden/1.wav", "door bell/.hidden.wav", ".trash/b.wav", "loose.wav"):
        write_tone(root / name)
    (root / "Dog" / "notes.txt").write_text("not a sound")
    (root / "empty").mkdir()


def noise_folder(root: Path) -> None:
    """Recordings straight in the folder, in a group by name and by sub-folder, and one that is hidden."""
    for name in ("street.WAV", "market__1.wav", "market__2.wav", "park/1.wav", "park/2.wav", "._street.wav"):
        write_tone(root / name)


def gtzan(root: Path, *, home: str = "genres", suffix: str = ".wav") -> None:
    """All 1,000 tracks, copies of one tone, and lists that name three of them."""
    names = [f"{genre}.{number:05d}" for genre in GTZAN_GENRES for number in range(100)]
    tone = write_tone(root / f"tone{suffix}")
    content = tone.read_bytes()
    tone.unlink()
    for name in names:
        folder = root / home / (name.partition(".")[0] if home != "." else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}{suffix}").write_bytes(content)
    (root / "split").mkdir()
    for part, name in zip(("train", "valid", "test"), names, strict=False):
        (root / "split" / f"{part}_filtered.txt").write_text(f"blues/{name}.wav\n")


GTZAN_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")

LAYOUTS: dict[str, dict[str, Callable[[Path], None]]] = {
    "esc10": {"github": esc50},
    "esc50": {"github": esc50, "ogg": lambda root: esc50(root, suffix=".ogg")},
    "folder": {"sub-folders": folder},
    "fsdkaggle2018": {"zenodo": fsdkaggle2018_zenodo, "kaggle": fsdkaggle2018_kaggle},
    "gtzan": {"genres": gtzan, "flat": lambda root: gtzan(root, home=".", suffix=".au")},
    "mir1k": {"wavfile": mir1k},
    "noise_folder": {"mixed": noise_folder},
    "noises": {"flat": noises},
    "reverb_noise": {"challenge": reverb_noise, "openslr": reverb_noise_openslr},
}


MUSDB18_SONGS = ("train/Leaf - Wicked", "train/Leaf - Summerghost", "test/Zeno - Signs")
"""One song of each part, two of them by one artist."""


def musdb18(root: Path) -> None:
    """A song of each part, copies of one short file with five tracks, and what is no song."""
    first, *others = (root / f"{name}.stem.mp4" for name in MUSDB18_SONGS)
    made = stems(2 * FRAMES)
    write_stem_mp4(first, [made[name] for name in TRACKS])
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(first.read_bytes())
    (root / "test" / "._Zeno - Signs.stem.mp4").write_bytes(b"hidden")
    (root / "README.md").write_text("not a song")


def musdb18hq(root: Path) -> None:
    """A song of each part as folders."""
    for seed, name in enumerate(MUSDB18_SONGS):
        write_folder(root / name, stems(FRAMES, seed=seed))


def own_songs(root: Path) -> None:
    """Two songs with some of the stems, one of them with a mixture, and what is no song."""
    made = stems(FRAMES)
    write_folder(root / "The Band - First", {name: made[name] for name in ("vocals", "drums", "mixture")})
    write_folder(root / "Nobody - Second", {"Bass": made["bass"], "click": made["other"]})
    write_folder(root / ".trash", made)
    (root / "notes").mkdir()


def own_songs_in_parts(root: Path) -> None:
    """A song in each of two parts and one outside of them."""
    for folder in ("train/A - 1", "test/B - 1", "C - 1"):
        write_folder(root / folder, {"vocals": stems(FRAMES)["vocals"]})


SONG_LAYOUTS: dict[str, dict[str, Callable[[Path], None]]] = {
    "musdb18": {"zenodo": musdb18, "in a folder": lambda root: musdb18(root / "musdb18")},
    "musdb18hq": {"zenodo": musdb18hq},
    "stems": {"flat": own_songs, "parts": own_songs_in_parts},
}


AUDIOSET_ROWS = {
    "balanced_train_segments.csv": (
        ("--aaaaaaaaa", 30, "/m/0bt9lr,/m/01b_21"),
        ("_bbbbbbbbbb", 0, "/m/07y_7,/m/05r5c"),
        ("ccccccccccc", 10, "/m/09x0r"),  # speech
    ),
    "unbalanced_train_segments.csv": (("Yddddddddd0", 40, "/m/01yrx"), ("eeeeeeeeeee", 20, "/m/01yrx")),
    "eval_segments.csv": (("fffffffffff", 12, "/m/0k4j"), ("eeeeeeeeeee", 50, "/m/01yrx")),
}


def audioset(root: Path) -> None:
    """The three tables, and the pieces of all but one row that has an object, named as several programs do."""
    root.mkdir(parents=True, exist_ok=True)
    for name, rows in AUDIOSET_ROWS.items():
        lines = ["# Segments csv created Sun Mar  5 10:54:31 2017", "# num_ytids=2", "# YTID, start, end, labels"]
        lines += [f'{youtube_id}, {start}.000, {start + 10}.000, "{mids}"' for youtube_id, start, mids in rows]
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("dog/--aaaaaaaaa_30.mkv", "Y_bbbbbbbbbb.mkv", "ccccccccccc.mkv", "train/Yddddddddd0_40000_50000.mkv"):
        write_video(root / "videos" / name)
    write_video(root / "videos" / "eval" / "fffffffffff_12.000.mkv")
    write_video(root / "videos" / "eeeeeeeeeee_20.0-30.0.mkv")


def own_videos(root: Path) -> None:
    """Videos with and without known objects, two of one name, one in a folder that says its part."""
    names = ("holiday.mkv", "garden/1.mkv", "garden/2.mkv", "Violin+Piano/duo.mkv", "dog/park/1.mkv", "test/sea/1.mkv")
    for name in names:
        write_video(root / name)
    write_video(root / ".trash" / "old.mkv")
    (root / "notes.txt").write_text("not a video")


def made_videos(root: Path) -> None:
    """Three made videos, of which one is not made yet."""
    rows = [
        {"name": "00000", "part": "train", "duration_s": 0.4, "seen": ["violin", "dog"], "heard": ["violin"]},
        {"name": "00004", "part": "test", "duration_s": 0.4, "seen": ["cat"], "heard": ["cat", "unseen"]},
        {"name": "00008", "part": "validation", "duration_s": 0.4, "seen": ["cat"], "heard": ["cat"]},
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "made.json").write_text(json.dumps({"format": "soundsieve-made-1", "videos": rows}), encoding="utf-8")
    for part, name, tracks in (("train", "00000", ["violin"]), ("test", "00004", ["cat", "unseen"])):
        write_video(root / part / f"{name}.mkv")
        for track in tracks:
            write_tone(root / part / f"{name}.{track}.flac")


VIDEO_LAYOUTS: dict[str, dict[str, Callable[[Path], None]]] = {
    "audioset": {"flat": audioset, "in a folder": lambda root: audioset(root / "csv")},
    "made_videos": {"made": made_videos},
    "video_folder": {"own": own_videos},
}


def write_layout(name: str, root: Path, *, variant: str | None = None) -> Path:
    """Write a tiny copy of the data set `name` into `root` and return it; the first variant unless one is named."""
    variants = {**LAYOUTS, **SONG_LAYOUTS, **VIDEO_LAYOUTS}[name]
    root.mkdir(parents=True, exist_ok=True)
    variants[variant or next(iter(variants))](root)
    return root
