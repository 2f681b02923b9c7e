"""The General MIDI programs that sound like the objects, with the range of keys and the manners they are played in."""

from __future__ import annotations

from soundsieve.recipes.select.phrases import Instrument

_SUNG = ("scale", "arpeggio", "long", "repeat", "melody", "melody")
_PLUCKED = ("scale", "arpeggio", "repeat", "melody")
_CHORDAL = (*_PLUCKED, "chords", "chords")

INSTRUMENTS = (
    Instrument("accordion", 21, 53, 89, (*_SUNG, "chords")),
    Instrument("acoustic_guitar", 24, 40, 76, _CHORDAL, sustained=False),
    Instrument("acoustic_guitar", 25, 40, 79, _CHORDAL, sustained=False),
    Instrument("banjo", 105, 48, 79, ("scale", "arpeggio", "arpeggio", "arpeggio", "melody"), sustained=False),
    Instrument("cello", 42, 36, 72, _SUNG),
    Instrument("electric_guitar", 27, 40, 84, _CHORDAL, sustained=False),
    Instrument("electric_guitar", 29, 40, 84, _PLUCKED, sustained=False),
    Instrument("electric_guitar", 30, 40, 84, _PLUCKED, sustained=False),
    Instrument("flute", 73, 60, 93, _SUNG),
    Instrument("french_horn", 60, 41, 77, _SUNG),
    Instrument("harmonica", 22, 60, 91, (*_SUNG, "chords")),
    Instrument("harp", 46, 36, 91, ("scale", "arpeggio", "arpeggio", "melody", "chords"), sustained=False),
    Instrument("marimba", 12, 48, 91, _PLUCKED, sustained=False),
    Instrument("piano", 0, 36, 93, _CHORDAL, sustained=False),
    Instrument("piano", 1, 36, 93, _CHORDAL, sustained=False),
    Instrument("saxophone", 64, 56, 87, _SUNG),
    Instrument("saxophone", 65, 49, 80, _SUNG),
    Instrument("saxophone", 66, 44, 75, _SUNG),
    Instrument("saxophone", 67, 37, 68, _SUNG),
    Instrument("trombone", 57, 40, 72, _SUNG),
    Instrument("violin", 40, 55, 91, _SUNG),
)
