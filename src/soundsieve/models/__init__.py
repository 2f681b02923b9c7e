"""Architectures: one file each, tensors in, tensors out; found by file name.

A model file holds one settings class and one `torch.nn.Module`, announced as `SETTINGS` and `MODEL`, and says as `TASK`
what it is for. Those for one task share one signature.

`select`: `model(mixture, wanted)` with mixture (batch, 1, time) and wanted (batch, query, class) of zeros and ones
gives (batch, query, time). Selectors carry `stride` (the output follows a shift of the input by multiples of it) and
`context_frames` (samples on each side that can influence one output sample).

`unmix`: `model(mixture)` with mixture (batch, channel, time) gives (batch, source, channel, time'), the middle of it:
time' is time less `context` on each side, which is 0 for a model that pads with zeros by itself. Unmixers say in
`channels` how many they take and in `sources` how many they give; `input_length(output)` is how long a mixture must be
for at least so many samples of output, and other lengths need not work. They carry `stride` as selectors do, and
`reach`: samples on each side that can influence a stretch of output between two multiples of `stride`. Those that mask
a spectrogram piece by piece say so in `masks`; see `soundsieve.inference.masked_stems.MasksPieces`.

`tag`: `model(features, frames)` with log-mel features (batch, mel, frame), normalised so that 0 is their average, and
the length of each clip (batch,) gives logits (batch, class). The setting `mels` says how many bands. Any length from
one frame works, and what lies past a clip's end never matters: in use, a clip has the same logits in a batch as alone.
Classifiers that can also say when have `frame_logits`; see `soundsieve.models._classifier.NamesSegments`.
Those that can start from weights for photographs have `load_imagenet`; see
`soundsieve.models._imagenet.StartsFromImageNet`.

`embed`: `model(examples)` with log-mel pictures of a fixed size (batch, frame, mel) gives (batch, dimension): what
sounds alike lies close together. The settings `frames`, `mels` and `size` say how many. An embedding has no classes,
and its weights are published ones; see `soundsieve.inference.embed`.

`genre`: `model(rows)` with descriptors (batch, column), standardised so that each column has mean 0 and deviation 1 in
the training data, gives logits (batch, class). The setting `columns` says how many. Standardising them is the front
end's part; see `soundsieve.features.standardise`. Models that add to their own loss have `penalty`, those that are
solved for rather than trained have `fit`; see `soundsieve.models._table`.

`view`: `model(pictures)` with photographs (batch, 3, height, width), red, green and blue from -1 to 1, gives logits
(batch, class). Their weights are published ones; see `soundsieve.inference.viewers`.

`bases`: `model(bases)` with the bases of recordings (batch, bin, base), not negative and each with its largest bin at
1, gives (batch, label, base), how much each base sounds like each object; the most over the bases says what is heard at
all. The setting `bins` says how many. Bases are scored one by one: in use, neither how many there are nor their order
matters.

`objects`: `model(mixture, seen)` with mixture (batch, 1, time) and seen (batch, label) of zeros and ones gives (batch,
label + 1, time): a track for each label, silent for what is not seen, and the rest last; they add up to the mixture.
Such models carry `stride` and `reach` as unmixers do.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from soundsieve.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn

    from soundsieve.settings import Settings


def names(task: str | None = None) -> list[str]:
    """Every architecture, by file name, or only those for one task.

    >>> "mask_unet" in names("select"), "mask_unet" in names("tag")
    (True, False)
    """
    found = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return found if task is None else [name for name in found if task == _import(name).TASK]


def settings(name: str, values: Mapping[str, Any]) -> Settings:
    """Parse the hyper-parameters of one architecture.

    Raises:
        UnknownNameError: when there is no such architecture.
        SettingsError: when a hyper-parameter is unknown or out of range.
    """
    parsed: Settings = _module(name).SETTINGS.parse(values)
    return parsed


def build(name: str, values: Mapping[str, Any], classes: int) -> nn.Module:
    """Build one architecture with untrained weights for a number of classes."""
    model: nn.Module = _module(name).MODEL(settings(name, values), classes)
    return model


def _module(name: str) -> Any:
    if name not in names():
        raise unknown_name("model", name, names())
    return _import(name)


def _import(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
