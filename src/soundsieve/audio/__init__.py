"""Audio files and float32 waveforms (channel, time): read, write, resample, measure, cut. Knows nothing of learning."""

from soundsieve.audio.cut import cut, fade_edges, loop_to
from soundsieve.audio.files import AudioInfo, blocks, probe, read
from soundsieve.audio.levels import db_to_gain, gain_to_db, power_db, rms_db, scale_to_db
from soundsieve.audio.multitrack import Multitrack
from soundsieve.audio.resample import Resampler, resample, resampled_length
from soundsieve.audio.write import FORMATS, Writer, write

__all__ = [
    "FORMATS",
    "AudioInfo",
    "Multitrack",
    "Resampler",
    "Writer",
    "blocks",
    "cut",
    "db_to_gain",
    "fade_edges",
    "gain_to_db",
    "loop_to",
    "power_db",
    "probe",
    "read",
    "resample",
    "resampled_length",
    "rms_db",
    "scale_to_db",
    "write",
]
