"""Mixtures of sound events over a background: decided first (`plan`), heard afterwards (`render`)."""

from soundsieve.mixing.augment import Augmentation, AugmentSettings
from soundsieve.mixing.bank import Bank, Recording, Source
from soundsieve.mixing.draws import Draw
from soundsieve.mixing.plan import Event, Mixture, MixtureSettings, plan_mixture
from soundsieve.mixing.render import Rendered, render

__all__ = [
    "AugmentSettings",
    "Augmentation",
    "Bank",
    "Draw",
    "Event",
    "Mixture",
    "MixtureSettings",
    "Recording",
    "Rendered",
    "Source",
    "plan_mixture",
    "render",
]
