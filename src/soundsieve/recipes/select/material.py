r"""Make training sounds for the selector out of public Debian packages.

    apt-get download fluid-soundfont-gm musescore-general-soundfont timgm6mb-soundfont avldrums.lv2-soundfont \
        hydrogen-drumkits openttd-opensfx tuxpaint-stamps-default gcompris-qt-data minetest-data \
        megaglest-data
    for package in *.deb; do dpkg-deb -x "$package" packages; done
    apt-get install fluidsynth
    python -m soundsieve.recipes.select.material --packages packages --out material

The result is a folder of sounds, `OUT/<class>/<group>/<name>.ogg` (44.1 kHz, mono), with everything nobody asks for in
`OUT/other/<name>/`, and `OUT/LICENCES.md`. A group holds whatever shares a recording (an instrument's samples, a drum
kit, a source file), so that a split by group never has one sound on both sides. Instruments are rendered and drums are
played from recorded strokes: material to train on, not to test on. A package that is absent is left out.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from soundsieve.errors import DatasetError, OutputError, SoundsieveError
from soundsieve.recipes.clips import RATE_HZ, Collection, read_mono, tidy, write_licences
from soundsieve.recipes.select import drums, effects, phrases
from soundsieve.recipes.select.fluidsynth import find_fluidsynth, synthesize

KIT_FOLDER = "usr/share/hydrogen/data/drumkits"
LICENCES = {
    "fluid-soundfont-gm": "MIT, Frank Wen and contributors",
    "musescore-general-soundfont": "MIT (parts public domain or CC0), S. Christian Collins, M. Cowgill, Frank Wen",
    "timgm6mb-soundfont": "GPL-2, Tim Brechbill",
    "avldrums.lv2-soundfont": "CC-BY-SA-3.0, Glen MacArthur",
    "hydrogen-drumkits": "see each kit",
    "openttd-opensfx": "CC-BY-SA-3.0 as a whole, see each sound",
    "tuxpaint-stamps-default": "GPL-2, Bill Kendrick and contributors",
    "gcompris-qt-data": "GPL-3+, see each sound",
    "megaglest-data": "CC-BY-SA-3.0, the Glest team",
    "minetest-data": "CC-BY-SA-3.0, see each sound",
}
SHORTEST_EFFECT_S, PIECE_S = 0.3, 5.0  # long recordings are cut into pieces of about the second
STROKE_CLIPS = 8  # clips made from one recorded stroke at most


@dataclass(frozen=True)
class Font:
    """A soundfont: its package and file, whose recordings it holds, and its acoustic drum kits.

    One that has not all of General MIDI's programs names those it has.
    """

    name: str
    package: str
    path: str
    samples: str  # MuseScore's font keeps FluidR3's recordings of these instruments: one group
    kits: tuple[int, ...]
    melodic: bool = True
    drum_channel: int = phrases.DRUM_CHANNEL
    drum_keys: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(drums.DRUM_KEYS))
    programs: tuple[int, ...] = tuple(range(128))
    synthesizer: str = "fluidsynth"


_KITS = (0, 1, 3, 4, 8, 9, 16, 17, 32, 40, 48)
# This kit's key 40 is a stroke on the rim, and its hi-hats are the recordings of the kit The Black Pearl.
_OWN_DRUMS: dict[str, tuple[int, ...]] = {"bass_drum": (36,), "snare_drum": (38,)}
FONTS = (
    Font("fluid", "fluid-soundfont-gm", "usr/share/sounds/sf2/FluidR3_GM.sf2", "fluid", _KITS),
    Font("musescore", "musescore-general-soundfont", "usr/share/sounds/sf3/MuseScore_General_Full.sf3", "fluid", _KITS),
    Font("timgm", "timgm6mb-soundfont", "usr/share/sounds/sf2/TimGM6mb.sf2", "timgm", (0, 8, 16, 40)),
    Font(
        "zeppelin",
        "avldrums.lv2-soundfont",
        "usr/share/sounds/sf2/Red_Zeppelin_4_LV2.sf2",
        "zeppelin",
        (0,),
        melodic=False,
        drum_channel=0,
        drum_keys=_OWN_DRUMS,
    ),
)


def make_material(packages: Path, out: Path, seed: int = 0, clips: int = 40) -> Collection:
    """Write the material of every package found below `packages`, about `clips` per class and soundfont.

    Raises:
        DatasetError: when none of the packages is there.
        MissingExtraError: when soundfonts are there but `fluidsynth` is not installed.
        OutputError: when `out` holds something already.
    """
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: is not empty; choose another folder or remove it")
    collection = Collection(out)
    fonts = [font for font in FONTS if (packages / font.path).is_file()]
    fluidsynth = find_fluidsynth() if fonts else ""
    for font in fonts:
        if font.melodic:
            add_instruments(collection, packages, font, fluidsynth, seed, clips)
        add_font_drums(collection, packages, font, fluidsynth, seed, clips)
    for kit in drums.KITS:
        if (packages / KIT_FOLDER / kit).is_dir():
            add_kit(collection, packages, kit, seed, clips // 2)
    add_effects(collection, packages)
    if not collection.clips:
        raise DatasetError(f"{packages}: holds none of the packages {', '.join(LICENCES)}, unpacked with dpkg-deb -x")
    write_licences(collection, packages, LICENCES)
    return collection


def add_instruments(collection: Collection, packages: Path, font: Font, fluidsynth: str, seed: int, clips: int) -> None:
    """Render phrases of each pitched instrument with one soundfont."""
    programs = Counter(instrument.label for instrument in phrases.INSTRUMENTS)
    for instrument in phrases.INSTRUMENTS:
        rng = _rng(seed, f"{font.name}-{instrument.program}")
        count = max(1, round(clips / programs[instrument.label]))
        notes, controls, spans = phrases.session(instrument, count, rng)
        midi = phrases.midi_bytes(notes, controls, instrument.program)
        # a fiddle in General MIDI is the violin's recordings with another attack
        group = f"{font.samples}-{40 if instrument.program == 110 else instrument.program:03d}"
        for number, sound in enumerate(synthesize(fluidsynth, packages / font.path, midi, spans)):
            name = f"{instrument.label}/{group}/{font.name}-{instrument.program:03d}-{number:02d}"
            _add(collection, name, sound, font.package, Path(font.path).name)


def add_font_drums(collection: Collection, packages: Path, font: Font, fluidsynth: str, seed: int, clips: int) -> None:
    """Render drum patterns with each acoustic kit of one soundfont; they share recordings and are one group."""
    count = max(2, round(clips / len(font.kits))) if len(font.kits) > 1 else clips // 2
    for kit in font.kits:
        rng = _rng(seed, f"{font.name}-kit-{kit}")
        labels = [label for label in font.drum_keys for _ in range(count)]
        notes: list[phrases.Note] = []
        spans: list[phrases.Span] = []
        start_s = 0.5
        for label in labels:
            hits = drums.pattern(rng)
            keys = font.drum_keys[label]
            alike = int(rng.choice(keys))
            for hit in hits:
                key = int(rng.choice(keys)) if label == "hi_hat" and rng.random() < 0.3 else alike
                notes.append(phrases.Note(start_s + hit.start_s, 0.5, key, max(20, round(127 * hit.loudness))))
            spans.append(phrases.Span(start_s, hits[-1].start_s + 1.5))
            start_s += spans[-1].length_s + phrases.GAP_S
        dry = [phrases.Control(0.0, phrases.CC_REVERB, 0), phrases.Control(0.0, phrases.CC_CHORUS, 0)]
        midi = phrases.midi_bytes(notes, dry, kit, font.drum_channel)
        sounds = synthesize(fluidsynth, packages / font.path, midi, spans)
        for number, (label, sound) in enumerate(zip(labels, sounds, strict=True)):
            name = f"{label}/{font.samples}-drums/{font.name}-{kit:02d}-{number:02d}"
            _add(collection, name, sound, font.package, Path(font.path).name)


def add_kit(collection: Collection, packages: Path, kit: str, seed: int, clips: int) -> None:
    """Play patterns on each instrument of one recorded kit."""
    for label, instruments in drums.read_kit(packages / KIT_FOLDER / kit).items():
        rng = _rng(seed, f"{kit}-{label}")
        loaded = []
        for layers in instruments:
            sounds = [(*read_mono(layer.path, str(layer.path)), layer.softest, layer.loudest) for layer in layers]
            loaded.append(sounds)
        # a drum with two strokes is soon heard through
        for number in range(min(clips, STROKE_CLIPS * sum(map(len, instruments)))):
            sounds = loaded[int(rng.integers(len(loaded)))]
            rate_hz = sounds[0][1]
            # one sampling rate a clip
            playable = [(samples, soft, loud) for samples, rate, soft, loud in sounds if rate == rate_hz]
            hits = drums.pattern(rng)
            sound = drums.play(playable, hits, rate_hz, choke=label == "hi_hat")
            slug = kit.lower().replace(" ", "-")
            _add(collection, f"{label}/{slug}/{number:02d}", sound, "hydrogen-drumkits", kit, drums.KITS[kit], rate_hz)


def add_effects(collection: Collection, packages: Path) -> None:
    """Copy the recorded effects that the table names, as far as their packages are there."""
    for row in effects.read_table():
        if not (packages / effects.PRESENT[row.package]).exists():
            continue
        data, credit = effects.read_sound(row.package, row.sound, packages)
        sound, rate_hz = read_mono(data, f"{row.package}: {row.sound}")
        part = credit.split('"')[1] if credit else row.sound.rpartition("/")[2]
        stem = f"{row.package.partition('-')[0]}-{Path(part).stem if not credit else row.sound.zfill(2)}"
        if len(sound) < SHORTEST_EFFECT_S * rate_hz:
            continue
        pieces = np.array_split(sound, max(1, round(len(sound) / rate_hz / PIECE_S)))
        for number, piece in enumerate(pieces):
            name = f"{row.folder}/{stem}" + (f"-{number}" if len(pieces) > 1 else "")
            _add(collection, name, piece, row.package, part, credit or row.licence, rate_hz)


def _add(
    collection: Collection,
    name: str,
    sound: np.ndarray[tuple[int], np.dtype[np.float32]],
    package: str,
    part: str,
    licence: str = "",
    rate_hz: int = RATE_HZ,
) -> None:
    clip = tidy(sound, rate_hz)
    if clip is not None:
        collection.add(name, clip, package, part, licence or LICENCES[package])


def _rng(seed: int, name: str) -> np.random.Generator:
    """Return a generator of its own for each source, so that an absent package changes no other's clips."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; a user's mistake is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m soundsieve.recipes.select.material", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--packages", type=Path, required=True, help="folder the packages were unpacked into")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the sounds")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same sounds")
    parser.add_argument("--clips", type=int, default=40, help="clips per class and soundfont")
    options = parser.parse_args(arguments)
    try:
        collection = make_material(options.packages, options.out, options.seed, options.clips)
    except SoundsieveError as error:
        print(error, file=sys.stderr)
        return 2
    for label, count in sorted(Counter(clip.label for clip in collection.clips).items()):
        print(f"{label:20s} {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
