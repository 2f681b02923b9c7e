from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from soundsieve.errors import UnknownNameError
from soundsieve.evaluation.opinion_tables import remarks, render
from soundsieve.evaluation.opinions import opinions
from soundsieve.evaluation.ratings import Rating


def rated(listener: str, song: str, system: str, value: int, stem: str = "vocals") -> Rating:
    return Rating(listener, "2026-01-01T12:00:00Z", 1, song, stem, system, value, 1, 5.0, 0, 0.0, 15.0, 0.0)


def test_the_mean_by_hand() -> None:
    found = opinions([rated("x", "S", "a", 4), rated("y", "S", "a", 5), rated("x", "T", "a", 9)])
    (row,) = found.rows
    assert (row.stem, row.system, row.mos) == ("vocals", "a", 6.0)
    assert (row.ratings, row.listeners, row.songs) == (3, 2, 2)
    assert row.low is not None
    assert row.high is not None
    assert 4 <= row.low < 6 < row.high <= 9


def test_the_interval_of_two_listeners_by_hand() -> None:
    # With weights drawn from an exponential the share of one of two is uniform, and so is a mean between 4 and 8.
    (row,) = opinions([rated("x", "S", "a", 4), rated("y", "S", "a", 8)]).rows
    assert row.low == pytest.approx(4.1, abs=0.06)
    assert row.high == pytest.approx(7.9, abs=0.06)


def test_one_listener_and_one_song_have_no_interval() -> None:
    found = opinions([rated("x", "S", "a", 4), rated("x", "S", "b", 8)])
    assert {(row.low, row.high) for row in found.rows} == {(None, None)}
    assert found.differences[0].low is None


def test_the_interval_holds_the_truth_nearly_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    held, draws = 0, 80
    for _ in range(draws):
        listeners, songs = generator.normal(0, 1, (10, 1)), generator.normal(0, 1, (1, 10))
        values = np.rint(5.5 + listeners + songs + generator.normal(0, 1, (10, 10))).clip(1, 10)
        rows = opinions([rated(f"l{i}", f"s{j}", "a", int(values[i, j])) for i in range(10) for j in range(10)]).rows
        held += rows[0].low < 5.5 < rows[0].high  # type: ignore[operator]
    assert 0.85 <= held / draws <= 0.99


def test_stems_are_kept_apart_and_put_together_at_the_end() -> None:
    ratings = [rated(who, "S", "a", value, stem) for who in "xy" for stem, value in (("bass", 2), ("vocals", 8))]
    references = [rated("x", "S", "reference", value, stem) for stem, value in (("bass", 10), ("vocals", 9))]
    found = opinions([*ratings, *references])
    assert [(row.stem, row.system, row.mos) for row in found.rows] == [
        ("bass", "a", 2.0),
        ("bass", "reference", 10.0),
        ("vocals", "a", 8.0),
        ("vocals", "reference", 9.0),
        ("all", "a", 5.0),
        ("all", "reference", 9.5),
    ]
    assert not any("every system was rated on" in sentence for sentence in remarks(found))


def test_all_is_over_what_every_system_was_rated_on() -> None:
    # The one system is as good as the other wherever both are, and has a hard stem and a hard song besides.
    both = [rated("x", "S", system, value, stem) for system in "ab" for stem, value in (("bass", 4), ("vocals", 8))]
    more = [rated("x", "S", "a", 1, "drums"), rated("x", "T", "a", 1, "vocals")]
    hidden = [rated("x", "S", "reference", 10, stem) for stem in ("bass", "drums")]
    found = opinions([*both, *more, *hidden])
    rows = {row.system: (row.mos, row.ratings) for row in found.rows if row.stem == "all"}
    assert rows == {"a": (6.0, 2), "b": (6.0, 2)}  # the reference lacks the vocals
    assert (found.shared, found.stems) == (2, 4)
    assert "all: every system was rated on 2 of 4 stems of songs; over those." in remarks(found)
    assert [row.pairs for row in found.differences if row.stem == "all"] == [2]


@pytest.mark.parametrize(("stems", "shared"), [(["drums"], 0), (["vocals"], 1)])
def test_there_is_no_all_where_the_systems_share_too_little(stems: list[str], shared: int) -> None:
    ratings = [rated("x", "S", "a", 5, stem) for stem in ("bass", "vocals")]
    found = opinions([*ratings, *(rated("x", "S", "b", 5, stem) for stem in stems)])
    assert "all" not in {row.stem for row in found.rows}
    assert any(sentence.startswith(f"No all: every system was rated on {shared} of ") for sentence in remarks(found))


