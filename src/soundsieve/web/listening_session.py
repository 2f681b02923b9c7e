"""What the listening page asks and is told; what it is told never says which system it hears.

A version of a stem is known to the page by a number that depends on the listener, the trial and a secret drawn when the
server starts, so that neither an address nor a file name tells one system from another, nor the same system again.

A page sends back, with its ratings, a token of what it showed. It is the same when the server is started again and
another when anything that is heard has changed, so that no rating is saved for what was not heard. It says nothing of
the systems: it cannot be made without their files' paths, sizes and times of writing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import reprlib
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from soundsieve.errors import SoundsieveError
from soundsieve.evaluation.listening_excerpt import LONGEST_S, Excerpt, loudest_part, match_levels
from soundsieve.evaluation.listening_material import Material
from soundsieve.evaluation.listening_plan import Trial, plan_trials, rated_items
from soundsieve.evaluation.ratings import HIGHEST, LOWEST, Rating, RatingsFile
from soundsieve.settings import Settings

_NAME = re.compile(r"\w[\w .-]{0,39}")  # nothing that a spreadsheet takes for a formula
_ENDLESS_S = 1e9  # no page is open for thirty years; JSON can hold longer, and numbers without end


class ListeningSettings(Settings):
    """How a listening test is run."""

    excerpt_s: float = Field(15.0, ge=1, le=LONGEST_S, description="length of what is heard of each song")
    seed: int = Field(0, ge=0, description="of every order")
    anchor: bool = Field(False, description="hide the mixture among what is rated")
    trials: int | None = Field(None, ge=1, description="most trials for a listener; None for all")
    match_levels: bool = Field(True, description="play the versions of a stem equally loud")


class RequestError(SoundsieveError):
    """A request that the page would not send; the sentence is for whoever wrote it."""


class OutdatedError(RequestError):
    """The page shows what is not to be rated any more; it goes on with the next trial and shows the sentence."""


class RatedAlreadyError(OutdatedError):
    """The trial was rated before, in another window say."""


@dataclass(frozen=True)
class Prepared:
    """A trial ready to be heard: the excerpts of its versions in their order, and what is heard openly."""

    trial: Trial
    versions: tuple[Excerpt, ...]
    reference: Excerpt | None
    mixture: Excerpt | None

    def token(self, listener: str) -> str:
        """Digest what this listener hears, and in which order."""
        heard = [None if one is None else one.identity() for one in (*self.versions, self.reference, self.mixture)]
        systems = [item.system for item in self.trial.order]
        said = json.dumps([listener, self.trial.number, *self.trial.key, systems, heard])
        return hashlib.sha256(said.encode()).hexdigest()[:32]


@dataclass
class ListeningTest:
    """A listening test while it runs; threads may share it.

    Args:
        material: What there is to hear.
        ratings: Where ratings go.
        settings: How it is run.
        finished: Called with a listener's name after their last trial.

    Raises:
        SettingsError: an anchor is asked for where there is no mixture.
    """

    material: Material
    ratings: RatingsFile
    settings: ListeningSettings = field(default_factory=ListeningSettings)
    finished: Callable[[str], None] = lambda listener: None

    def __post_init__(self) -> None:
        for question in self.material.questions:
            rated_items(question, anchor=self.settings.anchor)
        self._secret = secrets.token_bytes(32)
        self._excerpts: dict[str, Excerpt] = {}
        self._parts: dict[tuple[str, str], tuple[float, float]] = {}
        self._prepare_lock, self._rate_lock = threading.Lock(), threading.Lock()

    def begin(self, request: dict[str, Any]) -> dict[str, Any]:
        """Welcome a listener, who is given a name if they give none, and is known by a name in whatever case.

        Raises:
            RequestError: the name holds what a name should not.
        """
        given = request.get("listener") or ""
        if isinstance(given, str):
            given = " ".join(given.split()) or f"listener-{secrets.token_hex(3)}"
        listener = self._listener(given)
        trials = self._trials(listener)
        return {"listener": listener, "trials": len(trials), "done": len(trials) - len(self._left(trials, listener))}

    def next_trial(self, listener: str) -> dict[str, Any]:
        """Describe the next trial of a listener; without one, say that all are done.

        Raises:
            RequestError: the name holds what a name should not.
            AudioError: a recording cannot be read.
        """
        listener = self._listener(listener)
        trials = self._trials(listener)
        left = self._left(trials, listener)
        state: dict[str, Any] = {"listener": listener, "trials": len(trials), "done": len(trials) - len(left)}
        if not left:
            return state | {"finished": True}
        prepared = self._prepare(left[0])
        trial = prepared.trial
        versions = [
            {"label": _label(place), "audio": self._publish(listener, trial, str(place), excerpt)}
            for place, excerpt in enumerate(prepared.versions)
        ]
        opened = {
            name: None if excerpt is None else self._publish(listener, trial, name, excerpt)
            for name, excerpt in (("reference", prepared.reference), ("mixture", prepared.mixture))
        }
        return state | {
            "finished": False,
            "trial": trial.number,
            "token": prepared.token(listener),
            "song": trial.question.song,
            "stem": trial.question.stem,
            "duration_s": prepared.versions[0].duration_s,
            "levels_matched": self.settings.match_levels and len(versions) > 1,
            "versions": versions,
            **opened,
        }

    def rate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Save the ratings of a whole trial, and describe the next one.

        Raises:
            RequestError: not every version is rated, or one was not listened to.
            OutdatedError: the listener's trial of that number is no longer what the page showed.
            RatedAlreadyError: the trial was rated before.
            AudioError: a recording cannot be read.
            OutputError: they cannot be written.
        """
        listener = self._listener(request.get("listener"))
        trials = self._trials(listener)
        number = request.get("trial")
        if type(number) is not int or number < 1:
            raise RequestError(f"trial = {reprlib.repr(number)}: must be 1 to {len(trials)}")
        prepared = self._prepare(trials[number - 1]) if number <= len(trials) else None
        if prepared is None or request.get("token") != prepared.token(listener):
            raise OutdatedError("the test has changed since this page was loaded; nothing of it was saved")
        trial, given = prepared.trial, _answers(request, len(prepared.versions))
        with self._rate_lock:
            if trial not in self._left(trials, listener):
                raise RatedAlreadyError("this was rated before, in another window perhaps; nothing was saved again")
            self.ratings.append(self._rows(listener, prepared, given))
            done = not self._left(trials, listener)
        if done:
            self.finished(listener)
        return self.next_trial(listener)

    def audio(self, number: str) -> Excerpt | None:
        """Return what the page knows by a number; None where no trial that was shown has it."""
        return self._excerpts.get(number)

    def _rows(self, listener: str, prepared: Prepared, given: list[tuple[int, float]]) -> list[Rating]:
        trial, now = prepared.trial, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [
            Rating(
                listener=listener,
                time_utc=now,
                trial=trial.number,
                song=trial.question.song,
                stem=trial.question.stem,
                system=item.system,
                rating=rating,
                position=place,
                listened_s=round(listened_s, 1),
                seed=self.settings.seed,
                start_s=round(excerpt.start_s, 3),
                excerpt_s=round(excerpt.duration_s, 3),
                gain_db=round(excerpt.gain_db, 2),
            )
            for place, (item, excerpt, (rating, listened_s)) in enumerate(
                zip(trial.order, prepared.versions, given, strict=True), start=1
            )
        ]

    def _listener(self, name: object) -> str:
        """Return a name as it was spelled when it was first saved."""
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise RequestError(
                f"name {reprlib.repr(name)}: must be 1 to 40 letters, digits, spaces, points, hyphens or underscores, "
                "and begin with a letter or digit"
            )
        saved = (rating.listener for rating in self.ratings.read())
        return next((one for one in saved if one.casefold() == name.casefold()), name)

    def _trials(self, listener: str) -> tuple[Trial, ...]:
        s = self.settings
        return plan_trials(self.material, listener, seed=s.seed, anchor=s.anchor, most=s.trials)

    def _left(self, trials: tuple[Trial, ...], listener: str) -> list[Trial]:
        saved = [one for one in self.ratings.read() if one.listener.casefold() == listener.casefold()]
        rated = {(one.song.casefold(), one.stem) for one in saved}
        return [trial for trial in trials if (trial.question.song.casefold(), trial.question.stem) not in rated]

    def _prepare(self, trial: Trial) -> Prepared:
        question = trial.question
        with self._prepare_lock:  # whole files are read: not by two threads at once
            if trial.key not in self._parts:
                guides = [question.reference] if question.reference else [item.path for item in question.items]
                self._parts[trial.key] = loudest_part(guides, self.settings.excerpt_s)
            start_s, duration_s = self._parts[trial.key]
            plain = [Excerpt(item.path, start_s, duration_s) for item in trial.order]
            reference = Excerpt(question.reference, start_s, duration_s) if question.reference else None
            mixture = Excerpt(question.mixture, start_s, duration_s) if question.mixture else None
            *gains, openly = match_levels(plain, reference, mixture=mixture, match=self.settings.match_levels)
        return Prepared(
            trial,
            tuple(replace(excerpt, gain_db=gain) for excerpt, gain in zip(plain, gains, strict=True)),
            reference and replace(reference, gain_db=openly),
            mixture and replace(mixture, gain_db=openly),
        )

    def _publish(self, listener: str, trial: Trial, what: str, excerpt: Excerpt) -> str:
        said = "\n".join((listener, *trial.key, what)).encode()
        number = hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:32]
        self._excerpts[number] = excerpt
        return f"audio/{number}"


