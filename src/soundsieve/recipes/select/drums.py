"""Recorded drum kits: which sample is a snare drum, a bass drum or a hi-hat, and short patterns played with them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import DatasetError

# Only kits recorded from real drums, each with what the packages' copyright files say. Left out: HardElectro1,
# ElectricEmpireKit and TR808EmulationKit (electronic), Audiophob (its snare is 8-bit, its kick a tom), GMRockKit (the
# same strokes as The Black Pearl), and the kits that hold none of the three drums (circAfrique, Gimme A Hand).
KITS = {
    "BJA_Pacific": "CC-BY-SA-3.0-us, Luc Tanguay and Bransin James Anderson",
    "ColomboAcousticDrumkit": "GPL-2+ with composition exception, Marcos Guglielmetti",
    "ForzeeStereo": "GPL-2, Vladimir Sadovnikov and Alexander Belokurov",
    "Millo-Drums_v.1": "GPL-2, Emiliano Grilli",
    "Millo_MultiLayered2": "GPL-2, Emiliano Grilli",
    "Millo_MultiLayered3": "GPL-2, Emiliano Grilli",
    "The Black Pearl 1.0": "GPL-2, Glen MacArthur",
    "VariBreaks": "GPL-2+, Artemiy Pavlov",
    "rumpf_kit_z01_h2": "CC-BY-3.0, Emanuel Rumpf",
}
DRUM_KEYS = {"bass_drum": (35, 36), "snare_drum": (38, 40), "hi_hat": (42, 42, 44, 46)}  # General MIDI's drum map

# A rim shot, a side stick or a swish is another sound than the drum it is played on.
_OTHER = re.compile(r"\b(rim|rim ?shot|edge|side ?stick|sticks?|claps?|toms?|click|crash|ride|cymbal|bell|swish|cow)\b")
_DRUMS = {
    "bass_drum": re.compile(r"\b(kicks?|bass ?drum|bd)\b"),
    "snare_drum": re.compile(r"\b(snares?|snare ?drum|sn|sd)\b"),
    "hi_hat": re.compile(r"\b(hi ?hats?|hats?|hh)\b"),
}


class Layer(NamedTuple):
    """One recording of a drum and the loudness (0–1) it is meant for."""

    path: Path
    softest: float
    loudest: float


class Hit(NamedTuple):
    """One stroke: time in seconds and loudness 0–1."""

    start_s: float
    loudness: float


def drum_class(name: str, file_name: str = "") -> str | None:
    """Return the class of a kit's instrument from its name and its file's name, or None when it is another sound.

    >>> drum_class("Pearl Snare", "PearlSnare-Soft.wav"), drum_class("Closed HH"), drum_class("c3 - bass drum 1")
    ('snare_drum', 'hi_hat', 'bass_drum')
    >>> drum_class("Snare Rimshot") is drum_class("Snare1", "snare-mic-rimshot7.flac") is drum_class("Tom Low") is None
    True
    """
    # what stands in brackets is the make of the drum, which may say "metal edge"
    words, file_words = split_words(re.sub(r"\(.*?\)", "", name)), split_words(Path(file_name).stem)
    if _OTHER.search(words) or _OTHER.search(file_words):
        return None
    for text in (words, file_words):
        found = [label for label, pattern in _DRUMS.items() if pattern.search(text)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def split_words(text: str) -> str:
    """Split camel case, digits and punctuation into lower-case words.

    >>> split_words("HiHatClosed-0")
    'hi hat closed'
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"[a-z]+", split.lower()))


