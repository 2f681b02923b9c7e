"""How well an engine takes one song apart, beside the mixture handed back as every stem and the ideal ratio mask.

The song goes through `StreamUnmixer` block by block, as a user's does. BSS Eval needs it at once; a song longer than
`UnmixMeasures.longest_s` is measured in pieces of equal length with distortion filters of their own, so that memory
does not grow, and the other measures are those of the whole song in any case.

Axes: s stem, c channel, t time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.datasets import STEMS, Song
from soundsieve.evaluation.stem_baselines import ideal_ratio_masks, mixture_as_estimate
from soundsieve.evaluation.stem_energies import StemEnergies
from soundsieve.evaluation.stem_groups import StemGroups, added_up, stem_groups
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MEASURES, MIXTURE, SongScores, StemScores
from soundsieve.inference.engines import Engine
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.unmixing import StreamUnmixer
from soundsieve.metrics import BssEval, bss_eval
from soundsieve.metrics.bss_eval import TAPS
from soundsieve.settings import Settings

Floats = NDArray[np.float32]


class UnmixMeasures(Settings):
    """How estimates are measured; as `museval` does it unless something else is asked for."""

    window_s: float = Field(1.0, gt=0, description="length of a frame of BSS Eval")
    taps: int = Field(TAPS, ge=1, description="length of its distortion filters in samples")
    longest_s: float = Field(600.0, ge=10, description="a longer song is measured in pieces")
    ideal_power: Literal[1, 2] = Field(2, description="of the ideal mask: 1 is the ratio of magnitudes, 2 of powers")


def measure_song(
    engine: Engine, song: Song, measures: UnmixMeasures | None = None, *, cancel: CancelToken | None = None
) -> SongScores:
    """Take a song apart and compare what comes out with its stems.

    Args:
        engine: What takes it apart.
        song: The song; where it has no mixture of its own, the mixture is the sum of its stems.
        measures: How to compare.
        cancel: Looked at again and again.

    Raises:
        AudioError: a stem cannot be read, or differs from the others in rate or length.
        SettingsError: the stems of a song do not add up to what the engine finds.
        Cancelled: when the token was set.
    """
    measures = measures or UnmixMeasures()
    groups = stem_groups(engine.stems)
    parting = _Parting(engine, song, measures, cancel)
    kept = [_Kept(each, parting.channels, parting.window) for each in groups]
    pieces = 0
    for reference, mixture, estimate in parting.pieces():
        pieces += 1
        for each in kept:
            check_cancel(cancel)
            each.measure(reference, mixture, estimate, measures)
    return SongScores(
        song=song.name.encode(errors="backslashreplace").decode(),
        group=song.group.encode(errors="backslashreplace").decode(),
        part=song.part,
        frames=parting.frames,
        sample_rate_hz=parting.sample_rate,
        channels=parting.channels,
        pieces=pieces,
        compute_s=parting.compute_s,
        scores=tuple(score for each in kept for score in each.scores()),
    )


def piece_frames(frames: int, window: int, longest: int) -> int:
    """Return how long the pieces are that a song is measured in: equal ones of whole windows, but for the last.

    >>> piece_frames(1_000, 10, 2_000), piece_frames(1_000, 10, 400)
    (1000, 340)
    """
    count = math.ceil(frames / longest)
    return frames if count == 1 else math.ceil(frames / count / window) * window


class _Parting:
    """A song on its way through an engine; what comes out is held beside the true stems, a piece at a time."""

    def __init__(self, engine: Engine, song: Song, measures: UnmixMeasures, cancel: CancelToken | None) -> None:
        self._tracks = song.open_all()
        self._own_mixture = song.mixture is not None
        self._engine, self._cancel = engine, cancel
        self.sample_rate, self.channels = self._tracks.sample_rate, self._tracks.channels
        self.frames = self._tracks.frames
        self.window = max(1, round(measures.window_s * self.sample_rate))
        self._piece = piece_frames(self.frames, self.window, round(measures.longest_s * self.sample_rate))
        self.compute_s = 0.0

    def pieces(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield true stems (s, c, t), mixture (c, t) and estimates (s, c, t); valid until the next are asked for."""
        room = np.empty((len(STEMS) + 1 + len(self._engine.stems), self.channels, self._piece), np.float32)
        parts = len(STEMS), len(STEMS) + 1
        filled = 0
        for together in self._in_step():
            done = 0
            while done < together.shape[-1]:
                count = min(self._piece - filled, together.shape[-1] - done)
                room[..., filled : filled + count] = together[..., done : done + count]
                done, filled = done + count, filled + count
                if filled == self._piece:
                    yield room[: parts[0]], room[parts[0]], room[parts[1] :]
                    filled = 0
        if filled:
            last = room[..., :filled]
            yield last[: parts[0]], last[parts[0]], last[parts[1] :]

    def _in_step(self) -> Iterator[Floats]:
        """Yield true stems, mixture and estimates in one array, consecutive blocks of them."""
        unmixer = StreamUnmixer(self._engine, self.sample_rate, self.channels, cancel=self._cancel)
        waiting = Fifo(len(STEMS) + 1, self.channels)
        for block in chain(self._tracks.blocks(self.sample_rate), [None]):
            check_cancel(self._cancel)
            if block is not None:
                mixture = block[len(STEMS)] if self._own_mixture else block.sum(axis=0)
                waiting.push(np.concatenate([block[: len(STEMS)], mixture[None]]))
            start = time.perf_counter()
            estimate = unmixer.finish() if block is None else unmixer.push(mixture)
            self.compute_s += time.perf_counter() - start
            yield np.concatenate([waiting.take(estimate.shape[-1]), estimate])


