"""Measuring one mixture: known answers for the floor, for a perfect engine, for silence, and for maps of bases."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from made_objects import FRONT_END, LENGTH_S, sound, write_network
from soundsieve import checkpoint
from soundsieve.evaluation.watch import Case, WatchMeasures, bss_sdr_db, measure
from soundsieve.evaluation.watch_scores import CHOICE, ENGINE, IDEAL, MIXTURE, ORACLE, SYSTEMS, MapScores, VideoScores
from soundsieve.inference.object_engines import ObjectMaker, VideoEngine, make_objects
from soundsieve.inference.object_pieces import ObjectEngine, ObjectPieces
from soundsieve.metrics import bss_eval
from tiny_videos import RATE_HZ

MEASURES = WatchMeasures(front_end=FRONT_END, taps=32)
Sounds = Mapping[str, NDArray[np.float32]]


def case(heard: tuple[str, ...], visible: tuple[str, ...] | None = None, unseen: float = 0.0) -> Case:
    objects = {label: sound(label, level=0.1 / (1 + number)) for number, label in enumerate(heard)}
    others = np.stack([sound("unseen", level=unseen)]) if unseen else np.zeros((0, len(objects[heard[0]])), np.float32)
    mixture = np.asarray(sum(objects.values()) + others.sum(0), np.float32)
    return Case("a", ("a.mkv",), mixture, objects, others, visible or heard, {})


def knows(tracks: Sounds) -> ObjectMaker:
    """An engine that knows the tracks of a short recording."""

    def make(labels: tuple[str, ...], seen_at: object) -> VideoEngine:
        def separate(piece: NDArray[np.float32], start_s: float) -> NDArray[np.float32]:
            return np.stack([tracks[label][None, : piece.shape[-1]] for label in labels])

        return VideoEngine(ObjectEngine(labels, separate, ObjectPieces(sample_rate=RATE_HZ, piece_s=3.0)))

    return ObjectMaker(make, 3.0)


def run(maker: ObjectMaker, given: Case, told: tuple[str, ...]) -> VideoScores:
    return measure(maker, given, told, lambda start_s, end_s: told, MEASURES)


def test_a_perfect_engine_is_perfect_and_the_floor_is_what_it_must_be() -> None:
    given = case(("dog", "violin"))
    found = run(knows(given.objects), given, ("dog", "violin"))
    by = {(score.label, score.system): score for score in found.scores}
    assert len(by) == 2 * len(SYSTEMS)
    energies = {label: float((x.astype(np.float64) ** 2).sum()) for label, x in given.objects.items()}
    for label, other in (("dog", "violin"), ("violin", "dog")):
        ours = by[label, ENGINE]
        assert min(ours.sdr, ours.si_sdr, ours.bss_sdr, ours.sir, ours.sar) > 60
        assert by[label, MIXTURE].sdr == pytest.approx(10 * math.log10(energies[label] / energies[other]), abs=0.01)
        assert by[label, MIXTURE].sar > 60  # it has nothing in it but the sounds
        assert by[label, ORACLE].sdr > 15 > by[label, MIXTURE].sdr
        assert by[label, CHOICE].sdr > 8 > by[label, MIXTURE].sdr
        assert by[label, IDEAL].sdr > 15
    assert found.base_map is None
    assert found.duration_s == LENGTH_S


def test_what_is_missed_is_silence() -> None:
    given = case(("dog", "violin"))
    found = run(knows(given.objects), given, ("dog",))
    missed = next(score for score in found.scores if (score.label, score.system) == ("violin", ENGINE))
    assert (missed.found, missed.sdr) == (False, 0.0)
    assert all(math.isnan(value) for value in (missed.si_sdr, missed.bss_sdr, missed.sir, missed.sar))
    nothing = run(knows(given.objects), given, ())
    assert [score.sdr for score in nothing.scores if score.system == ENGINE] == [0.0, 0.0]
    assert VideoScores.from_json(json.loads(json.dumps(nothing.to_json(), allow_nan=False))).given == ()


def test_false_sound_is_the_level_of_its_track() -> None:
    given = case(("dog", "violin"), visible=("car", "dog", "violin"))
    tracks = {**given.objects, "car": 0.1 * given.mixture, "cat": 0 * given.mixture}
    found = run(knows(tracks), given, ("dog", "violin", "car", "cat"))
    car, cat = found.false
    assert (car.label, car.visible, cat.label, cat.visible) == ("car", True, "cat", False)
    assert car.level_db == pytest.approx(-20, abs=0.01)
    assert cat.level_db == -100


def test_what_sounds_unseen_is_interference() -> None:
    quiet, loud = (case(("dog", "violin"), unseen=level) for level in (0.001, 0.2))
    dogs = []
    for given in (quiet, loud):
        tracks = {"dog": given.objects["dog"] + given.others[0], "violin": given.objects["violin"]}
        found = run(knows(tracks), given, ("dog", "violin"))
        assert found.unseen
        dogs.append(next(score for score in found.scores if (score.label, score.system) == ("dog", ENGINE)))
    assert dogs[0].sir > 35
    assert dogs[1].sir == pytest.approx(-6, abs=1)
    assert min(score.sar for score in dogs) > 45  # it is a sound that is known, no artifact


def test_one_sound_alone_has_no_scores() -> None:
    given = case(("dog",))
    found = run(knows(given.objects), given, ("dog",))
    assert (found.scores, found.sounding) == ((), ("dog",))


@pytest.mark.parametrize(("swapped", "right"), [(False, 1.0), (True, 0.0)])
def test_the_map_is_judged_by_the_true_tracks(tmp_path: Path, swapped: bool, right: float) -> None:
    maker = make_objects(checkpoint.load(write_network(tmp_path / "m.safetensors", swapped=swapped)), "cpu")
    told = ("dog", "violin") if not swapped else ("dog", "violin", "car")
    given = case(("dog", "violin"))
    found = run(maker, given, told)
    judged = found.base_map
    assert judged is not None
    assert judged.bases == FRONT_END.components
    assert judged.right / judged.bases == pytest.approx(right, abs=0.2)
    assert judged.right_energy / judged.energy == pytest.approx(right, abs=0.15)  # a base may be of both
    assert judged.guess == pytest.approx(judged.bases / len(told))
    by = {(score.label, score.system): score.sdr for score in found.scores}
    for label in ("dog", "violin"):
        assert by[label, ENGINE] < by[label, ORACLE]
    gain = by["violin", ENGINE] - by["violin", MIXTURE]
    assert gain < 1 if swapped else gain > 8  # the violin gets the dog's sound, or its own


def test_bases_of_what_has_no_track_are_counted_apart(tmp_path: Path) -> None:
    maker = make_objects(checkpoint.load(write_network(tmp_path / "m.safetensors")), "cpu")
    judged = run(maker, case(("dog", "violin")), ("dog",)).base_map
    assert judged is not None
    assert (judged.bases, judged.foreign) == (0, 2)  # a single track cannot be wrong about its own bases
    assert judged.foreign_taken == 2  # with the choice `best` and nothing to beat
    assert judged + MapScores(bases=1) == MapScores(1, foreign=2, foreign_taken=2.0)


def test_the_sdr_of_version_3_is_that_of_mir_eval() -> None:
    separation = pytest.importorskip("mir_eval.separation")
    rng = np.random.default_rng(0)
    true = rng.standard_normal((2, 8_000))
    estimate = true + 0.3 * true[::-1] + 0.2 * rng.standard_normal(true.shape)
    estimate[0] = np.convolve(estimate[0], [1, 0.5, 0.2])[:8_000]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to be removed there
        sdr, sir, sar, _ = separation.bss_eval_sources(true, estimate, compute_permutation=False)
    ours = bss_eval(estimate=estimate[:, None], reference=true[:, None], window=8_000)
    assert ours.sir_db[:, 0] == pytest.approx(sir, abs=0.01)
    assert ours.sar_db[:, 0] == pytest.approx(sar, abs=0.01)
    found = [
        bss_sdr_db(float(one), float(other)) for one, other in zip(ours.sir_db[:, 0], ours.sar_db[:, 0], strict=True)
    ]
    assert found == pytest.approx(sdr, abs=0.01)