def read_kit(folder: Path, classify: Callable[[str, str], str | None] = drum_class) -> dict[str, list[list[Layer]]]:
    """Return the drums of a Hydrogen kit: for each class a list of instruments, each with its layers.

    Args:
        folder: the kit's.
        classify: names the class of an instrument from its name and its file's name; None leaves it out.

    Raises:
        DatasetError: when the kit's `drumkit.xml` is missing or not XML.
    """
    source = folder / "drumkit.xml"
    try:
        # some kits use the prefix xsi: without declaring it
        text = re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"|xsi:", "", source.read_text(encoding="utf-8", errors="replace"))
        root = ElementTree.fromstring(text)
    except OSError as error:
        raise DatasetError(f"{source}: {error.strerror or error}, but a Hydrogen drum kit holds one") from None
    except ElementTree.ParseError as error:
        raise DatasetError(f"{source}: not valid XML ({error})") from None
    drums: dict[str, list[list[Layer]]] = {}
    for instrument in root.iter("instrument"):
        name = instrument.findtext("name", "")
        by_class: dict[str, list[Layer]] = {}
        for node in instrument.iter("layer"):
            _add_layer(by_class, folder, classify, name, node)
        if instrument.find(".//layer") is None:  # the old format: one file and no layers
            _add_layer(by_class, folder, classify, name, instrument)
        for label, layers in by_class.items():
            drums.setdefault(label, []).append(layers)
    return drums


def _add_layer(
    by_class: dict[str, list[Layer]],
    folder: Path,
    classify: Callable[[str, str], str | None],
    name: str,
    node: ElementTree.Element,
) -> None:
    file_name = node.findtext("filename", "")
    label = classify(name, file_name)
    if label is not None and (folder / file_name).is_file():
        softest, loudest = float(node.findtext("min") or 0), float(node.findtext("max") or 1)
        by_class.setdefault(label, []).append(Layer(folder / file_name, softest, loudest))


def pattern(rng: np.random.Generator, length_s: float = 5.0, single: float = 0.3) -> list[Hit]:
    """Return one to eight hits within `length_s`: alone, on a steady pulse, or after random gaps.

    >>> all(1 <= len(pattern(np.random.default_rng(seed))) <= 8 for seed in range(20))
    True
    """
    loudness = float(rng.uniform(0.45, 1.0))
    count = 1 if rng.random() < single else int(rng.integers(2, 9))
    if rng.random() < 0.6:
        gaps_s = np.full(count, rng.uniform(0.11, 0.7)) + rng.normal(0, 0.008, count)
    else:
        gaps_s = rng.uniform(0.1, 1.2, count)
    times_s = rng.uniform(0.02, 0.2) + np.concatenate([[0.0], np.cumsum(gaps_s[1:])])
    accents = np.clip(loudness * rng.uniform(0.6, 1.1, count), 0.1, 1.0)
    return [Hit(float(t), float(a)) for t, a in zip(times_s, accents, strict=True) if t < length_s]


def play(
    layers: Sequence[tuple[NDArray[np.float32], float, float]],
    hits: Sequence[Hit],
    rate_hz: int,
    *,
    choke: bool = False,
    tail_s: float = 1.2,
) -> NDArray[np.float32]:
    """Return the hits as sound.

    Args:
        layers: (samples, softest, loudest) of one drum; a hit takes a layer that covers its loudness.
        hits: times and loudness.
        rate_hz: sampling rate of the layers.
        choke: a hit silences the one before, as on a hi-hat.
        tail_s: how long the last hit may ring.

    Returns:
        (time,) samples, not limited in level.
    """
    length = round((hits[-1].start_s + tail_s) * rate_hz)
    sound = np.zeros(length, dtype=np.float32)
    for hit in hits:
        start = round(hit.start_s * rate_hz)
        samples = min(layers, key=lambda layer: distance(hit.loudness, layer[1], layer[2]))[0][: length - start]
        if choke:
            fade = min(round(0.01 * rate_hz), length - start)
            sound[start : start + fade] *= np.linspace(1, 0, fade, dtype=np.float32)
            sound[start + fade :] = 0
        sound[start : start + len(samples)] += samples * np.float32(hit.loudness)
    fade = min(round(0.1 * rate_hz), length)
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return sound


def distance(loudness: float, softest: float, loudest: float) -> float:
    """Return how far a loudness lies outside of the range a layer is meant for; 0 inside.

    >>> distance(0.9, 0.0, 0.5)
    0.4
    """
    return max(softest - loudness, loudness - loudest, 0.0)
