"""The protocol, with selectors whose score is known beforehand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from sounds import LABELS, background_bank, event_bank
from soundsieve.evaluation import baselines
from soundsieve.evaluation.presence import SILENCE_DB
from soundsieve.evaluation.select import (
    KEEP,
    REMOVE_BY_SUBTRACTION,
    REMOVE_DIRECTLY,
    SEEN,
    TASKS,
    UNSEEN,
    DrawnMixtures,
    Evaluation,
    MixtureSet,
    evaluate,
    mixture_sets,
)
from soundsieve.metrics import sdr_db, si_sdr_db
from soundsieve.mixing import MixtureSettings, Rendered

CLASSES = tuple(sorted(LABELS))
BANKS = (event_bank(), background_bank())
SHORT = MixtureSettings(duration_s=1.0, event_s=(0.3, 0.6))
SETS = mixture_sets(BANKS, (event_bank(takes=2), background_bank()), SHORT, count=6, seed=0)


class Oracle:
    """Knows every mixture of `SETS`, and hands over the wanted classes times `gain`."""

    def __init__(self, gain: float = 1.0, sets: tuple[MixtureSet, ...] = SETS) -> None:
        self.gain = gain
        self.calls = 0
        sounds = [part.mixtures(index) for part in sets for index in range(len(part.mixtures))]
        self.sounds = {sound.mixture.tobytes(): sound for sound in sounds}

    def __call__(self, mixture: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        sound = self.sounds[mixture.numpy().tobytes()]
        stack = np.zeros((len(CLASSES), mixture.shape[-1]), np.float32)
        for label, wave in sound.references.items():
            stack[CLASSES.index(label)] = wave
        return self.gain * wanted @ torch.from_numpy(stack)


def test_the_sets_are_the_papers_and_share_no_mixture() -> None:
    conditions = [(part.recordings, part.condition(k)) for part in SETS for k in part.wanted]
    assert conditions == [
        (UNSEEN, "one class of 3"),
        (UNSEEN, "one class of 3–5"),
        (UNSEEN, "two classes of 3–5"),
        (UNSEEN, "three classes of 3–5"),
        (SEEN, "one class of 3–5"),
    ]
    assert all(len(SETS[0].mixtures(k).references) == 3 for k in range(6))
    sounds = {part.mixtures(k).mixture.tobytes() for part in SETS for k in range(6)}
    assert len(sounds) == 18


def test_fewer_classes_give_conditions_that_say_so() -> None:
    few = mixture_sets((event_bank(LABELS[:4]), background_bank()), None, SHORT, count=1, seed=0)
    assert [part.condition(k) for part in few for k in part.wanted][-1] == "three classes of 3–4"
    two = mixture_sets((event_bank(LABELS[:2]), background_bank()), None, SHORT, count=1, seed=0)
    assert [part.condition(k) for part in two for k in part.wanted] == ["one class of 2", "two classes of 2"]
    two[0].mixtures(0)


def test_a_perfect_selector() -> None:
    oracle = Oracle()
    found = evaluate(oracle, SETS, CLASSES)
    assert oracle.calls == 18, "each mixture is encoded once, with all its questions"
    assert min(s.sdr for s in found.scores if s.task in (KEEP, REMOVE_BY_SUBTRACTION)) > 60
    assert all(level.level_db == SILENCE_DB for level in found.levels if not level.present)
    assert all(level.level_db > -30 for level in found.levels if level.present)
    assert all(s.ideal_sdr > s.input_sdr for s in found.scores)


def test_removing_directly_lacks_the_background_and_nothing_else() -> None:
    oracle = Oracle()
    found = evaluate(oracle, SETS[:1], CLASSES)
    for score in (s for s in found.scores if s.task == REMOVE_DIRECTLY):
        sound = SETS[0].mixtures(score.mixture)
        rest = sound.mixture - np.sum([sound.references[label] for label in score.wanted], axis=0)
        assert score.sdr == pytest.approx(float(sdr_db(estimate=rest - sound.residual, reference=rest)), abs=1e-3)
        assert 10 < score.sdr < 30, "the background lies 15-25 dB below the events"


def test_nine_tenths_of_what_was_wanted_is_twenty_decibels_whatever_was_asked() -> None:
    found = evaluate(Oracle(gain=0.9), SETS, CLASSES)
    assert np.array([s.sdr for s in found.scores if s.task == KEEP]) == pytest.approx(20.0, abs=1e-3)
    assert min(s.si_sdr for s in found.scores if s.task == KEEP) > 60


def test_the_mixture_itself_improves_nothing() -> None:
    found = evaluate(baselines.mixture_itself, SETS, CLASSES)
    kept = [s for s in found.scores if s.task == KEEP]
    assert [s.sdr for s in kept] == pytest.approx([s.input_sdr for s in kept], abs=1e-4)
    assert [s.si_sdr for s in kept] == pytest.approx([s.input_si_sdr for s in kept], abs=1e-4)
    nothing_left = [s for s in found.scores if s.task == REMOVE_BY_SUBTRACTION]
    assert np.array([s.sdr for s in nothing_left]) == pytest.approx(0.0, abs=1e-4)


def test_silence_scores_zero_which_would_pass_for_an_improvement() -> None:
    found = evaluate(baselines.silence, SETS, CLASSES)
    one = [s for s in found.scores if s.task == KEEP and s.condition == "one class of 3–5"]
    assert np.array([s.sdr for s in one]) == pytest.approx(0.0, abs=1e-6)
    assert all(np.isnan(s.si_sdr) for s in one)
    assert np.mean([s.sdr - s.input_sdr for s in one]) > 3


def test_a_score_is_what_the_waveforms_say() -> None:
    filters = torch.randn(len(CLASSES), generator=torch.Generator().manual_seed(0))

    def estimator(mixture: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return (wanted @ filters)[..., None] * mixture.roll(3, -1) + 0.3 * mixture

    found = evaluate(estimator, SETS[1:2], CLASSES)
    assert {s.task for s in found.scores} == set(TASKS)
    for score in found.scores:
        sound = SETS[1].mixtures(score.mixture)
        wanted = np.sum([sound.references[label] for label in score.wanted], axis=0)
        others = [name for name in CLASSES if (name in score.wanted) == (score.task != REMOVE_DIRECTLY)]
        row = torch.tensor([[float(name in others) for name in CLASSES]])[None]
        estimate = estimator(torch.from_numpy(sound.mixture)[None, None], row).numpy()[0, 0]
        estimate = sound.mixture - estimate if score.task == REMOVE_BY_SUBTRACTION else estimate
        reference = wanted if score.task == KEEP else sound.mixture - wanted
        waves = {"estimate": estimate, "reference": reference}
        assert score.sdr == pytest.approx(float(sdr_db(**waves)), abs=1e-3)
        assert score.si_sdr == pytest.approx(float(si_sdr_db(**waves)), abs=1e-3)
        assert score.input_sdr == pytest.approx(float(sdr_db(estimate=sound.mixture, reference=reference)), abs=1e-3)


def test_removing_everything_but_the_background_is_not_scored() -> None:
    found = evaluate(Oracle(), SETS, CLASSES)
    all_of_them = [s for s in found.scores if len(s.wanted) == len(SETS[1].mixtures(s.mixture).references)]
    whole = [s for s in all_of_them if s.condition == "three classes of 3–5"]
    assert whole
    assert {s.task for s in whole} == {KEEP}


def test_the_same_seed_asks_the_same_questions() -> None:
    def asked(found: Evaluation) -> list[tuple[int, tuple[str, ...]]]:
        return [(s.mixture, s.wanted) for s in found.scores] + [(x.mixture, (x.label,)) for x in found.levels]

    first, again = evaluate(Oracle(0.5), SETS, CLASSES), evaluate(Oracle(0.5), SETS, CLASSES)
    assert first == again
    assert asked(first) != asked(evaluate(Oracle(0.5), SETS, CLASSES, seed=1))
    drawn = SETS[0].mixtures
    assert isinstance(drawn, DrawnMixtures)
    assert not np.array_equal(drawn(0).mixture, replace(drawn, key=(1, *drawn.key[1:]))(0).mixture)


def test_as_many_absent_classes_are_asked_for_as_present_ones() -> None:
    found = evaluate(Oracle(), SETS, CLASSES)
    for part in SETS:
        for index in range(len(part.mixtures)):
            there = set(part.mixtures(index).references)
            rows = [x for x in found.levels if (x.recordings, x.mixture) == (part.recordings, index)]
            assert all(x.present == (x.label in there) or part.recordings == UNSEEN for x in rows)
    counts = Counter(x.present for x in found.levels if x.recordings == SEEN)
    present = sum(len(SETS[2].mixtures(k).references) for k in range(6))
    assert counts[True] == present
    assert present - 6 * 3 <= counts[False] <= present, "with seven classes at most four are absent of three present"


def test_a_class_that_the_model_does_not_know_is_never_asked_for_but_stays_in_the_mixture() -> None:
    known = CLASSES[:4]

    def estimator(mixture: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        assert wanted.shape[-1] == 4
        return baselines.mixture_itself(mixture, wanted)

    found = evaluate(estimator, SETS, known)
    assert found.scores
    assert {label for s in found.scores for label in s.wanted} <= set(known)
    assert {x.label for x in found.levels} <= set(known)
    one = next(s for s in found.scores if s.task == KEEP)
    sound = SETS[0].mixtures(one.mixture)
    expected = float(sdr_db(estimate=sound.mixture, reference=sound.references[one.wanted[0]]))
    assert one.input_sdr == pytest.approx(expected, abs=1e-3)


def test_a_class_that_a_cut_left_silent_is_not_asked_for() -> None:
    class Silenced:
        def __len__(self) -> int:
            return 1

        def __call__(self, index: int) -> Rendered:
            sound = SETS[0].mixtures(0)
            first = next(iter(sound.references))
            silent = {**sound.references, first: np.zeros_like(sound.mixture)}
            return Rendered(np.sum([*silent.values(), sound.residual], axis=0), silent, sound.residual)

    found = evaluate(baselines.mixture_itself, [MixtureSet(UNSEEN, (3, 3), (1, 2), Silenced())], CLASSES)
    silent = next(iter(SETS[0].mixtures(0).references))
    assert all(silent not in s.wanted for s in found.scores)
    assert silent not in {x.label for x in found.levels}
    assert all(np.isfinite(s.sdr) for s in found.scores)


def test_progress_counts_every_mixture() -> None:
    seen: list[tuple[int, int]] = []
    evaluate(baselines.silence, SETS, CLASSES, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k + 1, 18) for k in range(18)]