def test_names_that_differ_in_case_alone_are_one() -> None:
    first = [rated("Vera", "Song", "Ours", 2), rated("x", "Song", "Ours", 6)]
    found = opinions([*first, rated("vera", "SONG", "ours", 4), rated("x", "Song", "Reference", 9)])
    assert [(row.system, row.mos, row.ratings, row.listeners, row.songs) for row in found.rows] == [
        ("Ours", 5.0, 2, 2, 1),
        ("reference", 9.0, 1, 1, 1),
    ]
    assert found.listeners == ("Vera", "x")


def test_who_only_practised_is_left_out_by_name() -> None:
    ratings = [rated("Vera", "S", "a", 4), rated("Try Out", "S", "a", 10), *references("Try Out", 4, 0)]
    found = opinions(ratings, without=["try out"])
    assert [(row.system, row.mos) for row in found.rows] == [("a", 4.0)]
    assert (found.listeners, found.doubts, found.without) == (("Vera",), (), ("Try Out",))
    assert "Left out as asked: Try Out." in remarks(found)
    with pytest.raises(UnknownNameError, match="unknown listener 'Veera': did you mean 'Vera'"):
        opinions(ratings, without=["Vera", "Veera"])


def test_differences_are_those_of_the_same_listener_and_song() -> None:
    # Listeners and songs differ widely, the systems by 2 every time: the difference is sure where the means are not.
    levels = {("x", "S"): 3, ("x", "T"): 5, ("y", "S"): 6, ("y", "T"): 8}
    ratings = [
        rated(*key, system, value + more) for key, value in levels.items() for system, more in (("a", 2), ("b", 0))
    ]
    found = opinions([*ratings, rated("z", "S", "b", 1), rated("x", "S", "reference", 10)])
    (row,) = found.differences
    assert (row.system, row.other, row.mean, row.pairs) == ("a", "b", 2.0, 4)
    assert (row.low, row.high) == (pytest.approx(2.0), pytest.approx(2.0))


def test_the_last_rating_of_the_same_counts() -> None:
    (row,) = opinions([rated("x", "S", "a", 2), rated("x", "S", "a", 9)]).rows
    assert (row.mos, row.ratings) == (9.0, 1)


def references(listener: str, low: int, high: int) -> list[Rating]:
    """Rate `low` references 7 and `high` of them 8."""
    return [rated(listener, f"song {k}", "reference", 7 if k < low else 8) for k in range(low + high)]


def test_who_rates_references_low_is_named_and_left_out_only_when_asked() -> None:
    good = [*references("good", 3, 17), rated("good", "S", "a", 4)]  # 15 % are allowed
    deaf = [*references("deaf", 4, 16), rated("deaf", "S", "a", 10)]
    found = opinions(good + deaf)
    assert [(doubt.listener, doubt.references, doubt.missed) for doubt in found.doubts] == [("deaf", 20, 4)]
    assert next(row.mos for row in found.rows if row.system == "a") == 7.0
    assert found.listeners == ("deaf", "good")
    assert "counted all the same; --screen leaves them out" in remarks(found)[-1]
    screened = opinions(good + deaf, screen=True)
    assert next(row.mos for row in screened.rows if row.system == "a") == 4.0
    assert screened.listeners == ("good",)
    assert screened.doubts == found.doubts
    assert remarks(screened)[-1] == "deaf rated 4 of 20 hidden references below 8: left out."


def test_when_nobody_is_left_it_is_said() -> None:
    found = opinions(references("deaf", 4, 0), screen=True)
    assert found.rows == ()
    assert "No rating is left." in remarks(found)


def test_few_listeners_and_songs_are_remarked_upon() -> None:
    few = remarks(opinions([rated("x", "S", "a", 4)]))
    assert any(sentence.startswith("1 listener: too few") for sentence in few)
    assert any(sentence.startswith("1 song: too few") for sentence in few)
    many = [rated(f"l{i}", f"s{j}", "a", 4) for i in range(10) for j in range(4)]
    assert len(remarks(opinions(many))) == 1


def test_it_is_printed_and_given_as_json() -> None:
    found = opinions([rated(who, "S", system, value) for who in "xy" for system, value in (("a", 4), ("b", 7))])
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(found))
    assert "4.00" in capture.get()
    assert "a − b" in capture.get()
    assert "-3.00" in capture.get()
    values = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [row["mos"] for row in values["rows"]] == [4.0, 7.0]
    assert values["screened"] is False
