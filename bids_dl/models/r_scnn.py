"""R-SCNN: convolutional network on raw signals that classifies sex from 2 s of 24-channel EEG."""

from __future__ import annotations

from torch import Tensor, nn

from bids_dl.models.spec import ModelSpec

SHAPE = (24, 256)  # n_chans, n_times
N_FEATURES = 1900  # that the convolutions leave of a window


class RSCNN(nn.Module):
    """Six convolutions over channels and time, as over an image, then two dense layers.

    The network on raw signals of Truong, Milham, Makeig and Delorme 2021 (arXiv:2105.04762), after
    van Putten et al. 2018. Each convolution and the hidden dense layer is followed by a ReLU.
    Convolutions have no padding and leave 1,900 features for the dense layer.

    Parameters
    ----------
    n_chans, n_times
        24 channels and 256 samples. No other shape is accepted.
    n_outputs
        Number of classes.
    sfreq
        Ignored, because all models have the same first parameters. The paper uses 128 Hz.
    dropout
        Fraction of the features dropped after each of the four poolings.
    """

    def __init__(
        self, n_chans: int, n_times: int, n_outputs: int, sfreq: float, *, dropout: float = 0.25
    ) -> None:
        super().__init__()
        del n_chans, n_times, sfreq
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 100, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
            *(nn.Conv2d(100, 100, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
            *(nn.Conv2d(100, 300, (2, 3)), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)),
            nn.Conv2d(300, 300, (1, 7)),
            nn.ReLU(),
            nn.MaxPool2d((1, 2), stride=1),
            nn.Dropout(dropout),
            *(nn.Conv2d(300, 100, (1, 3)), nn.ReLU()),
            *(nn.Conv2d(100, 100, (1, 3)), nn.ReLU()),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(N_FEATURES, 6144), nn.ReLU(), nn.Linear(6144, n_outputs)
        )

    def forward(self, signals: Tensor) -> Tensor:
        """Compute logits (batch, n_outputs) of signals (batch, 24, 256)."""
        logits: Tensor = self.classifier(self.features(signals.unsqueeze(1)))
        return logits


SPEC = ModelSpec(
    name="r-scnn",
    summary="six convolutions over raw signals of 24 channels and 256 samples (2 s at 128 Hz)",
    source="Truong, Milham, Makeig & Delorme 2021, arXiv:2105.04762",
    shape=SHAPE,
    make=RSCNN,
    normalize="none",
)
