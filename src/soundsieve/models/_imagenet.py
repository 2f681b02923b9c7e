"""How a classifier starts from weights that name photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import nn

from soundsieve.errors import CheckpointError
from soundsieve.models._weights import read_weights


@runtime_checkable
class StartsFromImageNet(Protocol):
    """A classifier that can take over ImageNet's weights before it is trained."""

    def load_imagenet(self, path: Path | None) -> None:
        """Take over all but the last layer from a file of weights, `.safetensors` or PyTorch's.

        None stands for the weights of an installed package, where there is one for this architecture.

        Raises:
            CheckpointError: when the file cannot be read, its weights do not fit, or there is no such package.
            MissingExtraError: when the package is not installed.
        """
        ...


def take_over(
    model: nn.Module, path: Path, *, first: str | None, last: tuple[str, ...], rename: Callable[[str], str]
) -> None:
    """Set all but the last layers of a model to the weights in a file.

    Args:
        model: Changed only if every weight fits.
        path: `.safetensors`, or what `torch.save` wrote, of which only tensors are unpickled.
        first: Name of the weight for three colours. They are added up to one: what it does with a grey picture. None
            for a model that takes colours.
        last: Names of the layers that are left as they are, if any.
        rename: The model's name of a weight, from the file's.

    Raises:
        CheckpointError: when the file cannot be read, or its weights do not fit.
    """
    theirs = {rename(name): tensor for name, tensor in read_weights(path).items()}
    left = tuple(f"{layer}." for layer in last)
    weights = {name: own for name, own in model.state_dict().items() if not name.startswith(left)}
    for name, own in weights.items():
        if name not in theirs:
            raise CheckpointError(f"{path}: expected the weights of {type(model).__name__}, found none for {name!r}")
        found = theirs[name]
        if name == first:
            found = found.sum(1, keepdim=True)
        elif found.ndim > own.ndim:
            found = found.flatten(1)  # dense layers that were written as convolutions
        if found.shape != own.shape:
            raise CheckpointError(
                f"{path}: {name!r}: expected shape {tuple(own.shape)}, found {tuple(found.shape)}: only the default "
                "sizes fit ImageNet's weights"
            )
        weights[name] = found
    model.load_state_dict(weights, strict=False)
