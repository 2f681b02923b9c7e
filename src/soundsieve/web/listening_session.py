"""What the listening page asks and is told; what it is told never says which system it hears.

A version of a stem is known to the page by a number that depends on the listener, the trial and a secret drawn when the
server starts, so that neither an address nor a file name tells one system from another, nor the same system again.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
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


class ListeningSettings(Settings):
    """How a listening test is run."""

    excerpt_s: float = Field(15.0, ge=1, le=LONGEST_S, description="length of what is heard of each song")
    seed: int = Field(0, ge=0, description="of every order")
    anchor: bool = Field(False, description="hide the mixture among what is rated")
    trials: int | None = Field(None, ge=1, description="most trials for a listener; None for all")
    match_levels: bool = Field(True, description="play the versions of a stem equally loud")


class RequestError(SoundsieveError):
    """A request that the page would not send; the sentence is for whoever wrote it."""


class RatedAlreadyError(RequestError):
    """The trial was rated before, in another window say; the page goes on with the next."""


@dataclass(frozen=True)
class Prepared:
    """A trial ready to be heard: the excerpts of its versions in their order, and what is heard openly."""

    trial: Trial
    versions: tuple[Excerpt, ...]
    reference: Excerpt | None
    mixture: Excerpt | None


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
        """Welcome a listener, who is given a name if they give none.

        Raises:
            RequestError: the name holds what a name should not.
        """
        name = " ".join(str(request.get("listener") or "").split()) or f"listener-{secrets.token_hex(3)}"
        listener = _listener(name)
        trials = self._trials(listener)
        return {"listener": listener, "trials": len(trials), "done": len(trials) - len(self._left(trials, listener))}

    def next_trial(self, listener: str) -> dict[str, Any]:
        """Describe the next trial of a listener; without one, say that all are done.

        Raises:
            RequestError: the name holds what a name should not.
            AudioError: a recording cannot be read.
        """
        trials = self._trials(_listener(listener))
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
            RequestError: not every version is rated, one was not listened to, or the trial is not this listener's.
            RatedAlreadyError: the trial was rated before.
            OutputError: they cannot be written.
        """
        listener = _listener(str(request.get("listener") or ""))
        trials = self._trials(listener)
        trial = next((trial for trial in trials if trial.number == request.get("trial")), None)
        if trial is None:
            raise RequestError(f"trial = {request.get('trial')!r}: must be 1 to {len(trials)}")
        prepared = self._prepare(trial)
        given = _answers(request, len(trial.order))
        with self._rate_lock:
            if trial not in self._left(trials, listener):
                raise RatedAlreadyError(f"trial {trial.number} is rated already")
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            rows = [
                Rating(
                    listener=listener,
                    time_utc=now,
                    trial=trial.number,
                    song=trial.question.song,
                    stem=trial.question.stem,
                    system=item.system,
                    rating=rating,
                    position=place + 1,
                    listened_s=round(listened_s, 1),
                    seed=self.settings.seed,
                    start_s=round(excerpt.start_s, 3),
                    excerpt_s=round(excerpt.duration_s, 3),
                    gain_db=round(excerpt.gain_db, 2),
                )
                for place, (item, excerpt, (rating, listened_s)) in enumerate(
                    zip(trial.order, prepared.versions, given, strict=True)
                )
            ]
            self.ratings.append(rows)
            done = not self._left(trials, listener)
        if done:
            self.finished(listener)
        return self.next_trial(listener)

    def audio(self, number: str) -> Excerpt | None:
        """Return what the page knows by a number; None where no trial that was shown has it."""
        return self._excerpts.get(number)

    def _trials(self, listener: str) -> tuple[Trial, ...]:
        s = self.settings
        return plan_trials(self.material, listener, seed=s.seed, anchor=s.anchor, most=s.trials)

    def _left(self, trials: tuple[Trial, ...], listener: str) -> list[Trial]:
        rated = {(rating.song, rating.stem) for rating in self.ratings.read() if rating.listener == listener}
        return [trial for trial in trials if trial.key not in rated]

    def _prepare(self, trial: Trial) -> Prepared:
        question = trial.question
        with self._prepare_lock:  # whole files are read: not by two threads at once
            if trial.key not in self._parts:
                guides = [question.reference] if question.reference else [item.path for item in question.items]
                self._parts[trial.key] = loudest_part(guides, self.settings.excerpt_s)
            start_s, duration_s = self._parts[trial.key]
            plain = [Excerpt(item.path, start_s, duration_s) for item in trial.order]
            reference = Excerpt(question.reference, start_s, duration_s) if question.reference else None
            *gains, openly = match_levels(plain, reference, match=self.settings.match_levels)
        return Prepared(
            trial,
            tuple(Excerpt(e.path, start_s, duration_s, gain) for e, gain in zip(plain, gains, strict=True)),
            Excerpt(question.reference, start_s, duration_s, openly) if question.reference else None,
            Excerpt(question.mixture, start_s, duration_s, openly) if question.mixture else None,
        )

    def _publish(self, listener: str, trial: Trial, what: str, excerpt: Excerpt) -> str:
        said = "\n".join((listener, *trial.key, what)).encode()
        number = hmac.new(self._secret, said, hashlib.sha256).hexdigest()[:32]
        self._excerpts[number] = excerpt
        return f"audio/{number}"


def _listener(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"name {name[:60]!r}: must be 1 to 40 letters, digits, spaces, points, hyphens or underscores, "
            "and begin with a letter or digit"
        )
    return name


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
            raise RequestError(f"{_label(place)}: rating = {rating!r}: must be a whole number {LOWEST} to {HIGHEST}")
        if type(listened_s) not in {int, float} or not (math.isfinite(listened_s) and listened_s > 0):
            raise RequestError(f"{_label(place)}: listened_s = {listened_s!r}: it must be heard before it is rated")
        found.append((rating, float(listened_s)))
    return found
