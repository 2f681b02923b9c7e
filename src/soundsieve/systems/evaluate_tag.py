"""Evaluating classifiers: what the models of a run said of their test clips, or a model on the clips it set aside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio, checkpoint, models, recipes
from soundsieve.checkpoint import RUN_FILE, Checkpoint
from soundsieve.corpus import open_corpus
from soundsieve.errors import CheckpointError, SettingsError
from soundsieve.evaluation import predictions, tag_figures
from soundsieve.evaluation.heard import Heard, Said, judge
from soundsieve.evaluation.predictions import Predictions
from soundsieve.evaluation.tag_report import Outcome, TagReport, summarise
from soundsieve.inference.classify import Classifier
from soundsieve.inference.progress import Progress
from soundsieve.metrics.calibration import probabilities
from soundsieve.mixing import Draw
from soundsieve.settings import read_yaml
from soundsieve.training import curves
from soundsieve.training.run import RECIPE_FILE
from soundsieve.training.tag_mixtures import HeardMixtures
from soundsieve.training.tag_recipe import TagRecipe

TEST_FILE, LAST_FILE, CHOICE_FILE = "test.npz", "test_last_epoch.npz", "choice.npz"
_CURVES = {"training loss (nats)": "train/loss_nats", "validation accuracy": "val/accuracy"}


def fold_runs(folder: Path) -> dict[str, Path]:
    """Name → run folder of each finished fold of a run, or of the run itself.

    Raises:
        CheckpointError: when there is none.
    """
    if (folder / RUN_FILE).is_file():
        return {folder.name: folder}
    found = {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{RUN_FILE}"))}
    if not found:
        raise CheckpointError(f"{folder}: holds no finished run; go on with `soundsieve train TASK --resume {folder}`")
    return found


def report_run(folder: Path) -> TagReport:
    """Summarise a run: each test clip as named by the model that neither trained on it nor chose its epoch by it.

    Raises:
        CheckpointError: when no model of the run is finished.
        SettingsError: when its predictions are missing.
    """
    runs = fold_runs(folder)
    outcomes, headers = [], []
    for run in runs.values():
        header = checkpoint.load(run / RUN_FILE, weights=False)
        headers.append(header)
        last = run / LAST_FILE
        outcomes.append(
            Outcome(
                test=predictions.load(run / TEST_FILE),
                last=predictions.load(last) if last.is_file() else None,
                temperature=float(header.card["temperature"]),
                thresholds=header.card["thresholds"],
            )
        )
    recipe = TagRecipe.parse(read_yaml(folder / RECIPE_FILE))
    return summarise(outcomes, recipe.loss.kind, _protocol(folder.name, headers[0], recipe, list(runs)))


def has_folds(model: Path) -> bool:
    """Whether a model's name is the folder of a run with folds, to be summarised as a whole."""
    return model.is_dir() and not (model / RUN_FILE).is_file()


def evaluate_tagger(
    model: str | Path,
    data: Path,
    *,
    subset: str = "test",
    recipe: str | Path | None = None,
    device: str = "auto",
) -> TagReport:
    """Evaluate one model on whole clips, and on sounds of no class where its recipe has some: its backgrounds.

    Args:
        model: A released name, a checkpoint or the folder of one fold's run.
        data: The folder that the recipe's data sets lie in.
        subset: Which of the recordings.
        recipe: Other recordings than those of the checkpoint's own recipe: a name or a YAML file.
        device: auto, cpu, cuda, …

    Raises:
        CheckpointError: when there is no such model, or it is no classifier.
        DatasetError: when recordings are missing.
        SettingsError: when the recordings hold none of the model's classes, or are divided in folds.
    """
    source = checkpoint.locate(model)
    loaded = checkpoint.load(source)
    if loaded.task != "tag":
        raise CheckpointError(f"{source}: a model for the task {loaded.task!r} cannot tag")
    chosen = TagRecipe.parse(loaded.recipe if recipe is None else read_yaml(recipes.locate("tag", recipe)))
    if chosen.corpus.folds:
        raise SettingsError(
            f"{source}: was trained on folds, each of them tested by another model; evaluate the run folder as a whole"
        )
    corpus = open_corpus(chosen.corpus, data)
    events, backgrounds = corpus.banks(subset, loaded.sample_rate)
    others = [item for item in backgrounds.recordings if item.label not in loaded.classes]
    if not set(loaded.classes) & {item.label for item in events.recordings}:
        raise SettingsError(f"subset {subset!r}: holds no recording of the model's classes")
    classifier = Classifier(loaded, device)
    recordings = [*events.recordings, *others]
    test = Predictions(
        classes=loaded.classes,
        files=tuple(item.path.as_posix() for item in recordings),
        sources=tuple(item.group for item in recordings),
        labels=tuple(item.label for item in recordings),
        logits=np.concatenate([classifier.clip_logits([item.waveform()]) for item in recordings]),
    )
    peaks = classifier.peaks(loaded.card["thresholds"])
    least = classifier.heard_at_all(np.array([peaks[name] for name in loaded.classes]))
    thresholds = dict(zip(loaded.classes, least.tolist(), strict=True))
    outcome = Outcome(test, None, classifier.clip_temperature, thresholds, classifier.clip_offset)
    return summarise([outcome], chosen.loss.kind, _protocol(str(model), loaded, chosen, [subset]))


