"""On real recordings: the floor and the ceiling that a selector's score has to be read between."""

from pathlib import Path

import numpy as np
import pytest

from soundsieve.corpus import CorpusSettings, open_corpus
from soundsieve.evaluation.baselines import silence
from soundsieve.evaluation.report import summarise
from soundsieve.evaluation.select import KEEP, evaluate, mixture_sets
from soundsieve.mixing import MixtureSettings


@pytest.mark.shared_data
def test_silence_passes_for_five_decibels_and_the_ceiling_is_far_above(shared_data: Path) -> None:
    settings = CorpusSettings.parse(
        {
            "events": [{"dataset": "esc10", "root": "esc10", "parts": {"test": ["fold5"]}, "most_per_label": 4}],
            "backgrounds": [{"dataset": "noises", "root": "noises", "keep": ["wind"], "fractions": {"test": 1.0}}],
        }
    )
    corpus = open_corpus(settings, shared_data)
    assert len(corpus.classes("test")) == 10
    sets = mixture_sets(corpus.banks("test", 16_000), None, MixtureSettings(), count=12, seed=0)
    found = summarise(evaluate(silence, sets, corpus.classes("test")), {})
    of_row = {(row.condition, row.task): row.summary for row in found.conditions}
    single = of_row["one class of 3–5", KEEP]
    assert single.output_sdr == 0
    assert 3 < single.sdr.mean < 8, "one class of three to five starts at about -5 dB"
    assert single.sdr.mean == single.silence
    assert single.ideal_sdr > single.silence + 5
    assert of_row["one class of 3", KEEP].silence < single.silence
    assert of_row["three classes of 3–5", KEEP].silence < 0, "what is wanted is most of the mixture"
    assert np.isnan(single.si_sdr.mean)
