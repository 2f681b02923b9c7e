"""VGGish: the network behind the embeddings of AudioSet, and what was done to them before they were released.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017; `vggish_slim.py` and
`vggish_postprocess.py` in tensorflow/models. Convolutions 3×3 of 64 | 128 | 256, 256 | 512, 512 channels, each with
ReLU, a max-pool of 2 at each bar and at the end; the 6 × 4 × 512 that are left of an example, in the order height,
width, channel, → 4096 → 4096, with ReLU, → 128 without. 72,141,184 parameters.

AudioSet's embeddings went through a principal component analysis that whitens, were cut to ±2 and kept in 8 bits.
`output` says how far along this way to go. Classifiers gain nothing from 8 bits; they are for comparing with AudioSet.

The parameters are named as https://github.com/harritaylor/torchvggish names them, so its files fit; `published_weights`
reads them. Its network has a ReLU after the last layer, which TensorFlow's has not, and rounds where that cuts off:
here it is as in TensorFlow.

Axes: b example, k channel, l frame, m mel band, e dimension of the embedding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.errors import CheckpointError
from soundsieve.models._weights import read_weights
from soundsieve.settings import Settings

CONVOLUTIONS: Final = (1, 1, 2, 2)  # in each block
HALVINGS: Final = 2 ** len(CONVOLUTIONS)
LIMIT: Final = 2.0  # whitened embeddings are cut to ± this
LEVELS: Final = 255  # steps of 8 bits

Channels = Annotated[int, Field(ge=1)]


class VGGishSettings(Settings):
    """Hyper-parameters; only the default sizes fit the published weights."""

    frames: int = Field(96, ge=HALVINGS, multiple_of=HALVINGS, description="of an example")
    mels: int = Field(64, ge=HALVINGS, multiple_of=HALVINGS, description="bands of an example")
    channels: tuple[Channels, Channels, Channels, Channels] = Field(
        (64, 128, 256, 512), description="filters in each block"
    )
    dense: int = Field(4096, ge=1, description="size of the first two dense layers")
    size: int = Field(128, ge=1, description="of the embedding")
    output: Literal["embedding", "whitened", "quantised"] = Field(
        "embedding", description="of the last layer, whitened and cut to ±2, or that in 8 bits"
    )


class Whitening(nn.Module):
    """Turns embeddings into those of AudioSet, short of the 8 bits.

    Shape:
        - embeddings: (b, e)
        - output: (b, e), in [-2, 2]

    >>> whitening = Whitening(2)
    >>> _ = whitening.load_state_dict({"eigenvectors": torch.tensor([[0.0, 1], [3, 0]]), "means": torch.tensor([1, 0])})
    >>> whitening(torch.tensor([[1.5, 0.25], [2.0, 0.25]])).tolist()
    [[0.25, 1.5], [0.25, 2.0]]
    """

    eigenvectors: Tensor
    means: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("eigenvectors", torch.eye(size))  # component, e
        self.register_buffer("means", torch.zeros(size))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Whiten embeddings and cut them."""
        return ((embeddings - self.means) @ self.eigenvectors.T).clamp(-LIMIT, LIMIT)


def quantise(whitened: Tensor) -> Tensor:
    """Keep numbers in [-2, 2] in 8 bits, cutting off what is between two levels: any shape → uint8 of the same.

    >>> quantise(torch.tensor([-2.0, -1.99, 0.0, 2.0])).tolist()
    [0, 0, 127, 255]
    """
    return ((whitened + LIMIT) * (LEVELS / (2 * LIMIT))).to(torch.uint8)


class VGGish(nn.Module):
    """Embeds examples: what sounds alike lies close together.

    Args:
        settings: Hyper-parameters.
        classes: Not looked at, as an embedding names nothing; architectures are built alike.

    Shape:
        - examples: (b, l, m), as `soundsieve.features.vggish` cuts them
        - output: (b, e), uint8 where it is quantised

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> small = VGGishSettings(channels=(2, 2, 4, 4), dense=8)
    >>> tuple(VGGish(small)(torch.zeros(3, 96, 64)).shape)
    (3, 128)
    """

    def __init__(self, settings: VGGishSettings, classes: int = 0) -> None:
        super().__init__()
        s = self.settings = settings
        layers: list[nn.Module] = []
        before = 1
        for channels, convolutions in zip(s.channels, CONVOLUTIONS, strict=True):
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
                before = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        cells = (s.frames // HALVINGS) * (s.mels // HALVINGS)
        self.embeddings = nn.Sequential(
            nn.Linear(cells * before, s.dense),
            nn.ReLU(inplace=True),
            nn.Linear(s.dense, s.dense),
            nn.ReLU(inplace=True),
            nn.Linear(s.dense, s.size),
        )
        self.whitening = None if s.output == "embedding" else Whitening(s.size)

    def forward(self, examples: Tensor) -> Tensor:
        """Embed each example."""
        s = self.settings
        if examples.ndim != 3 or examples.shape[1:] != (s.frames, s.mels) or not len(examples):
            expected = f"(batch ≥ 1, {s.frames} frames, {s.mels} mels)"
            raise ValueError(f"examples: expected shape {expected}, found {tuple(examples.shape)}")
        cells = self.features(examples[:, None])  # b, k, l/16, m/16
        embeddings: Tensor = self.embeddings(cells.permute(0, 2, 3, 1).flatten(1))  # channels last, as in TensorFlow
        if self.whitening is None:
            return embeddings
        whitened: Tensor = self.whitening(embeddings)
        return quantise(whitened) if s.output == "quantised" else whitened


def published_weights(path: Path, pca: Path | None = None, settings: VGGishSettings | None = None) -> dict[str, Tensor]:
    """Read the files of torchvggish as the state of a `VGGish`.

    Args:
        path: The network's weights, as in `vggish-10086976.pth`.
        pca: What whitens, as in `vggish_pca_params-970ea276.pth`; not read where the output is the plain embedding.
        settings: Of the network; None is the defaults.

    Returns:
        Name → tensor, float32.

    Raises:
        CheckpointError: when a file cannot be read or is not of this network, or there is no `pca` where one is needed.
    """
    s = settings or VGGishSettings()
    with torch.device("meta"):
        expected = VGGish(s).state_dict()
    found = {name: (path, tensor) for name, tensor in read_weights(path).items()}
    if s.output != "embedding":
        if pca is None:
            raise CheckpointError(f"{path}: output = {s.output!r} needs a file of PCA parameters as well, found none")
        found |= {_PCA_NAMES.get(name, name): (pca, tensor) for name, tensor in read_weights(pca).items()}
    weights = {}
    for name, (file, tensor) in found.items():
        if name not in expected:
            raise CheckpointError(f"{file}: expected the weights of VGGish, found {name!r}, which it does not have")
        own = expected[name]
        fitting = tensor.flatten() if name == "whitening.means" else tensor  # which are a column in some copies
        if fitting.shape != own.shape:
            raise CheckpointError(f"{file}: {name!r}: expected shape {tuple(own.shape)}, found {tuple(tensor.shape)}")
        weights[name] = fitting.float()
    for name in expected:
        if name not in weights:
            file = pca if pca and name.startswith("whitening.") else path
            raise CheckpointError(f"{file}: expected the weights of VGGish, found none for {name!r}")
    return weights


_PCA_NAMES: Final = {"pca_eigen_vectors": "whitening.eigenvectors", "pca_means": "whitening.means"}

TASK = "embed"
SETTINGS = VGGishSettings
MODEL = VGGish
