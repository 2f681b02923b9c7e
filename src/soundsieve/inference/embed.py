"""Recordings into embeddings: one for each 0.96 s, in bounded memory whatever their length.

What embeds is a checkpoint of the task `embed`. VGGish's is made of the files that torchvggish published: `published`
fetches them into the user's cache, `read` takes them, or a checkpoint of ours, from disk. To keep it as one file, save
the checkpoint; in half precision it takes 144 MB.

Axes: n example, e dimension of the embedding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import checkpoint, models
from soundsieve.checkpoint import Checkpoint
from soundsieve.download import Progress, fetch
from soundsieve.errors import CheckpointError
from soundsieve.features.vggish import VGGishExamples, VGGishExamplesSettings
from soundsieve.inference.device import pick_device
from soundsieve.inference.fifo import Fifo
from soundsieve.models.vggish import VGGishSettings, published_weights

Waveform = NDArray[np.float32]

WEIGHTS_URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
PCA_URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish_pca_params-970ea276.pth"
_CARD = {
    "licence": "Apache-2.0",
    "source": "https://github.com/tensorflow/models/tree/master/research/audioset/vggish",
    "converted": "https://github.com/harritaylor/torchvggish",
    "data": "a large YouTube data set, a preliminary version of YouTube-8M",
}
_BATCH = 8  # examples embedded at once


class Embedder:
    """Front end and network of a checkpoint of the task `embed`.

    Args:
        found: The checkpoint, with its weights.
        device: auto, cpu, cuda, …

    Attributes:
        sample_rate: Of the waveforms, in Hz.
        size: Dimensions of an embedding.
        step: Samples from one embedding to the next.

    Raises:
        CheckpointError: when it is for another task, its weights do not fit, or its front end does not.
        SettingsError: when this machine has no such device.

    >>> hyper = {"channels": [2, 2, 4, 4], "dense": 8}
    >>> weights = models.build("vggish", hyper, classes=0).state_dict()
    >>> embedder = Embedder(Checkpoint("embed", "vggish", hyper, (), 16_000, weights=weights), device="cpu")
    >>> embedder.embed(np.zeros(48_000, np.float32)).shape
    (3, 128)
    """

    def __init__(self, found: Checkpoint, device: str = "auto") -> None:
        if found.task != "embed":
            raise CheckpointError(f"a {found.model} is for {found.task}: expected a model for embed")
        s = VGGishExamplesSettings.parse(found.front_end)
        hyper: Any = models.settings(found.model, found.hyper)
        made, taken = (s.sample_rate, s.frames, s.mels), (found.sample_rate, hyper.frames, hyper.mels)
        if made != taken:
            raise CheckpointError(
                f"a {found.model} takes (sample rate, frames, mels) = {taken}; its front end is for {made}"
            )
        self.sample_rate = found.sample_rate
        self.size: int = hyper.size
        self.device = pick_device(device)
        self.front_end = VGGishExamples(s).to(self.device)
        self.model = found.build().to(self.device)
        self.step = self.front_end.step

    def embed(self, waveform: Waveform) -> NDArray[Any]:
        """Embed a recording (time,) at `sample_rate`: (n, e), uint8 where the checkpoint's output is quantised.

        One that is too short for an example is lengthened with silence; see `soundsieve.features.vggish`.

        Raises:
            ValueError: when the shape or the type does not fit, or it is empty.
        """
        return np.concatenate(list(self.embed_blocks([waveform])))

    def embed_blocks(self, blocks: Iterable[Waveform]) -> Iterator[NDArray[Any]]:
        """Embed a recording that comes in blocks (time,) of any lengths: arrays (k, e) that add up to `embed`.

        No more than one block and a few examples are held at a time.

        Raises:
            ValueError: when the shape or the type of a block does not fit, or there are no samples.
        """
        fifo = Fifo()
        reach, stride = self.front_end.reach, _BATCH * self.step
        whole = reach + stride - self.step  # what a batch of examples looks at
        for block in blocks:
            if block.ndim != 1 or not np.issubdtype(block.dtype, np.floating):
                raise ValueError(f"block: expected floating-point (time,), found {block.dtype} {block.shape}")
            for start in range(0, len(block), stride):  # so that a long block is not copied again and again
                fifo.push(block[start : start + stride])
                while len(fifo) >= whole:
                    yield self._embed(fifo.peek(fifo.start, fifo.start + whole))
                    fifo.drop(fifo.start + stride)
        if not fifo.end:
            raise ValueError("a recording without samples has no embedding")
        if len(fifo) >= reach or not fifo.start:
            yield self._embed(fifo.peek(fifo.start, fifo.end))

    def _embed(self, waveform: Waveform) -> NDArray[Any]:
        with torch.inference_mode():
            # A copy: the view may be of memory that torch must not write to.
            embeddings = self.model(self.front_end(torch.tensor(waveform, device=self.device)))
        return np.asarray(embeddings.cpu().numpy())


def read(path: Path, pca: Path | None = None, hyper: Mapping[str, Any] | None = None) -> Checkpoint:
    """Read what embeds from disk.

    Args:
        path: A checkpoint of ours (`.safetensors`), or the weights in torchvggish's `vggish-10086976.pth`.
        pca: Beside the latter, `vggish_pca_params-970ea276.pth`, where `output` is not the plain embedding.
        hyper: Beside the latter, hyper-parameters of `vggish`, such as `{"output": "whitened"}`.

    Raises:
        CheckpointError: when a file is missing, damaged, or not what it should be.
        SettingsError: when a hyper-parameter is wrong.
    """
    if path.suffix == checkpoint.SUFFIX:
        if pca is not None or hyper:
            raise CheckpointError(f"{path}: a checkpoint says all by itself, expected neither PCA nor hyper-parameters")
        return checkpoint.load(path)
    s = VGGishSettings.parse(hyper or {})
    weights = published_weights(path, pca, s)
    front_end = VGGishExamplesSettings(frames=s.frames, mels=s.mels)
    values = s.model_dump(mode="json")
    rate = front_end.sample_rate
    return Checkpoint("embed", "vggish", values, (), rate, _CARD, weights=weights, front_end=front_end.model_dump())


def published(
    hyper: Mapping[str, Any] | None = None, *, folder: Path | None = None, progress: Progress | None = None
) -> Checkpoint:
    """Fetch VGGish's published weights, once (289 MB; Apache 2.0), and read them.

    Args:
        hyper: Hyper-parameters, such as `{"output": "whitened"}`, for which a second, small file is fetched.
        folder: Where the files are kept; None is the user's cache.
        progress: Called with the bytes done and the bytes there are, of one file after the other.

    Raises:
        DownloadError: when there is no network, or a file is not what it should be.
        OutputError: when a file cannot be written.
        CheckpointError: when a file is none of weights of VGGish.
        SettingsError: when a hyper-parameter is wrong.
    """
    s = VGGishSettings.parse(hyper or {})  # before anything is fetched
    weights = fetch(WEIGHTS_URL, folder=folder, progress=progress)
    pca = None if s.output == "embedding" else fetch(PCA_URL, folder=folder, progress=progress)
    return read(weights, pca, hyper)
