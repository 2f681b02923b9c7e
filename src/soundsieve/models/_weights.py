"""Reading files of weights that others have published, without running what is in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from soundsieve.errors import CheckpointError

# What a pickled numpy array is made of. Old files know the first by the name that it had before numpy 2.
_RECONSTRUCT = cast(Any, np.empty(0).__reduce__()[0])
_ARRAY_PARTS = [
    _RECONSTRUCT,
    (_RECONSTRUCT, "numpy.core.multiarray._reconstruct"),
    (_RECONSTRUCT, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of named weights.

    Args:
        path: `.safetensors`, or what `torch.save` wrote, of which only tensors and arrays of numbers are unpickled.

    Raises:
        CheckpointError: when the file cannot be read, or holds anything else.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_ARRAY_PARTS):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path}: not a file of weights ({reason})") from None
    if not (isinstance(found, dict) and all(isinstance(value, Tensor | np.ndarray) for value in found.values())):
        raise CheckpointError(f"{path}: not a file of weights, expected names and tensors")
    return {name: torch.as_tensor(value) for name, value in found.items()}
