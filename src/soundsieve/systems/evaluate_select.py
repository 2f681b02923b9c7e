"""Evaluating a selector: a checkpoint, the recordings of its recipe, the paper's conditions, a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from soundsieve import checkpoint, recipes
from soundsieve.checkpoint import Checkpoint
from soundsieve.corpus import Corpus, SourceSettings, open_corpus
from soundsieve.errors import SettingsError
from soundsieve.evaluation.gated import GatedEstimator, loudest_second_db
from soundsieve.evaluation.presence import calibrate_thresholds
from soundsieve.evaluation.queries import Estimator, Progress
from soundsieve.evaluation.report import Report, summarise
from soundsieve.evaluation.select import SEEN, UNSEEN, DrawnMixtures, evaluate, mixture_sets
from soundsieve.mixing import Draw
from soundsieve.settings import Settings, read_yaml
from soundsieve.systems.select import Selector
from soundsieve.training.recipe import SelectRecipe


class EvaluationSettings(Settings):
    """What a selector is evaluated on."""

    subset: str = Field("test", description="which recordings; the recipe's subsets are train, validation and test")
    mixtures: int = Field(500, ge=1, description="mixtures in each set")
    seed: int = Field(0, ge=0, description="decides every mixture and every question")
    gate: bool = Field(True, description="as delivered, absent classes held back; False: the bare network")


def evaluate_selector(
    model: str | Path,
    data: Path,
    settings: EvaluationSettings | None = None,
    *,
    recipe: str | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Report:
    """Evaluate a selector on mixtures of the recordings that its recipe set aside.

    Args:
        model: A released name, a checkpoint or a run folder.
        data: The folder that the recipe's data sets lie in.
        settings: On what.
        recipe: Other recordings and mixtures than those of the checkpoint's own recipe: a name or a YAML file.
        device: auto, cpu, cuda, …
        progress: Called after each mixture with how many are done, and of how many.

    Raises:
        CheckpointError: when there is no such model, or it is no selector.
        DatasetError: when recordings are missing.
        SettingsError: when the recordings hold none of the model's classes, or there is no recipe.
    """
    settings = settings or EvaluationSettings()
    source = checkpoint.locate(model)
    loaded = checkpoint.load(source)
    selector = Selector(loaded, device)
    chosen, own = _recipe(loaded, source, recipe)
    corpus = open_corpus(chosen.corpus, data)
    _check_classes(loaded, corpus, settings.subset)
    compare = own and settings.subset != "train" and "train" in corpus.events
    name = {"train": SEEN, "validation": "validation"}.get(settings.subset, UNSEEN) if own else settings.subset
    sets = mixture_sets(
        corpus.banks(settings.subset, loaded.sample_rate),
        corpus.banks("train", loaded.sample_rate) if compare else None,
        chosen.protocol,
        count=settings.mixtures,
        seed=settings.seed,
        recordings=name,
    )
    evaluation = evaluate(
        _estimator(selector, loaded, settings), sets, loaded.classes, seed=settings.seed, progress=progress
    )
    return summarise(evaluation, _protocol(str(model), loaded, chosen, corpus, data, settings))


def calibrate_selector(
    model: str | Path,
    data: Path,
    *,
    mixtures: int = 1000,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, float]:
    """Find each class's threshold for the gate on mixtures of the validation recordings.

    Args:
        model: A released name, a checkpoint or a run folder.
        data: The folder that the recipe's data sets lie in.
        mixtures: How many mixtures.
        seed: Of the mixtures and questions.
        device: auto, cpu, cuda, …
        progress: Called after each mixture.

    Returns:
        Class → level in dB of the loudest second, for the card's `thresholds_db`.

    Raises:
        CheckpointError, DatasetError, SettingsError: As for `evaluate_selector`.
    """
    source = checkpoint.locate(model)
    loaded = checkpoint.load(source)
    chosen, _ = _recipe(loaded, source, None)
    corpus = open_corpus(chosen.corpus, data)
    _check_classes(loaded, corpus, "validation")
    banks = corpus.banks("validation", loaded.sample_rate)
    drawn = DrawnMixtures(banks, chosen.protocol, (seed, Draw.CALIBRATION), mixtures)
    measure = loudest_second_db(loaded.sample_rate)
    estimator = Selector(loaded, device).estimate
    return calibrate_thresholds(estimator, drawn, loaded.classes, seed=seed, measure=measure, progress=progress)


def _recipe(loaded: Checkpoint, source: Path, other: str | Path | None) -> tuple[SelectRecipe, bool]:
    """The recipe that says what to evaluate on, and whether its recordings are divided as they were in training."""
    own = SelectRecipe.parse(loaded.recipe) if loaded.recipe else None
    if other is None:
        if own is None:
            raise SettingsError(f"{source}: does not say what it was trained on; give a recipe to evaluate it with")
        return own, True
    chosen = SelectRecipe.parse(read_yaml(recipes.locate("select", other)))
    return chosen, own is not None and chosen.corpus == own.corpus


def _check_classes(loaded: Checkpoint, corpus: Corpus, subset: str) -> None:
    if not set(loaded.classes) & set(corpus.classes(subset)):
        raise SettingsError(
            f"subset {subset!r}: holds recordings of {', '.join(corpus.classes(subset)) or 'no class'}, none of them"
            f" among the model's classes ({', '.join(loaded.classes)})"
        )


def _estimator(selector: Selector, loaded: Checkpoint, settings: EvaluationSettings) -> Estimator:
    if not settings.gate:
        return selector.estimate
    return GatedEstimator(
        selector.estimate,
        loaded.classes,
        loaded.sample_rate,
        thresholds_db=loaded.card.get("thresholds_db", {}),
        settings=selector.settings.gate,
    )


def _protocol(
    model: str, loaded: Checkpoint, recipe: SelectRecipe, corpus: Corpus, data: Path, settings: EvaluationSettings
) -> dict[str, Any]:
    def used(sources: tuple[SourceSettings, ...]) -> list[str]:
        there = [source for source in sources if (data / source.root).is_dir()]
        return [source.dataset for source in there if settings.subset in _subsets(source)]

    counts = {label: count for label, count in corpus.counts(settings.subset).items() if label}
    return {
        "model": model,
        "architecture": loaded.model,
        "classes": list(loaded.classes),
        "sample_rate_hz": loaded.sample_rate,
        "events": used(recipe.corpus.events),
        "backgrounds": used(recipe.corpus.backgrounds),
        "background_recordings": len(corpus.backgrounds.get(settings.subset, ())),
        "recordings_per_class": counts,
        "classes_without_recordings": sorted(set(loaded.classes) - set(counts)),
        "mixture": recipe.protocol.model_dump(mode="json"),
        **settings.model_dump(),
    }


def _subsets(source: SourceSettings) -> set[str]:
    return {*(source.parts or source.fractions or ()), *(("validation",) if source.validation else ())}