def _label(place: int) -> str:
    """Name a place: A to Z, then AA, AB and so on."""
    letters = string.ascii_uppercase
    return letters[place] if place < len(letters) else _label(place // len(letters) - 1) + letters[place % len(letters)]


def _answers(request: dict[str, Any], count: int) -> list[tuple[int, float]]:
    """Check the answers to a trial: a rating and the seconds listened, for each version in its place."""
    given = request.get("ratings")
    if not isinstance(given, list) or len(given) != count or not all(isinstance(one, dict) for one in given):
        raise RequestError(f"ratings: expected {count} of them, one for each version")
    found = []
    for place, one in enumerate(given):
        rating, listened_s = one.get("rating"), one.get("listened_s")
        if type(rating) is not int or not LOWEST <= rating <= HIGHEST:
            sentence = f"rating = {reprlib.repr(rating)}: must be a whole number {LOWEST} to {HIGHEST}"
            raise RequestError(f"{_label(place)}: {sentence}")
        if type(listened_s) not in {int, float} or not 0 < listened_s < _ENDLESS_S:
            sentence = f"listened_s = {reprlib.repr(listened_s)}: it must be heard before it is rated"
            raise RequestError(f"{_label(place)}: {sentence}")
        found.append((rating, float(listened_s)))
    return found
