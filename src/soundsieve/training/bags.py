"""Bags: the bases of videos with what is seen in them, one file a video and one table, as `prepare watch` writes them.

A folder holds `bags.json` and, for each video, a safetensors file with `bases` (f, m) in float16, `logits` (p, 1000) of
the pictures, and, where the video was made and its true tracks are known, `truth` (l, m): the share of each base's
energy that is of each label, in the order of the table's labels.

Axes: f bin, m base, l label, p picture.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from soundsieve.errors import DatasetError, OutputError
from soundsieve.settings import Settings

INDEX_FILE = "bags.json"
_CLASSES = 1000  # of ImageNet


class BagEntry(Settings):
    """What the table says of one video."""

    name: str = Field(min_length=1, description="of the video, the only one of that name")
    path: str = Field("", description="of the video")
    part: str = Field("all", description="train, validation, test, or all where nobody has divided them")
    group: str = Field("", description="videos of one group are never on two sides")
    bag: str = Field(min_length=1, description="its file, relative to the folder")
    start_s: float = Field(0.0, ge=0, description="where the piece begins in its file")
    duration_s: float = Field(0.0, ge=0)
    labels_true: tuple[str, ...] | None = Field(None, description="what is known to be in it; None: nobody knows")


class LeftOut(Settings):
    """A video of which there is no bag, and why."""

    path: str
    why: str


class BagIndex(Settings):
    """The table of a folder of bags."""

    format: Literal["soundsieve-bags-1"] = "soundsieve-bags-1"
    front_end: dict[str, Any] = Field(default_factory=dict, description="settings of the STFT the bases are of")
    viewer: str = Field("", description="what looked at the pictures")
    labels: tuple[str, ...] = Field(description="all labels there are, in order")
    videos: tuple[BagEntry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, eq=False)
class Bag:
    """The bases of one video, and what was seen.

    Attributes:
        bases: Shape (f, m), each with its largest bin at 1.
        logits: Of ImageNet's classes in each picture, shape (p, 1000).
        truth: Share of each base's energy that is of each label, shape (l, m), or None where nobody knows.
    """

    bases: Tensor
    logits: Tensor
    truth: Tensor | None = None


def write_bag(path: Path, bag: Bag) -> None:
    """Write a bag atomically, its bases in half precision.

    Raises:
        OutputError: when it cannot be written.
        ValueError: when a shape does not fit, quoting it.
    """
    _check(bag)
    tensors = {"bases": bag.bases.half(), "logits": bag.logits.float()}
    if bag.truth is not None:
        tensors["truth"] = bag.truth.float()
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from None
    finally:
        if temporary.is_file():
            temporary.unlink()


def _check(bag: Bag) -> None:
    if bag.bases.ndim != 2 or not bag.bases.numel():
        raise ValueError(f"bases: expected shape (bin ≥ 1, base ≥ 1), found {tuple(bag.bases.shape)}")
    if bag.logits.ndim != 2 or bag.logits.shape[1] != _CLASSES or not len(bag.logits):
        raise ValueError(f"logits: expected shape (picture ≥ 1, {_CLASSES}), found {tuple(bag.logits.shape)}")
    if bag.truth is not None and (bag.truth.ndim != 2 or bag.truth.shape[1] != bag.bases.shape[1]):
        raise ValueError(f"truth: expected shape (label, {bag.bases.shape[1]}), found {tuple(bag.truth.shape)}")


def read_bag(path: Path) -> Bag:
    """Read a bag, in float32.

    Raises:
        DatasetError: when the file is missing, damaged or holds no bag.
    """
    tensors = _read(path, ("bases", "logits"), ("truth",))
    bag = Bag(tensors["bases"], tensors["logits"], tensors.get("truth"))
    try:
        _check(bag)
    except ValueError as error:
        raise DatasetError(f"{path}: not a bag of bases ({error})") from None
    return bag


def read_logits(path: Path) -> Tensor:
    """Read what was seen in a video, (p, 1000), and leave its bases on the disk.

    Raises:
        DatasetError: as `read_bag`.
    """
    return _read(path, ("logits",), ())["logits"]


def _read(path: Path, needed: tuple[str, ...], more: tuple[str, ...]) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            there = set(file.keys())
            return {name: file.get_tensor(name).float() for name in (*needed, *(set(more) & there))}
    except (OSError, SafetensorError) as error:
        raise DatasetError(f"{path}: not a readable bag of bases ({error})") from None


def write_index(folder: Path, index: BagIndex) -> None:
    """Write the table of a folder of bags atomically.

    Raises:
        OutputError: when it cannot be written.
    """
    temporary = folder / f".{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(index.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(folder / INDEX_FILE)
    except OSError as error:
        raise OutputError(f"{folder / INDEX_FILE}: cannot be written ({error.strerror or error})") from None
    finally:
        if temporary.is_file():
            temporary.unlink()


def read_bags(folder: Path) -> BagIndex:
    """Read the table of a folder of bags; no bag is opened.

    Raises:
        DatasetError: when it is missing or damaged, or names a video twice or a label that it does not list.
    """
    file = folder / INDEX_FILE
    if not file.is_file():
        raise DatasetError(
            f"{folder}: holds no {INDEX_FILE}; make it with `soundsieve prepare watch VIDEOS -o {folder}`"
        )
    try:
        index = BagIndex.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        reason = (
            f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}" if isinstance(error, ValidationError) else error
        )
        raise DatasetError(f"{file}: not a table of bags ({reason})") from None
    names: set[str] = set()
    for video in index.videos:
        if video.name in names:
            raise DatasetError(f"{file}: names the video {video.name} twice")
        names.add(video.name)
        for label in video.labels_true or ():
            if label not in index.labels:
                raise DatasetError(f"{file}: {video.name} is of {label}, which is none of the labels")
    return index
