from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rated_stems import RATE, SYSTEMS, write_stems, write_tone
from recordings import tone
from soundsieve import audio
from soundsieve.errors import AudioError, SettingsError
from soundsieve.evaluation.listening_material import find_material
from soundsieve.evaluation.ratings import RatingsFile
from soundsieve.web.listening_session import (
    ListeningSettings,
    ListeningTest,
    OutdatedError,
    RatedAlreadyError,
    RequestError,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_stems(tmp_path / "stems")


def open_test(folder: Path, **settings: Any) -> ListeningTest:
    values = ListeningSettings.parse({"excerpt_s": 1.0, **settings})
    return ListeningTest(find_material(folder), RatingsFile(folder / "ratings.csv"), values)


def answer(state: dict[str, Any], *values: int) -> dict[str, Any]:
    given = values or range(1, len(state["versions"]) + 1)
    ratings = [{"rating": value, "listened_s": 2.0} for value in given]
    return {"listener": state["listener"], "trial": state["trial"], "token": state["token"], "ratings": ratings}


def test_a_test_from_beginning_to_end(folder: Path) -> None:
    finished: list[str] = []
    test = open_test(folder)
    test.finished = finished.append
    assert test.begin({"listener": "  Vera   V "}) == {"listener": "Vera V", "trials": 4, "done": 0}
    state, seen = test.next_trial("Vera V"), []
    while not state["finished"]:
        assert (state["done"], state["trial"]) == (len(seen), len(seen) + 1)
        seen.append((state["song"], state["stem"]))
        assert finished == []
        state = test.rate(answer(state))
    assert finished == ["Vera V"]
    assert sorted(seen) == [(song, stem) for song in ("One", "Two") for stem in ("drums", "vocals")]
    rows = test.ratings.read()
    assert [(row.song, row.stem) for row in rows[::3]] == seen
    assert [row.rating for row in rows] == [1, 2, 3] * 4
    assert [row.position for row in rows] == [1, 2, 3] * 4
    assert all({row.system for row in rows[k : k + 3]} == {"alpha", "beta", "reference"} for k in range(0, 12, 3))
    assert {(row.listened_s, row.seed, row.excerpt_s) for row in rows} == {(2.0, 0, 1.0)}


def test_the_system_saved_is_the_one_that_was_heard(folder: Path) -> None:
    test = open_test(folder, match_levels=False)
    state = test.next_trial("Vera")
    heard = []
    for version in state["versions"]:
        excerpt = test.audio(version["audio"].removeprefix("audio/"))
        assert excerpt is not None
        heard.append(abs(excerpt.read()[0]).max())
    test.rate(answer(state))
    loudness = {**SYSTEMS, "reference": 0.3}
    assert heard == pytest.approx([loudness[row.system] for row in test.ratings.read()], abs=0.01)


def test_versions_are_equally_loud_unless_asked_otherwise(folder: Path) -> None:
    for match, expected in (
        (True, {"alpha": 3.52, "beta": -2.5, "reference": 0.0}),
        (False, dict.fromkeys("abr", 0.0)),
    ):
        test = open_test(folder, match_levels=match)
        listener = f"Vera {match}"
        state = test.next_trial(listener)
        assert state["levels_matched"] is match
        test.rate(answer(state))
        gains = {row.system: row.gain_db for row in test.ratings.read() if row.listener == listener}
        assert sorted(gains.values()) == pytest.approx(sorted(expected.values()), abs=0.01)


@pytest.mark.parametrize("anchor", [False, True])
def test_nothing_told_to_the_page_names_a_system(folder: Path, anchor: bool) -> None:
    test = open_test(folder, anchor=anchor)
    told = [test.begin({"listener": "Vera"})]
    state = test.next_trial("Vera")
    while not state["finished"]:
        told.append(state)
        assert len(state["versions"]) == 3 + anchor
        assert [set(version) for version in state["versions"]] == [{"label", "audio"}] * (3 + anchor)
        state = test.rate(answer(state))
    text = json.dumps([*told, state]).lower()
    assert not any(name in text for name in (*SYSTEMS, ".wav", str(folder).lower()))
    numbers = [version["audio"] for one in told[1:] for version in one["versions"]]
    opened = [one[name] for one in told[1:] for name in ("reference", "mixture")]
    assert len(set(numbers + opened)) == len(numbers + opened)  # the hidden reference is not known by the open one's


def test_numbers_differ_between_listeners_trials_and_servers(folder: Path) -> None:
    test = open_test(folder)
    first = [version["audio"] for version in test.next_trial("Vera")["versions"]]
    assert [version["audio"] for version in test.next_trial("Vera")["versions"]] == first
    assert not {version["audio"] for version in open_test(folder).next_trial("Vera")["versions"]} & set(first)
    numbers = []
    for opened, listener in ((test, "Vera"), (test, "Wim"), (open_test(folder), "Xenia")):
        state = opened.next_trial(listener)
        while not state["finished"]:
            numbers += [version["audio"] for version in state["versions"]]
            state = opened.rate(answer(state))
    assert len(set(numbers)) == 3 * 4 * 3


def test_a_listener_who_comes_back_goes_on(folder: Path) -> None:
    first = open_test(folder)
    state = first.rate(answer(first.next_trial("Vera")))
    second = open_test(folder)
    assert second.begin({"listener": "Vera"})["done"] == 1
    resumed = second.next_trial("Vera")
    assert [resumed[name] for name in ("trial", "song", "stem")] == [state[name] for name in ("trial", "song", "stem")]
    assert open_test(folder, seed=5).begin({"listener": "Vera"})["done"] == 1  # what is rated counts in any order
    assert second.begin({"listener": "Wim"})["done"] == 0


def test_a_trial_is_saved_once(folder: Path) -> None:
    test = open_test(folder)
    given = answer(test.next_trial("Vera"))
    test.rate(given)
    with pytest.raises(RatedAlreadyError):
        test.rate(given)
    assert len(test.ratings.read()) == 3


def deep(levels: int) -> object:
    nested: object = 5
    for _ in range(levels):
        nested = [nested]
    return nested


def test_a_page_stays_good_when_the_server_is_started_again(folder: Path) -> None:
    given = answer(open_test(folder).next_trial("Vera"))
    assert open_test(folder).rate(given)["done"] == 1


@pytest.mark.parametrize(
    "settings", [{"seed": 5}, {"excerpt_s": 1.5}, {"anchor": True}, {"match_levels": False}], ids=str
)
def test_a_page_of_another_plan_is_not_saved(folder: Path, settings: dict[str, Any]) -> None:
    given = answer(open_test(folder).next_trial("Vera"))
    changed = open_test(folder, **settings)
    with pytest.raises(OutdatedError, match="the test has changed since this page was loaded"):
        changed.rate(given)
    assert changed.ratings.read() == []
    assert changed.rate(answer(changed.next_trial("Vera")))["done"] == 1


def test_a_page_is_not_saved_after_a_system_came_or_a_recording_was_written_anew(folder: Path) -> None:
    test = open_test(folder)
    state = test.next_trial("Vera")
    for path in (folder / "alpha").glob(f"{state['song']}.{state['stem']}.wav"):
        os.utime(path, ns=(0, 0))
    with pytest.raises(OutdatedError):
        test.rate(answer(state))
    state = test.next_trial("Vera")
    write_tone(folder / "gamma" / f"{state['song']}.{state['stem']}.wav", 0.1)
    write_tone(folder / "gamma" / "Three.drums.wav", 0.1)
    with pytest.raises(OutdatedError):
        open_test(folder).rate(answer(state))
    assert test.ratings.read() == []


def test_a_page_of_another_listener_is_not_saved(folder: Path) -> None:
    test = open_test(folder)
    with pytest.raises(OutdatedError):
        test.rate(answer(test.next_trial("Vera")) | {"listener": "Wim"})


def test_a_name_in_another_case_is_the_same_listener(folder: Path) -> None:
    test = open_test(folder)
    test.rate(answer(test.next_trial("Vera")))
    assert test.begin({"listener": "VERA"}) == {"listener": "Vera", "trials": 4, "done": 1}
    state = test.next_trial("vera")
    assert (state["listener"], state["done"]) == ("Vera", 1)
    test.rate(answer(state) | {"listener": "vera"})
    assert {row.listener for row in test.ratings.read()} == {"Vera"}


def test_what_is_heard_openly_is_played_below_full_scale(folder: Path) -> None:
    for song in ("One", "Two"):
        wave = tone(330, 2.0, RATE, channels=2, amplitude=0.5)
        wave[:, RATE // 2 :: RATE] = 1.96
        audio.write(folder / "mixture" / f"{song}.wav", wave, RATE, subtype="FLOAT", force=True)
    test = open_test(folder)
    state = test.next_trial("Vera")
    excerpts = {name: test.audio(state[name].removeprefix("audio/")) for name in ("reference", "mixture")}
    assert all(one is not None and one.gain_db == pytest.approx(-6.02, abs=0.01) for one in excerpts.values())
    test.rate(answer(state))
    gains = sorted(row.gain_db for row in test.ratings.read())
    assert gains == pytest.approx([-2.5 - 6.02, -6.02, 3.52 - 6.02], abs=0.02)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trial": 9}, "the test has changed"),
        ({"trial": 0}, "trial = 0: must be 1 to 4"),
        ({"trial": True}, "trial = True: must be 1 to 4"),
        ({"trial": 10**400}, "the test has changed"),
        ({"trial": -(10**4000)}, r"trial = -10+\.\.\.0+: must be 1 to 4"),
        ({"trial": deep(900)}, r"trial = \[\[.*\.\.\..*\]\]: must be"),
        ({"token": None}, "the test has changed"),
        ({"listener": deep(900)}, "must be 1 to 40 letters"),
        ({"listener": 5}, "must be 1 to 40 letters"),
        ({"ratings": [{"rating": 10**400, "listened_s": 1.0}] * 3}, "A: rating = 1000"),
        ({"ratings": [{"rating": 5, "listened_s": 10**400}] * 3}, "heard before it is rated"),
        ({"ratings": [{"rating": 5, "listened_s": float("inf")}] * 3}, "heard before it is rated"),
        ({"trial": None}, "trial = None"),
        ({"listener": "=cmd()"}, "must be 1 to 40 letters"),
        ({"listener": ""}, "must be 1 to 40 letters"),
        ({"ratings": None}, "expected 3 of them"),
        ({"ratings": [{"rating": 5, "listened_s": 1.0}] * 2}, "expected 3 of them"),
        ({"ratings": [{"rating": 11, "listened_s": 1.0}] * 3}, "A: rating = 11"),
        ({"ratings": [{"rating": True, "listened_s": 1.0}] * 3}, "A: rating = True"),
        ({"ratings": [{"rating": 5.5, "listened_s": 1.0}] * 3}, r"A: rating = 5\.5"),
        ({"ratings": [{"rating": 5, "listened_s": 0}] * 3}, "heard before it is rated"),
        ({"ratings": [{"rating": 5, "listened_s": float("nan")}] * 3}, "heard before it is rated"),
        ({"ratings": [{"rating": 5}] * 3}, "heard before it is rated"),
    ],
)
def test_answers_that_the_page_would_not_send_are_refused_and_not_saved(
    folder: Path, change: dict[str, Any], sentence: str
) -> None:
    test = open_test(folder)
    with pytest.raises(RequestError, match=sentence):
        test.rate(answer(test.next_trial("Vera")) | change)
    assert test.ratings.read() == []


def test_who_gives_no_name_is_given_one(folder: Path) -> None:
    test = open_test(folder)
    names = {test.begin({"listener": ""})["listener"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("listener-") for name in names)
    with pytest.raises(RequestError, match="begin with a letter"):
        test.begin({"listener": "<b>"})


def test_an_anchor_needs_a_mixture_of_every_song(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"One: there is no mixture to be the anchor"):
        open_test(write_stems(tmp_path, mixture=False), anchor=True)


def test_a_recording_that_breaks_later_is_an_error_of_its_own(folder: Path) -> None:
    test = open_test(folder)
    for path in folder.rglob("*.wav"):
        path.write_text("no sound")
    with pytest.raises(AudioError):
        test.next_trial("Vera")


def test_a_single_system_without_a_reference_is_rated_by_itself(tmp_path: Path) -> None:
    write_tone(tmp_path / "Song.bass.wav", 0.1)
    state = open_test(tmp_path).next_trial("Vera")
    assert [version["label"] for version in state["versions"]] == ["A"]
    assert (state["reference"], state["mixture"], state["levels_matched"]) == (None, None, False)
