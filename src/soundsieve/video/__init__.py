"""Pictures of a video as arrays, and a video with another sound; through PyAV, in bounded memory."""

from __future__ import annotations

from soundsieve.video.frames import Frame, Frames, frames_every
from soundsieve.video.probe import VideoInfo, probe
from soundsieve.video.remux import remux

__all__ = ["Frame", "Frames", "VideoInfo", "frames_every", "probe", "remux"]
