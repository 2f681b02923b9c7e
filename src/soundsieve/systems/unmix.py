"""Take songs apart: vocals, drums, bass and the rest, or vocals and accompaniment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.checkpoint import Checkpoint
from soundsieve.errors import SettingsError
from soundsieve.inference import engines
from soundsieve.inference.engine_choice import choose
from soundsieve.inference.engines import Engine
from soundsieve.inference.engines._network import from_checkpoint
from soundsieve.inference.group_writer import GroupWriter, refuse_overwriting
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.source import Recording, Source, open_source
from soundsieve.inference.stem_figure import draw, require_matplotlib
from soundsieve.inference.stem_parts import FOUR, MINUS, Part, Stems, find_parts, minus_names, stem_names
from soundsieve.inference.unmix_parts import PartStream
from soundsieve.inference.unmixed import Unmixed, UnmixReport

__all__ = ["UnmixReport", "Unmixed", "Unmixer", "open_checkpoint"]


class Unmixer:
    """Takes apart songs of any rate, length and number of channels.

    Args:
        engine: What takes them apart; `Unmixer.open` finds one.
        segment_s: Seconds worked on at once; fewer need less memory. None leaves it to the engine.

    Attributes:
        engine: The same.
        stems: What it finds, in order.

    Raises:
        SettingsError: when the engine cannot work on so much at once, or finds a single stem.

    >>> from soundsieve import models
    >>> untrained = models.build("wave_unet", {"L": 3, "F_c": 2}, classes=2).state_dict()
    >>> hyper = {"L": 3, "F_c": 2}
    >>> tiny = Checkpoint("unmix", "wave_unet", hyper, ("vocals", "other"), 8_000, weights=untrained)
    >>> song = np.random.default_rng(0).uniform(-1, 1, (2, 44_100)).astype(np.float32)
    >>> result = open_checkpoint(tiny, "cpu").separate(song, sample_rate=44_100)
    >>> list(result.stems), bool(np.allclose(sum(result.stems.values()), song, atol=1e-6))
    (['vocals', 'other'], True)
    """

    def __init__(self, engine: Engine, segment_s: float | None = None) -> None:
        if len(engine.stems) < 2:
            raise SettingsError(f"an engine that finds only {engine.stems[0]}: expected two stems or more")
        self.engine = engine if segment_s is None else engines.in_segments(engine, segment_s)
        self.stems = engine.stems

    @classmethod
    def open(
        cls,
        model: str | Path | None = None,
        stems: Stems = None,
        *,
        mixdowns: str | Iterable[str] = (),
        device: str = "auto",
        segment_s: float | None = None,
    ) -> Unmixer:
        """Open what takes songs apart.

        Args:
            model: An engine (`spleeter`, `stacked`, …), one with its weights (`stacked:runs/songs`), a released model,
                a checkpoint or a run folder. None takes the best for what will be asked.
            stems: What will be asked for: 2, 4 or names; None are four.
            mixdowns: The same.
            device: auto, cpu, cuda, cuda:1, mps.
            segment_s: As for the class.

        Raises:
            UnknownNameError: when there is no such engine or released model.
            CheckpointError: when there is no such checkpoint, or none for what is asked.
            MissingExtraError: when something has to be installed first.
            SettingsError: when a setting is wrong, or this machine has no such device.
        """
        name, weights = choose(model, {*(stem_names(stems) or FOUR), *minus_names(mixdowns)})
        return cls(engines.load(name, weights, device), segment_s)

    def parts(self, stems: Stems = None, mixdowns: str | Iterable[str] = ()) -> tuple[Part, ...]:
        """Find what is asked for among what the engine finds; stems first, then mixdowns.

        Raises:
            UnknownNameError: when it does not find one of them.
            SettingsError: when a number of stems or a mixdown is none.
        """
        wanted = stem_names(stems) or self.stems
        return find_parts([*wanted, *(MINUS + name for name in minus_names(mixdowns))], self.stems)

    def separate(
        self,
        recording: Recording,
        *,
        stems: Stems = None,
        mixdowns: str | Iterable[str] = (),
        sample_rate: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Unmixed:
        """Take a song apart.

        Args:
            recording: A file, or a waveform (channel, time) or (time,) in [-1, 1].
            stems: 2 (vocals, accompaniment), 4, or names of some, which then do not add up; None are all the engine's.
            mixdowns: `minus-vocals` and the like: the song without that stem.
            sample_rate: Of a waveform, in Hz; a file knows its own.
            progress: Called with the seconds done and the seconds there are.
            cancel: Stops the call once it is set.

        Raises:
            AudioError: when the recording cannot be used.
            UnknownNameError: when the engine does not find one of the stems.
            SettingsError: when `sample_rate`, `stems` or a mixdown is not what it should be.
            Cancelled: when `cancel` was set.
        """
        begun, parts = time.perf_counter(), self.parts(stems, mixdowns)
        source = open_source(recording, sample_rate)
        stream = PartStream(self.engine, source, parts)
        whole = [np.concatenate(of_part, axis=1) for of_part in zip(*stream.blocks(progress, cancel), strict=True)]
        if isinstance(recording, np.ndarray) and recording.ndim == 1:
            whole = [samples[0] for samples in whole]
        made: dict[bool, dict[str, NDArray[np.float32]]] = {False: {}, True: {}}
        for part, samples in zip(parts, whole, strict=True):
            made[part.mixdown][part.name] = samples
        return Unmixed(made[False], made[True], source.sample_rate, _report(source, stream, begun))

    def process_file(
        self,
        path: str | Path,
        outputs: Mapping[str, str | Path | None],
        *,
        figure: str | Path | None = None,
        subtype: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> UnmixReport:
        """Write stems and mixdowns of a file of any length, in bounded memory, all or none.

        Args:
            path: An audio file, or a video with a sound track.
            outputs: Stem, `accompaniment`, or `minus-` and a stem → where to write it; the suffix chooses the type.
                What has None is measured and drawn, and not written.
            figure: Where to draw how loud the stems are over time, as a PNG.
            subtype: Encoding, as for `soundsieve.audio.Writer`.
            force: Replace existing files, though never the input.
            progress: As for `separate`.
            cancel: As for `separate`.

        Raises:
            AudioError, UnknownNameError, Cancelled: As for `separate`.
            MissingExtraError: when there is to be a figure and matplotlib is not installed.
            OutputError: when the outputs cannot be written, or one of them is the input.
        """
        begun = time.perf_counter()
        places = {name: Path(place) for name, place in outputs.items() if place is not None}
        picture = None if figure is None else Path(figure)
        if picture is not None:
            require_matplotlib()
        source = open_source(path)
        refuse_overwriting(Path(path), [*places.values(), *([] if picture is None else [picture])])
        group = GroupWriter(
            [*places.values()],
            source.sample_rate,
            source.channels,
            subtype=subtype,
            force=force,
            frames_hint=source.frames,
            beside=picture,
        )
        stream = PartStream(self.engine, source, find_parts(outputs, self.stems))
        with group:
            for blocks in stream.blocks(progress, cancel):
                group.write(*(block for name, block in zip(outputs, blocks, strict=True) if name in places))
            if picture is not None:
                draw(stream.meter.levels(), Path(path).name, group.hidden_beside)
        return replace(_report(source, stream, begun), outputs=places, figure=picture, clipped=sum(group.clipped))


def open_checkpoint(checkpoint: Checkpoint, device: str = "auto") -> Unmixer:
    """Make a trained network ready for use; what `soundsieve.load` calls."""
    return Unmixer(from_checkpoint(checkpoint, device))


def _report(source: Source, stream: PartStream, begun: float) -> UnmixReport:
    found, taken_s = stream.meter.levels(), time.perf_counter() - begun
    return UnmixReport(source.sample_rate, source.channels, found.duration_s, found.total_db(), taken_s, source.file)