def says_when(model: str | Path) -> bool:
    """Whether a model was trained to say when it hears something.

    Raises:
        CheckpointError: when there is no such model.
    """
    return "stretch" in checkpoint.load(checkpoint.locate(model), weights=False).card


def evaluate_times(
    model: str | Path,
    data: Path,
    *,
    mixtures: int = 300,
    subset: str = "test",
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Heard:
    """Evaluate when a model hears each class, on mixtures of the recordings that its recipe set aside.

    Args:
        model: A released name, a checkpoint or a run folder.
        data: The folder that the recipe's data sets lie in.
        mixtures: How many.
        subset: Of which recordings.
        seed: Decides the mixtures.
        device: auto, cpu, cuda, …
        progress: Called after each mixture.

    Raises:
        CheckpointError: when there is no such model, or it is no classifier.
        DatasetError: when recordings are missing.
        SettingsError: when it does not say when.
    """
    source = checkpoint.locate(model)
    loaded = checkpoint.load(source)
    if loaded.task != "tag":
        raise CheckpointError(f"{source}: a model for the task {loaded.task!r} cannot tag")
    classifier = Classifier(loaded, device)
    if not classifier.stretch:
        raise SettingsError(f"{source}: names whole clips and does not say when")
    recipe = TagRecipe.parse(loaded.recipe)
    banks = open_corpus(recipe.corpus, data).banks(subset, loaded.sample_rate)
    key = (seed, Draw.EVALUATION, 0)
    examples = HeardMixtures(banks, recipe.protocol, mixtures, loaded.classes, classifier.stretch, key)
    named, heard = [], []
    for index in range(mixtures):
        example = examples[index]
        named.append(classifier.stretch_logits([example["waveform"].numpy()])[0])
        heard.append(example["heard"].numpy().T > 0)
        if progress is not None:
            progress(index + 1, mixtures)
    logits = np.stack(named)
    said = Said(
        probabilities(logits, "each", classifier.temperature),
        probabilities(logits, "each"),
        probabilities(logits.max(1), "each", classifier.clip_temperature, classifier.clip_offset),
        probabilities(logits.max(1), "each"),
    )
    stretch_s = classifier.stretch / loaded.sample_rate
    return judge(said, np.stack(heard), loaded.classes, loaded.card["thresholds"], stretch_s=stretch_s)


def pictures(model: str | Path, report: TagReport) -> dict[str, bytes]:
    """Draw a report: confusion, reliability, a run's learning curves, and the worst mistakes where their files are."""
    runs = fold_runs(Path(model)) if Path(model).is_dir() else {}
    loaded = checkpoint.load(next(iter(runs.values())) / RUN_FILE if runs else checkpoint.locate(model))
    there = all(Path(mistake.file).is_file() for mistake in report.mistakes)
    drawn = tag_figures.draw(report, _levels(loaded) if there else None)
    if not runs:
        return drawn
    series = {
        title: {name: curves.series(run, column) for name, run in runs.items()} for title, column in _CURVES.items()
    }
    return {**drawn, "curves.png": tag_figures.overlay(series)}


def _levels(loaded: Checkpoint) -> tag_figures.Levels:
    import torch

    front_end = loaded.build_front_end()

    def show(file: str) -> tuple[NDArray[np.float32], float]:
        samples, rate = audio.read(Path(file))
        waveform = audio.resample(samples.mean(axis=0)[None], rate, loaded.sample_rate)
        with torch.inference_mode():
            features, _ = front_end(torch.from_numpy(waveform))
        return features[0].numpy(), loaded.sample_rate / front_end.settings.hop

    return show


def _protocol(name: str, header: Checkpoint, recipe: TagRecipe, runs: list[str]) -> Mapping[str, Any]:
    network = models.build(header.model, header.hyper, len(header.classes))
    return {
        "model": name,
        "architecture": header.model,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "classes": list(header.classes),
        "data": [source.dataset for source in recipe.corpus.events],
        "protocol": recipe.corpus.protocol if recipe.corpus.folds else "subsets",
        "folds": recipe.corpus.folds,
        "runs": runs,
        "epochs": recipe.training.epochs,
        "seed": recipe.training.seed,
        "reproduces": recipe.reproduces,
    }
