"""What is evaluated of `watch`, on what, how it is measured, and what is said about that."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from soundsieve import checkpoint
from soundsieve.checkpoint import Checkpoint
from soundsieve.evaluation.watch import WatchMeasures
from soundsieve.evaluation.watch_tasks import Told, WatchEngine
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.seen import SeenSettings
from soundsieve.inference.viewers import DEFAULT
from soundsieve.metrics.bss_eval import TAPS
from soundsieve.settings import Settings

Truth = Literal["tracks", "pairs"]


class WatchEvaluationSettings(Settings):
    """What is evaluated, on what, and how it is measured."""

    part: str = Field("test", description="part of the data set; all takes every video")
    labels: Literal["seen", "true"] = Field(
        "seen", description="what the engine is told: what is seen, or what is truly visible"
    )
    objects: int = Field(2, ge=0, description="tracks: only videos in which so many objects sound; 0 takes all")
    pairs: bool = Field(False, description="mix videos in pairs, though true tracks be known")
    limit: int | None = Field(None, ge=1, description="at most so many videos, or mixtures")
    seed: int = Field(0, ge=0, description="decides the pairs")
    seen: SeenSettings = SeenSettings()
    vision: str = Field(DEFAULT, description="who looks at the pictures")
    taps: int = Field(TAPS, ge=1, description="of BSS Eval")
    longest_s: float = Field(60.0, gt=0, description="only so much of a video is measured")
    jobs: int | None = Field(None, ge=1, description="processes of one thread each; None works in this one")
    device: str = Field("auto", description="auto, cpu, cuda, …")


def told(path: Path, found: Checkpoint, engine: str, settings: WatchEvaluationSettings) -> Told:
    """Say what is the same for all videos; ceilings use the spectrograms of an engine with bases."""
    front_end = ObjectSTFT.parse(found.front_end) if engine == "nmf" else ObjectSTFT()
    return Told(
        WatchEngine(path, settings.vision, settings.device),
        settings.seen if settings.labels == "seen" else None,
        WatchMeasures(front_end=front_end, taps=settings.taps, longest_s=settings.longest_s),
    )


def measured(told: Told, settings: WatchEvaluationSettings, truth: Truth) -> Mapping[str, Any]:
    """What decides the figures of a video."""
    identity = told.engine.identity()
    if told.seen is None:
        identity.pop("vision")  # nobody looks
    return {
        **identity,
        "truth": truth,
        "labels": settings.labels,
        "seen": None if told.seen is None else told.seen.model_dump(mode="json"),
        "measures": told.measures.model_dump(mode="json"),
    }


def protocol(
    path: Path, found: Checkpoint, engine: str, told: Told, settings: WatchEvaluationSettings
) -> dict[str, Any]:
    """What is printed beside the numbers."""
    choice = found.card.get("choice", {})
    return {
        "model": str(path.parent.name if path.name == checkpoint.RUN_FILE else path.name),
        "engine": engine,
        "weights": told.engine.identity()["weights"],
        "known": list(found.classes),
        "choice": {name: value for name, value in choice.items() if name not in ("centre", "scale")},
        "part": settings.part,
        "objects": settings.objects,
        "seed": settings.seed,
        "limit": settings.limit,
        "labels": settings.labels,
        "seen": settings.seen.model_dump(mode="json"),
        "vision": settings.vision,
        "measures": told.measures.model_dump(mode="json"),
        "jobs": settings.jobs,
        "device": settings.device,
        "version": version("soundsieve"),
    }


def command(places: Sequence[str], settings: WatchEvaluationSettings, engine: str | None, model: str | None) -> str:
    """The command line that gives these numbers."""
    default = WatchEvaluationSettings()
    words = [word for place in places for word in ("--data", str(place))]
    options = {
        "--engine": engine,
        "--model": model,
        "--part": settings.part,
        "--labels": settings.labels,
        "--objects": settings.objects,
        "--limit": settings.limit,
        "--seed": settings.seed if settings.seed != default.seed else None,
        "--rule": settings.seen.rule,
        "--vision": settings.vision if settings.vision != default.vision else None,
        "--jobs": settings.jobs,
        "--device": settings.device if settings.device != default.device else None,
    }
    words += [str(word) for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["soundsieve", "evaluate", "watch", *words, *(["--pairs"] if settings.pairs else [])])
