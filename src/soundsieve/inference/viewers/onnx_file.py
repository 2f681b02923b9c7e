"""Any classifier of ImageNet's 1000 classes in an ONNX file.

Its input may be (picture, 3, height, width) or (picture, height, width, 3), float or uint8, for one picture or any
number. Its first output is 1000 numbers, or 1001 where the first class is the background, which is dropped; logits, or
probabilities, of which the logarithm is taken.

Pictures are cut to the height of the input, 224 where it is open, out of 8/7 of that. uint8 is given levels from 0 to
255; float is scaled as most networks want it, with ImageNet's mean and deviation. A network that wants something else
has a file beside it, named like it but .json, with any of `Preparation`'s settings, such as
`{"mean": [0.5, 0.5, 0.5], "deviation": [0.5, 0.5, 0.5]}` for colours from -1 to 1, or `{"mean": [0, 0, 0],
"deviation": [0.00392157, 0.00392157, 0.00392157]}` for levels from 0 to 255.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import CheckpointError, MissingExtraError
from soundsieve.inference.viewers import CLASSES
from soundsieve.inference.viewers._preparation import BATCH, Preparation, batches

_FLOAT = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_LEAST = 1e-12  # a probability of 0 would be a logit of minus infinity


class OnnxViewer:
    """See `Viewer`.

    Args:
        path: The file.
        session: As onnxruntime opened it.
        values: Settings of `Preparation` that are not as said above.

    Raises:
        CheckpointError: when it does not take pictures.
        SettingsError: when a setting is wrong.
    """

    def __init__(self, path: Path, session: Any, values: Mapping[str, Any]) -> None:
        self.name = str(path)
        self.card: Mapping[str, Any] = {"source": path.name}
        self._path, self._session = path, session
        self._input = session.get_inputs()[0]
        shape = list(self._input.shape)
        if len(session.get_inputs()) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise CheckpointError(f"{path}: takes {shape}, expected pictures (n, 3, height, width) or (…, 3)")
        if self._input.type != "tensor(uint8)" and self._input.type not in _FLOAT:
            raise CheckpointError(f"{path}: takes {self._input.type}, expected float or uint8")
        self._colours_last = shape[1] != 3
        height = shape[1 if self._colours_last else 2]
        size = height if isinstance(height, int) and height > 0 else 224
        self.preparation = Preparation.parse({"size": size, "resize": round(size * 8 / 7), **values})
        self._batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Name each picture: (height, width, 3) of any size → (picture, 1000).

        Raises:
            CheckpointError: when the file does not work on pictures, or names another number of classes.
        """
        found = [self._run(batch.numpy()) for batch in batches(images, self.preparation, self._batch or BATCH)]
        return np.concatenate(found) if found else np.zeros((0, CLASSES), np.float32)

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        count = len(batch)
        if self._batch and count < self._batch:  # the last one
            batch = np.concatenate([batch, np.repeat(batch[-1:], self._batch - count, axis=0)])
        if self._input.type == "tensor(uint8)":
            mean, deviation = (
                np.asarray(values, np.float32)[:, None, None]
                for values in (self.preparation.mean, self.preparation.deviation)
            )
            batch = np.round((batch * deviation + mean) * 255)  # back to levels
        if self._colours_last:
            batch = batch.transpose(0, 2, 3, 1)
        batch = np.ascontiguousarray(batch, _FLOAT.get(self._input.type, np.uint8))
        try:
            output = np.asarray(self._session.run(None, {self._input.name: batch})[0], np.float32)
        except Exception as error:  # onnxruntime's own are many, and share no base
            raise CheckpointError(f"{self._path}: fails on pictures {batch.shape} ({_reason(error)})") from None
        scores = output.reshape(len(batch), -1)[:count]
        if scores.shape[1] not in (CLASSES, CLASSES + 1):
            raise CheckpointError(f"{self._path}: gives {scores.shape[1]} numbers, expected {CLASSES} or {CLASSES + 1}")
        if scores.min() >= 0 and np.allclose(scores.sum(1), 1, atol=1e-2):
            scores = np.log(np.maximum(scores, _LEAST))
        return scores[:, -CLASSES:]


def load(weights: str | Path | None = None, device: str = "auto") -> OnnxViewer:
    """Load a file.

    Args:
        weights: The file.
        device: With cuda or auto on its GPU where onnxruntime has one built in; cpu for the processor.

    Raises:
        MissingExtraError: when onnxruntime is not installed.
        CheckpointError: when the file cannot be read or does not take pictures.
        SettingsError: when the settings beside it are wrong.
    """
    if weights is None:
        raise CheckpointError("an ONNX viewer needs a file: name one that ends in .onnx")
    path = Path(weights)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError(
            f"{path} needs onnxruntime, which is not installed: pip install 'soundsieve[onnx]'"
        ) from None
    built_in = onnxruntime.get_available_providers()
    wanted = ["CPUExecutionProvider"] if device == "cpu" else ["CUDAExecutionProvider", "CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(path, providers=[name for name in wanted if name in built_in])
    except Exception as error:  # onnxruntime's own are many, and share no base
        raise CheckpointError(f"{path}: not an ONNX file that onnxruntime can run ({_reason(error)})") from None
    return OnnxViewer(path, session, _beside(path.with_suffix(".json")))


def _beside(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{path}: not JSON ({error})") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: expected an object with settings of pictures")
    return values


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
