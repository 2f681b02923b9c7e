"""One safetensors file that is enough to rebuild and judge a model: weights, settings, classes, sample rate, card."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from soundsieve.errors import CheckpointError, OutputError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

    from soundsieve.features import LogMel
    from soundsieve.features.descriptor_front_end import DescriptorFrontEnd

SUFFIX = ".safetensors"
RUN_FILE = "model" + SUFFIX  # what a run folder holds when it is done
FRONT_END = "front_end."
_FORMAT = "soundsieve-1"
_HEADER = ("task", "model", "hyper", "classes", "sample_rate", "card", "recipe", "front_end")
_ADDED = {"front_end": "{}"}  # to the format, after files had been written

Network = TypeVar("Network", bound="nn.Module")


@dataclass(frozen=True)
class Checkpoint:
    """A trained model, before it is built.

    Attributes:
        task: What it is for: select, unmix, …
        model: The architecture's name.
        hyper: Its hyper-parameters.
        classes: What can be asked for, in the order of its inputs.
        sample_rate: In Hz.
        card: Data, licence, split, seed, command, results, limits.
        recipe: The resolved recipe it was trained with.
        weights: Parameter name → tensor, those of the front end under `front_end.`; empty when only the header was
            read.
        front_end: Settings of what turns waveforms into its inputs; empty where it takes waveforms.
    """

    task: str
    model: str
    hyper: Mapping[str, Any]
    classes: tuple[str, ...]
    sample_rate: int
    card: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    front_end: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> nn.Module:
        """Build the model in float32, with its weights, ready for use.

        Raises:
            CheckpointError: when the weights do not fit the architecture.
        """
        from soundsieve import models

        model = models.build(self.model, self.hyper, len(self.classes))
        own = {name: tensor for name, tensor in self.weights.items() if not name.startswith(FRONT_END)}
        return _filled(model, own, f"a {self.model}")

    def build_front_end(self) -> LogMel:
        """Build what turns waveforms into the model's inputs.

        Raises:
            CheckpointError: when its statistics are missing, or the model takes waveforms.
        """
        from soundsieve.features import LogMel, LogMelSettings

        if not self.front_end:
            raise CheckpointError(f"a {self.model} takes waveforms; it has no front end")
        return _filled(LogMel(LogMelSettings.parse(self.front_end)), self._of_front_end(), "its front end")

    def build_descriptor_front_end(self) -> DescriptorFrontEnd:
        """Build what turns windows of music into the model's rows of descriptors.

        Raises:
            CheckpointError: when its statistics are missing, or the model takes something else.
        """
        from soundsieve.features.descriptor_front_end import DescriptorFrontEnd, DescriptorFrontEndSettings

        if "views" not in self.front_end:
            raise CheckpointError(f"a {self.model} does not take descriptors")
        settings = DescriptorFrontEndSettings.parse(self.front_end)
        return _filled(DescriptorFrontEnd(settings, len(self.classes)), self._of_front_end(), "its front end")

    def _of_front_end(self) -> dict[str, Tensor]:
        return {n.removeprefix(FRONT_END): tensor for n, tensor in self.weights.items() if n.startswith(FRONT_END)}


def _filled(network: Network, weights: Mapping[str, Tensor], name: str) -> Network:
    """Put weights into a network."""
    try:
        network.load_state_dict({key: x.float() if x.is_floating_point() else x for key, x in weights.items()})
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit {name}: {str(error).splitlines()[-1].strip()}") from None
    return network.eval()


def save(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint atomically.

    Args:
        path: Where to; an existing file is replaced only when the new one is complete.
        checkpoint: What to write.
        half: Store the weights as float16, half the size.

    Raises:
        OutputError: when it cannot be written.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    kind = torch.float16 if half else torch.float32
    weights = {
        name: tensor.detach().to("cpu", kind if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in checkpoint.weights.items()
    }
    header = {name: getattr(checkpoint, name) for name in _HEADER}
    metadata = {"format": _FORMAT, **{name: json.dumps(value, default=str) for name, value in header.items()}}
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        mode = temporary.stat().st_mode  # safetensors would let nobody else read it
        save_file(weights, temporary, metadata)
        temporary.chmod(mode)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from None
    finally:
        if temporary.is_file():
            temporary.unlink()


def load(path: Path, *, weights: bool = True) -> Checkpoint:
    """Read a checkpoint; no code is unpickled.

    Args:
        path: The file.
        weights: False reads the header only, in a moment and without loading torch.

    Raises:
        CheckpointError: when the file is missing, damaged or not a soundsieve checkpoint.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, "pt" if weights else "np") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise CheckpointError(f"{path}: a safetensors file, but not a soundsieve checkpoint")
            tensors = {name: file.get_tensor(name) for name in file.keys()} if weights else {}  # noqa: SIM118
            values = {name: json.loads({**_ADDED, **metadata}[name]) for name in _HEADER}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from None
    return Checkpoint(**{**values, "classes": tuple(values["classes"])}, weights=tensors)


def released() -> dict[str, Path]:
    """Name → file of every checkpoint that comes with the package."""
    folder = Path(str(resources.files("soundsieve"))) / "weights"
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def locate(name: str | Path) -> Path:
    """Find a checkpoint by released name, file path or run folder.

    Raises:
        CheckpointError: when a path leads to no checkpoint.
        UnknownNameError: when it is neither a path nor a released name; lists the nearest names.
    """
    path = Path(name)
    table = released()
    if isinstance(name, str) and name in table:  # a file of that name is meant by ./NAME
        return table[name]
    if path.is_dir():
        if not (path / RUN_FILE).is_file():
            raise CheckpointError(f"{path}: a folder without {RUN_FILE}; is its training finished?")
        return path / RUN_FILE
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise CheckpointError(f"{path}: there is no such checkpoint")
    if str(name) not in table:
        raise unknown_name("model", str(name), table)
    return table[str(name)]
