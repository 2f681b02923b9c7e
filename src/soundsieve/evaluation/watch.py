"""How well the objects of one video are told apart, beside the mixture, oracle bases and the ideal ratio mask.

Everything is measured in one channel at one rate, that of the front end.

Axes: j sound, m base, f bin, l frame, t time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from soundsieve.evaluation.object_ceilings import choice_tracks, ideal_tracks, oracle_tracks
from soundsieve.evaluation.watch_scores import (
    CHOICE,
    ENGINE,
    MIXTURE,
    ORACLE,
    SYSTEMS,
    FalseSound,
    MapScores,
    ObjectScores,
    VideoScores,
)
from soundsieve.features.base_shares import base_shares
from soundsieve.features.nmf import Factors, activate
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.map_bases import SeenAt
from soundsieve.inference.object_engines import ObjectMaker
from soundsieve.inference.object_tracks import BasesSeparator, Describe, PieceBases
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.source import open_source
from soundsieve.inference.unmixing import StreamUnmixer, unmix
from soundsieve.metrics import bss_eval
from soundsieve.metrics.base_maps import OWNED
from soundsieve.metrics.bss_eval import TAPS
from soundsieve.metrics.separation import MOST_DB, sdr_db, si_sdr_db
from soundsieve.settings import Settings

Floats = NDArray[np.float32]


class WatchMeasures(Settings):
    """How tracks are measured."""

    front_end: ObjectSTFT = Field(default_factory=ObjectSTFT, description="of the ceilings; its rate is that of all")
    taps: int = Field(TAPS, ge=1, description="length of the distortion filters of BSS Eval in samples")
    longest_s: float = Field(60.0, gt=0, description="only so much of a video is measured")


@dataclass(frozen=True)
class Case:
    """A mixture whose sounds are known.

    Attributes:
        name: What to call it.
        videos: The files it is of.
        mixture: (t,).
        objects: Object → its sound, (t,), not silent.
        others: What else sounds, (j, t).
        visible: Objects there to be seen.
        seen: Rule → what is seen by it.
    """

    name: str
    videos: tuple[str, ...]
    mixture: Floats
    objects: Mapping[str, Floats]
    others: Floats
    visible: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]


def measure(
    maker: ObjectMaker,
    case: Case,
    given: tuple[str, ...],
    seen_at: SeenAt,
    measures: WatchMeasures | None = None,
    *,
    cancel: CancelToken | None = None,
) -> VideoScores:
    """Separate a mixture and compare the tracks with the true sounds.

    An object that is not `given` has no track: its estimate is silence, whose SDR is 0 dB and which has no other
    figure.

    Args:
        maker: The engine.
        case: What is separated.
        given: The objects that the engine is told of.
        seen_at: Which of them are seen when.
        measures: How to compare.
        cancel: Looked at again and again.

    Raises:
        Cancelled: when the token was set.
    """
    s = measures or WatchMeasures()
    begun = time.perf_counter()
    tracks, kept = _separate(maker, case.mixture, given, seen_at, s.front_end.sample_rate, cancel)
    compute_s = time.perf_counter() - begun
    labels = tuple(case.objects)
    sounds = np.stack([*case.objects.values(), *case.others])
    whole = float(np.square(case.mixture, dtype=np.float64).sum())
    scores: list[ObjectScores] = []
    if len(sounds) > 1:
        for system in SYSTEMS:
            check_cancel(cancel)
            estimates = _estimates(system, case.mixture, sounds, tracks, labels, s.front_end)
            scores += _compare(system, estimates, sounds, labels, given, s.taps)
    return VideoScores(
        name=case.name,
        videos=case.videos,
        sounding=tuple(sorted(labels)),
        visible=case.visible,
        given=given,
        seen=case.seen,
        unseen=len(case.others) > 0,
        duration_s=case.mixture.shape[-1] / s.front_end.sample_rate,
        compute_s=compute_s,
        scores=tuple(scores),
        false=tuple(
            FalseSound(label, label in case.visible, _level_db(track, whole))
            for label, track in tracks.items()
            if label not in labels
        ),
        base_map=None if kept is None else kept.scores(sounds, labels),
    )


def _separate(
    maker: ObjectMaker,
    mixture: Floats,
    given: tuple[str, ...],
    seen_at: SeenAt,
    sample_rate: int,
    cancel: CancelToken | None,
) -> tuple[dict[str, Floats], _KeptBases | None]:
    """Return the track of each object that is given, (t,), and the bases of an engine that has some."""
    if not given:
        return {}, None
    engine, kept = maker(given, seen_at).engine, None
    if isinstance(engine.separate, BasesSeparator) and engine.sample_rate == sample_rate:
        kept = _KeptBases(engine.separate.describe, engine.separate.front_end)
        engine = replace(engine, separate=replace(engine.separate, describe=kept))
    unmixer = StreamUnmixer(engine, sample_rate, 1, cancel=cancel)
    blocks = list(unmix(unmixer, open_source(mixture[None], sample_rate), cancel=cancel))
    stems = np.concatenate(blocks, axis=-1)[:, 0]
    return dict(zip(given, stems, strict=False)), kept  # the last one is the rest


class _KeptBases:
    """Passes on what is found of each piece, and keeps it."""

    def __init__(self, describe: Describe, front_end: ObjectSTFT) -> None:
        self._describe, self._front_end = describe, front_end
        self._pieces: list[tuple[Tensor, float, PieceBases]] = []

    def __call__(self, magnitudes: Tensor, start_s: float) -> PieceBases:
        found = self._describe(magnitudes, start_s)
        self._pieces.append((magnitudes, start_s, found))
        return found

    def scores(self, sounds: Floats, labels: Sequence[str]) -> MapScores:
        """Say where the bases went; the first sounds (j, t) are those of `labels`."""
        total = MapScores()
        for magnitudes, start_s, found in self._pieces:
            if found.weights is not None:
                start = round(start_s * self._front_end.sample_rate)
                piece = torch.from_numpy(sounds[:, start : start + self._front_end.piece]).to(magnitudes.device)
                total += _of_piece(magnitudes, self._front_end.analyse(piece).abs(), found, labels)
        return total


def _of_piece(magnitudes: Tensor, sources: Tensor, found: PieceBases, labels: Sequence[str]) -> MapScores:
    given = [label for label, _ in found.objects]
    bases = found.objects[0][1]
    activations = activate(magnitudes, bases)
    shares = base_shares(Factors(bases, activations, torch.zeros(()), 0), sources).cpu().numpy()
    energy = (bases.square().sum(0) * activations.square().sum(-1)).cpu().numpy().astype(np.float64)
    weights = np.zeros((0, 0)) if found.weights is None else found.weights.cpu().numpy().astype(np.float64)
    total = MapScores()
    for base, (owner, share) in enumerate(zip(shares.argmax(0), shares.max(0), strict=True)):
        if share < OWNED:
            continue
        taken = float(weights[:, base].sum())
        if owner >= len(labels) or labels[owner] not in given:
            total += MapScores(foreign=1, foreign_taken=taken)
        elif len(given) > 1:
            right, power = float(weights[given.index(labels[owner]), base]), float(energy[base])
            total += MapScores(1, right, 1 - taken, 1 / len(given), power, right * power)
    return total


def _estimates(
    system: str,
    mixture: Floats,
    sounds: Floats,
    tracks: Mapping[str, Floats],
    labels: Sequence[str],
    front_end: ObjectSTFT,
) -> Floats:
    """Return one system's estimates of the objects, (j of labels, t)."""
    if system == ENGINE:
        return np.stack([tracks.get(label, np.zeros_like(mixture)) for label in labels])
    if system == MIXTURE:
        return np.stack([mixture] * len(labels))
    if system == CHOICE:
        return choice_tracks(mixture=mixture, reference=sounds, front_end=front_end)[: len(labels)]
    if system == ORACLE:
        return oracle_tracks(mixture=mixture, reference=sounds, front_end=front_end)[: len(labels)]
    return ideal_tracks(mixture=mixture, reference=sounds, front_end=front_end)[: len(labels)]