class _Kept:
    """What is kept of the pieces of a song that is divided in one way."""

    def __init__(self, groups: StemGroups, channels: int, window: int) -> None:
        self._groups, self._window = groups, window
        self._frames: dict[str, list[BssEval]] = {name: [] for name in (ENGINE, MIXTURE, IDEAL)}
        self._energies = {name: StemEnergies(len(groups.stems), channels, window) for name in self._frames}

    def measure(self, reference: Floats, mixture: Floats, estimate: Floats, measures: UnmixMeasures) -> None:
        true = added_up(reference, self._groups.references)
        for name in self._frames:  # one after the other: estimates of a whole song are large
            if name == ENGINE:
                found = added_up(estimate, self._groups.estimates)
            elif name == MIXTURE:
                found = mixture_as_estimate(mixture, len(true))
            else:
                found = ideal_ratio_masks(mixture=mixture, reference=true, power=measures.ideal_power)
            self._frames[name].append(bss_eval(estimate=found, reference=true, window=self._window, taps=measures.taps))
            self._energies[name].add(estimate=found, reference=true, mixture=mixture)

    def scores(self) -> Iterator[StemScores]:
        for name, pieces in self._frames.items():
            whole = {m: np.concatenate([getattr(piece, f"{m}_db") for piece in pieces], axis=1) for m in MEASURES}
            energies = self._energies[name]
            for row, stem in enumerate(self._groups.stems):
                yield StemScores(
                    division=self._groups.name,
                    stem=stem,
                    system=name,
                    frames={m: tuple(float(value) for value in whole[m][row]) for m in MEASURES},
                    sdr_db=float(energies.sdr_db[row]),
                    si_sdr_db=float(energies.si_sdr_db[row]),
                    snr_db=tuple(float(value) for value in energies.snr_db[row]),
                    mse=tuple(float(value) for value in energies.mse[row]),
                    absent=bool(energies.absent[row]),
                    alone=bool(np.delete(energies.absent, row).all()),
                    silent_frames=int(energies.silent_frames[row]),
                    leak_db=float(energies.leak_db[row]),
                )
