"""Pictures of the objects: photographs of a folder, and photographs and drawings inside public packages.

`pictures.csv` names those of the packages: tuxpaint-stamps-default's cut-out photographs, photographs in
gcompris-qt-data, drawings of openclipart-png and of the npm package @lobehub/fluent-emoji-3d. Each was taken in only
if an ImageNet classifier (EfficientNet-Lite0) names it: its object is the best of the 23 by the best of their classes,
as a picture that it does not name teaches a wrong label. Those of a folder are taken as they are. A picture is in one
part only; an object's first drawing trains before its photographs do, so that testing has photographs where there are
any.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets.clip import label_name
from soundsieve.datasets.object_groups import GROUPS
from soundsieve.errors import DatasetError
from soundsieve.recipes.select.effects import read_rcc
from soundsieve.recipes.watch.parts import divide, shuffled

TABLE = Path(__file__).with_name("pictures.csv")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
PACKAGES = {
    "gcompris-qt-data": ("usr/share/gcompris-qt/rcc", "GPL-3+, see each picture"),
    "tuxpaint-stamps-default": ("usr/share/tuxpaint/stamps", "GPL-2, Bill Kendrick and contributors"),
    "openclipart-png": ("usr/share/openclipart/png", "public domain, the contributors of Open Clip Art Library"),
    "fluent-emoji-3d": ("package/assets", "MIT, Microsoft"),
}
# ImageNet's class 726 is the carpenter's plane, which the published groups count among the planes that fly.
_OTHER_THINGS = frozenset({726})

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One picture: its object, where it lies, and the part it is seen in.

    Attributes:
        name: the same on every machine.
        label: the object.
        path: the file, or the archive it is in.
        inside: the path in the archive, or nothing.
        drawing: whether it is drawn, not photographed.
        package: the package, or `pictures` for a folder's.
        licence: whose work it is.
        part: `train`, `validation` or `test`.
    """

    name: str
    label: str
    path: Path
    inside: str = ""
    drawing: bool = False
    package: str = "pictures"
    licence: str = ""
    part: str = "train"


def find_pictures(folder: Path | None, packages: Path | None) -> list[Picture]:
    """Return the pictures of a folder and of the packages that are there, each with its part, ordered by name.

    Raises:
        DatasetError: the folder is missing or has no picture of the objects, or an archive cannot be read.
    """
    found = [*(_in_folder(folder) if folder else []), *(_in_packages(packages) if packages else [])]
    names: dict[str, list[str]] = {}
    for label in GROUPS:
        photographs = shuffled(p.name for p in found if p.label == label and not p.drawing)
        drawings = shuffled(p.name for p in found if p.label == label and p.drawing)
        names[label] = [*drawings[:1], *photographs, *drawings[1:]]
    part_of = divide(names)
    fields = [{**vars(picture), "part": part_of[picture.name]} for picture in found]
    return sorted((Picture(**values) for values in fields), key=lambda picture: picture.name)


def _in_folder(folder: Path) -> list[Picture]:
    if not folder.is_dir():
        raise DatasetError(
            f"{folder}: no such folder; expected pictures, <ImageNet class>_<object>.jpg or in <object>/"
        )
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    named = ((path.relative_to(folder).as_posix(), _label(path, folder), path) for path in paths)
    found = [Picture(f"pictures/{name}", label, path, licence="yours") for name, label, path in named if label]
    if not found:
        raise DatasetError(f"{folder}: no picture of {', '.join(GROUPS)}; expected names such as 0486_cello.jpg")
    return found


def _label(path: Path, folder: Path) -> str:
    """Return the object that a file's name, after a number, or its first folder says; nothing where none does."""
    index, _, rest = path.stem.partition("_")
    if index.isdigit() and int(index) in _OTHER_THINGS:
        return ""
    first = path.relative_to(folder).parts[0] if path.parent != folder else ""
    return next((label for text in (rest, first) if (label := label_name(text)) in GROUPS), "")


def _in_packages(packages: Path) -> list[Picture]:
    found = []
    with TABLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            present, licence = PACKAGES[row["package"]]
            if not (packages / present).exists():
                continue
            archive, _, inside = row["picture"].rpartition(":")
            path = packages / present / archive if archive else packages / row["picture"]
            found.append(
                Picture(
                    name=f"{row['package']}/{row['picture'].rpartition('/')[2]}",
                    label=row["object"],
                    path=path,
                    inside=inside if archive else "",
                    drawing=row["kind"] == "drawing",
                    package=row["package"],
                    licence=row["licence"] or licence,
                )
            )
    return found


def read_picture(picture: Picture) -> Pixels:
    """Return the pixels (height, width, 4), red, green, blue and opacity.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        data = _archive(picture.path)[picture.inside] if picture.inside else picture.path.read_bytes()
        with av.open(io.BytesIO(data), "r") as container:
            frame = next(container.decode(video=0))
            return frame.to_ndarray(format="rgba").astype(np.uint8, copy=False)
    except KeyError:
        raise DatasetError(f"{picture.path}: holds no {picture.inside!r}, which pictures.csv names") from None
    except (OSError, StopIteration, IndexError, av.FFmpegError) as error:
        raise DatasetError(f"{picture.path}: not a picture that can be read ({error})") from None


@cache
def _archive(path: Path) -> dict[str, bytes]:
    return {name: data for name, data in read_rcc(path) if Path(name).suffix.lower() in SUFFIXES}
