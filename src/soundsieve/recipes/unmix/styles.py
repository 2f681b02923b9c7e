"""The styles that songs are composed in: tempo, chords, grooves, and who plays what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """Something an instrument does in a band.

    Attributes:
        manner: a key of `parts.CHORD_PATTERNS`, or `lead` for a tune.
        programs: General MIDI programs that may do it.
        centre: the key that voicings lie around.
        voices: how many notes a chord has; 0 is a guitar's shape, 2 with `power` a root and a fifth.
        chain: how it is recorded and mixed, a key of `instruments.CHAINS`.
        double: how likely it is played twice, left and right.
    """

    manner: str
    programs: tuple[int, ...]
    centre: int
    voices: int
    chain: str
    double: float = 0.0


ROLES = {
    "strummed": Role("strum", (24, 25, 25), 40, 0, "acoustic", 0.35),
    "picked": Role("picked", (24, 25, 26, 27), 55, 4, "acoustic", 0.15),
    "clean": Role("pop", (26, 27, 27), 40, 0, "clean", 0.3),
    "clean_arpeggio": Role("arpeggio", (26, 27, 28), 57, 4, "clean", 0.2),
    "funk_guitar": Role("funk", (27, 28, 27), 60, 3, "clean", 0.15),
    "muted": Role("sequence", (28,), 50, 3, "clean", 0.2),
    "skank": Role("skank", (27, 26, 16), 62, 3, "clean", 0.1),
    "crunch": Role("pop", (27, 26, 29), 40, 0, "crunch", 0.5),
    "power": Role("power", (27, 27, 30, 29), 40, 2, "distorted", 0.75),
    "riff": Role("sequence", (27, 30, 29), 45, 3, "distorted", 0.5),
    "piano": Role("block", (0, 0, 1, 2), 60, 4, "keys"),
    "piano_arpeggio": Role("ballad", (0, 0, 1), 57, 4, "keys"),
    "piano_comp": Role("comp", (0, 0, 1, 3), 60, 4, "keys"),
    "montuno": Role("montuno", (0, 1), 64, 4, "keys"),
    "electric_piano": Role("comp", (4, 5, 4), 60, 4, "keys"),
    "electric_piano_held": Role("held", (4, 5), 58, 4, "keys"),
    "clavinet": Role("funk", (7,), 58, 3, "keys"),
    "organ": Role("held", (16, 17, 18, 16), 60, 4, "organ"),
    "organ_stabs": Role("skank", (16, 17), 64, 3, "organ"),
    "accordion": Role("pop", (21, 23), 64, 3, "organ"),
    "strings": Role("held", (48, 49, 48, 50), 64, 4, "strings"),
    "brass": Role("stabs", (61, 61, 62, 63), 64, 4, "brass"),
    "pad": Role("held", (88, 89, 90, 92, 94, 95, 50, 51), 62, 4, "pad"),
    "sequence": Role("sequence", (80, 81, 84, 87, 38), 60, 4, "synth"),
    "synth_arpeggio": Role("arpeggio", (81, 80, 90, 98, 99), 67, 4, "synth"),
    "synth_stabs": Role("stabs", (81, 90, 62, 50), 62, 4, "synth"),
    "vibraphone": Role("comp", (11, 12), 65, 4, "keys"),
    "sax": Role("lead", (64, 65, 66, 65), 67, 1, "wind"),
    "trumpet": Role("lead", (56, 59, 57), 69, 1, "wind"),
    "flute": Role("lead", (73, 72, 71), 76, 1, "wind"),
    "violin": Role("lead", (40, 110, 40), 74, 1, "strings"),
    "harmonica": Role("lead", (22,), 70, 1, "wind"),
    "guitar_lead": Role("lead", (27, 30, 29, 27), 66, 1, "lead_guitar"),
    "clean_lead": Role("lead", (26, 27, 25), 66, 1, "clean"),
    "synth_lead": Role("lead", (80, 81, 82, 87), 71, 1, "synth"),
    "piano_lead": Role("lead", (0, 4, 11), 72, 1, "keys"),
}

PROGRESSIONS = {
    "pop": (
        "I V vi IV", "vi IV I V", "I vi IV V", "I IV vi V", "IV I V vi", "I iii IV V", "I V IV IV", "I IV I V",
        "vi V IV V", "I ii vi IV", "IVM7 V iii7 vi7", "Isus I IV V",
    ),
    "rock": (
        "I bVII IV I", "I IV V IV", "i bVII bVI V", "I I IV V", "i bIII bVII IV", "I5 bVII5 IV5 I5", "i i bVI bVII",
        "I5 I5 bIII5 IV5", "vi IV I V", "i5 bVI5 bIII5 bVII5", "I V IV V",
    ),
    "blues": ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 vi7 ii7 V7 I7,vi7 ii7,V7",
              "i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7"),
    "jazz": ("ii7 V7 IM7 IM7", "IM7 vi7 ii7 V7", "iii7 vi7 ii7 V7", "iim7b5 V7 i7 i7", "IM7,vi7 ii7,V7 iii7,VI7 ii7,V7",
             "IM7 IVM7 iii7,VI7 ii7,V7"),
    "funk": ("i7 i7 i7 i7", "i7 IV7 i7 IV7", "I9 I9 IV9 I9", "i7 i7 bVII bVI", "ii7 V7 ii7 V7", "i7 bIIIM7 IV7 i7"),
    "latin": ("i iv V7 i", "ii7 V7 I6 I6", "I IV V IV", "i bVII bVI V7", "IM7 II7 ii7 V7", "i7 iv7 V7 i7"),
    "reggae": ("I IV V IV", "i bVII i bVII", "I V vi IV", "I ii I ii", "i iv v i"),
    "ballad": ("I V vi iii IV I IV V", "I iii IV iv", "vi IV I V", "I vi ii V", "IM7 IVM7 ii7 V7", "i bVI bIII bVII"),
    "electronic": ("i bVI bIII bVII", "i i bVI bVII", "vi IV I V", "i7 i7 iv7 iv7", "i bVII iv bVI", "i iv bVI v"),
    "country": ("I I IV I V V I I", "I IV I V", "I V I I IV I V I", "vi IV I V"),
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """One style.

    Attributes:
        weight: how often it is drawn.
        tempo_bpm: slowest and fastest.
        swing: least and most.
        swung_beats: 1 when eighths swing, 0.5 when sixteenths do.
        progressions: a key of `PROGRESSIONS`.
        beats: keys of `beats.BEATS`.
        machine: how likely the drums are a machine's.
        bass: keys of `parts.BASS_PATTERNS`, or `walking`.
        bass_programs: General MIDI programs of the bass.
        roles: keys of `ROLES` that accompany.
        leads: keys of `ROLES` that play tunes.
        sung: how likely there is a singer.
        minor: how likely the scale of the tunes is minor.
    """

    weight: float
    tempo_bpm: tuple[float, float]
    swing: tuple[float, float]
    swung_beats: float
    progressions: str
    beats: tuple[str, ...]
    machine: float
    bass: tuple[str, ...]
    bass_programs: tuple[int, ...]
    roles: tuple[str, ...]
    leads: tuple[str, ...]
    sung: float = 0.8
    minor: float = 0.4


STYLES = {
    "pop": Style(
        3.0, (80, 132), (0.0, 0.06), 0.5, "pop", ("rock", "disco", "half", "hiphop", "ballad"), 0.35,
        ("roots", "pulse", "octaves", "long"), (33, 34, 33, 38, 39),
        ("strummed", "clean", "clean_arpeggio", "piano", "piano_arpeggio", "pad", "strings", "sequence",
         "electric_piano_held", "crunch", "muted", "synth_arpeggio", "organ"),
        ("synth_lead", "clean_lead", "guitar_lead", "piano_lead"), 0.9, 0.3,
    ),
    "rock": Style(
        3.0, (90, 165), (0.0, 0.04), 1.0, "rock", ("rock", "half", "punk", "rock"), 0.0,
        ("roots", "pulse", "roots", "long"), (33, 34, 34, 34),
        ("power", "crunch", "power", "organ", "clean_arpeggio", "strummed", "piano", "riff"),
        ("guitar_lead", "guitar_lead", "clean_lead"), 0.8, 0.6,
    ),
    "metal": Style(
        1.0, (95, 178), (0.0, 0.0), 1.0, "rock", ("punk", "half", "rock"), 0.0,
        ("roots", "pulse"), (34, 33),
        ("power", "riff", "power", "pad", "strings"), ("guitar_lead",), 0.6, 1.0,
    ),
    "blues": Style(
        0.8, (65, 130), (0.22, 0.33), 1.0, "blues", ("shuffle", "shuffle", "ballad"), 0.0,
        ("blues", "walking", "pulse"), (33, 32, 34),
        ("clean", "organ", "piano_comp", "crunch", "piano"),
        ("guitar_lead", "harmonica", "sax", "clean_lead"), 0.7, 0.7,
    ),
    "jazz": Style(
        1.0, (75, 170), (0.2, 0.33), 1.0, "jazz", ("swing", "swing", "bossa"), 0.0,
        ("walking", "walking", "fifths"), (32, 32, 35),
        ("piano_comp", "electric_piano", "clean", "vibraphone", "brass"),
        ("sax", "trumpet", "flute", "piano_lead", "clean_lead", "violin"), 0.5, 0.4,
    ),
    "funk": Style(
        1.2, (88, 120), (0.0, 0.12), 0.5, "funk", ("funk", "breakbeat", "disco"), 0.1,
        ("funk", "funk", "octaves"), (33, 36, 37, 33, 38),
        ("funk_guitar", "clavinet", "electric_piano", "brass", "organ_stabs", "strings", "funk_guitar"),
        ("sax", "trumpet", "synth_lead", "guitar_lead"), 0.7, 0.7,
    ),
    "latin": Style(
        0.8, (80, 130), (0.0, 0.05), 1.0, "latin", ("latin", "bossa", "latin"), 0.05,
        ("tumbao", "tumbao", "fifths"), (32, 33, 35),
        ("montuno", "picked", "brass", "strummed", "accordion", "piano_comp", "strings"),
        ("trumpet", "flute", "sax", "violin", "picked"), 0.7, 0.5,
    ),
    "reggae": Style(
        0.7, (66, 98), (0.0, 0.2), 0.5, "reggae", ("reggae",), 0.05,
        ("reggae",), (33, 33, 35, 39),
        ("skank", "organ_stabs", "clean", "electric_piano", "brass"), ("sax", "guitar_lead", "trumpet"), 0.8, 0.4,
    ),
    "ballad": Style(
        1.3, (65, 88), (0.0, 0.08), 1.0, "ballad", ("ballad", "half", "ballad"), 0.1,
        ("long", "pulse", "long"), (33, 35, 32, 33),
        ("piano_arpeggio", "strings", "picked", "pad", "clean_arpeggio", "electric_piano_held", "organ", "strummed"),
        ("violin", "sax", "guitar_lead", "flute", "clean_lead"), 0.9, 0.4,
    ),
    "electronic": Style(
        2.0, (96, 150), (0.0, 0.05), 0.5, "electronic", ("house", "house", "breakbeat", "trap", "disco"), 0.95,
        ("synth", "synth", "sub", "octaves"), (38, 39, 38, 81, 87),
        ("sequence", "pad", "synth_stabs", "synth_arpeggio", "strings", "piano"),
        ("synth_lead", "synth_lead", "piano_lead"), 0.6, 0.9,
    ),
    "hiphop": Style(
        1.5, (70, 105), (0.0, 0.2), 0.5, "electronic", ("hiphop", "trap", "breakbeat", "hiphop"), 0.75,
        ("sub", "pulse", "funk", "sub"), (39, 38, 33, 32, 35),
        ("electric_piano", "pad", "sequence", "piano_comp", "strings", "picked", "vibraphone"),
        ("flute", "synth_lead", "sax"), 0.8, 0.8,
    ),
    "country": Style(
        1.0, (85, 150), (0.0, 0.1), 1.0, "country", ("train", "rock", "train"), 0.0,
        ("fifths", "fifths", "pulse"), (32, 33, 34),
        ("strummed", "picked", "clean", "piano", "accordion", "clean_arpeggio"),
        ("violin", "harmonica", "clean_lead", "guitar_lead"), 0.8, 0.1,
    ),
}  # fmt: skip
