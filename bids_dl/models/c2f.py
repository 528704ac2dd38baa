"""C2f backbone: a network for images of spectrograms, of the architecture of YOLOv8."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bids_dl.models.spec import ModelSpec
from bids_dl.transforms import HMS, ImageSettings, SpectrogramImage

SIZES = {
    "large": ((128, 256, 512, 512), (3, 6, 6, 3)),
    "small": ((32, 64, 128, 256), (1, 2, 2, 1)),
}
"""Name -> widths and depths of the four stages. The large one is YOLOv8-L."""
IMAGE_CHANNELS = 3  # the image is repeated, as for networks of photographs
IMAGES = {"channels": ImageSettings(n_copies=IMAGE_CHANNELS), "chains": HMS}
"""Name -> image of a window: one part a channel, or the published means of four chains."""
EPSILON = 1e-3  # of batch norm


class C2fNet(nn.Module):
    """Backbone of cross-stage partial blocks on spectrogram images, mean over pixels, dense.

    The backbone of YOLOv8 (Jocher, Chaurasia and Qiu 2023), as a classifier of harmful brain
    activity: two 3 x 3 convolutions with stride 2, four stages, and pyramid pooling. Each
    convolution is followed by batch norm and SiLU, and has no bias. The code is written from the
    description of the architecture.

    The network differs from the published system in two ways. It begins with random weights, not
    with those of photographs. It returns logits, because the softmax belongs to the loss.

    Parameters
    ----------
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs.
    sfreq
        Sampling rate in Hz. The published system uses 200 Hz.
    size
        ``"large"``, with 19.8 million parameters in the backbone, or ``"small"``, with 1.3 million.
    kernel
        Pixels of the larger convolutions along each axis, an odd number. YOLOv8 uses 3.
    image
        ``"channels"``: the spectrogram of each channel, for any montage. ``"chains"``: the mean of
        each quarter of the channels, resized to 400 x 300 pixels, as published for the bipolar
        channels of four chains.
    dropout
        Fraction of the features dropped before the dense layer.

    Raises
    ------
    ModelError
        The window is shorter than a segment of the spectrogram, 1 s or with chains 5.12 s, or the
        rate is below 40 Hz.
    ValueError
        The size or the image is unknown, or the kernel is even.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int,
        sfreq: float,
        *,
        size: str = "large",
        kernel: int = 3,
        image: str = "channels",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}")
        if image not in IMAGES:
            raise ValueError(f"image must be one of {', '.join(IMAGES)}")
        widths, depths = SIZES[size]
        self.input = SpectrogramImage(n_chans, n_times, sfreq, IMAGES[image])
        self.backbone = make_backbone(IMAGE_CHANNELS, widths, depths, kernel)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(widths[-1], n_outputs)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, n_chans, n_times) in µV."""
        maps = self.backbone(self.input(signals))
        logits: Tensor = self.dense(self.dropout(maps.mean(dim=(2, 3))))
        return logits


def make_backbone(
    n_channels: int, widths: tuple[int, ...], depths: tuple[int, ...], kernel: int = 3
) -> nn.Sequential:
    """Return the layers from images to maps (batch, widths[-1], height / 32, width / 32).

    Parameters
    ----------
    n_channels
        Channels of the images.
    widths, depths
        Maps and number of bottlenecks of each stage.
    kernel
        Pixels of the larger convolutions along each axis.

    Raises
    ------
    ValueError
        The kernel is even.

    Examples
    --------
    >>> make_backbone(3, (32, 64), (1, 1))(torch.zeros(1, 3, 64, 96)).shape
    torch.Size([1, 64, 8, 12])
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError("kernel must be an odd number")
    width = widths[0]
    layers: list[nn.Module] = [
        _convolve(n_channels, width // 2, kernel, stride=2),
        _convolve(width // 2, width, kernel, stride=2),
        PartialStage(width, depths[0], kernel),
    ]
    for next_width, depth in zip(widths[1:], depths[1:], strict=True):
        layers.append(_convolve(width, next_width, kernel, stride=2))
        layers.append(PartialStage(next_width, depth, kernel))
        width = next_width
    return nn.Sequential(*layers, PyramidPooling(width))


class PartialStage(nn.Module):
    """Stage in which half of the maps pass through a chain of bottlenecks (C2f).

    A 1 x 1 convolution is split in halves. Each bottleneck adds two convolutions of the last piece
    to it. All pieces are concatenated before a last 1 x 1 convolution.

    Parameters
    ----------
    width
        Maps of the input and of the output.
    depth
        Number of bottlenecks.
    kernel
        Pixels of their convolutions along each axis.
    """

    def __init__(self, width: int, depth: int, kernel: int) -> None:
        super().__init__()
        half = width // 2
        self.enter = _convolve(width, width, 1)
        bottlenecks = []
        for _ in range(depth):
            pair = nn.Sequential(_convolve(half, half, kernel), _convolve(half, half, kernel))
            bottlenecks.append(pair)
        self.bottlenecks = nn.ModuleList(bottlenecks)
        self.leave = _convolve((2 + depth) * half, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps (batch, width, height, width of image) of maps of the same shape."""
        pieces = list(self.enter(maps).chunk(2, dim=1))
        for bottleneck in self.bottlenecks:
            pieces.append(pieces[-1] + bottleneck(pieces[-1]))
        combined: Tensor = self.leave(torch.cat(pieces, dim=1))
        return combined


class PyramidPooling(nn.Module):
    """Maxima over 5 x 5, 9 x 9 and 13 x 13 pixels beside the maps themselves (SPPF).

    Parameters
    ----------
    width
        Maps of the input and of the output.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = _convolve(width, width // 2, 1)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.leave = _convolve(4 * (width // 2), width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of the same shape."""
        pieces = [self.enter(maps)]
        for _ in range(3):  # the maximum of maxima over 5 pixels covers 9, then 13
            pieces.append(self.pool(pieces[-1]))
        combined: Tensor = self.leave(torch.cat(pieces, dim=1))
        return combined


def _convolve(n_in: int, n_out: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size of images or halves it, batch norm and SiLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(n_out, eps=EPSILON),
        nn.SiLU(),
    )


SPEC = ModelSpec(
    name="c2f",
    summary="C2f backbone (YOLOv8) on spectrogram images, for any montage, rate and window",
    source="Jocher, Chaurasia & Qiu 2023, YOLOv8 (architecture only)",
    shape=None,
    make=C2fNet,
    normalize="none",
    rate=200.0,
    transforms=("spectrogram-image",),
    min_seconds=1.0,
    example=(8, 600, 200.0),
)