def _compare(
    system: str, estimates: Floats, sounds: Floats, labels: Sequence[str], given: Sequence[str], taps: int
) -> list[ObjectScores]:
    """Compare one system's estimates of the objects, the first of the sounds, with all of these."""
    # What else sounds is interference, of which there is no estimate: one that is silent has no figures.
    every = np.concatenate([estimates, np.zeros_like(sounds[len(labels) :])])
    found = bss_eval(estimate=every[:, None], reference=sounds[:, None], window=sounds.shape[-1], taps=taps)
    plain = sdr_db(estimate=estimates, reference=sounds[: len(labels)])
    scaled = si_sdr_db(estimate=estimates, reference=sounds[: len(labels)])
    rows = []
    for at, label in enumerate(labels):
        sir, sar = (float(np.clip(each[at, 0], -MOST_DB, MOST_DB)) for each in (found.sir_db, found.sar_db))
        rows.append(
            ObjectScores(
                label, system, label in given, float(plain[at]), float(scaled[at]), bss_sdr_db(sir, sar), sir, sar
            )
        )
    return rows


def bss_sdr_db(sir_db: float, sar_db: float) -> float:
    """Return the SDR of BSS Eval version 3, which its SIR and SAR decide.

    What filtered sounds explain and what is left are orthogonal, and so are, of the former, what the own sound explains
    and what the others add. With the energies t, i, a of target, interference and artifacts, SIR is t / i and SAR is
    (t + i) / a, from which SDR = t / (i + a) follows.

    >>> round(bss_sdr_db(20.0, 20.0), 2), round(bss_sdr_db(100.0, 12.0), 2)
    (16.97, 12.0)
    """
    interference = 10 ** (-sir_db / 10)
    artifacts = 10 ** (-sar_db / 10) * (1 + interference)
    return float(np.clip(-10 * np.log10(interference + artifacts), -MOST_DB, MOST_DB))


def _level_db(track: Floats, whole: float) -> float:
    """Level of a track against the mixture's energy."""
    share = float(np.square(track, dtype=np.float64).sum()) / whole
    return float(10 * np.log10(max(share, 10 ** (-MOST_DB / 10))))
