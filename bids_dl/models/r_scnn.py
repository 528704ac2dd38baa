"""R-SCNN: the raw-signal network that tells sex from 2 s of 24-channel EEG."""

from __future__ import annotations

from torch import Tensor, nn

SHAPE = (24, 256)


class RSCNN(nn.Module):
    """Six convolutions over channels and time as over an image, then two dense layers.

    The network on raw signals of Truong, Milham, Makeig and Delorme 2021 (arXiv 2105.04762), after van Putten et al. 2018;
    ReLU after every convolution and the hidden dense layer, no padding, 1,900 features into the dense layer.

    Parameters
    ----------
    n_chans, n_times
        24 channels and 256 samples; nothing else fits.
    n_outputs
        Classes.
    sfreq
        Taken so that all models are built alike; the paper's is 128 Hz.
    dropout
        Share of the features dropped after each of the four poolings.
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
            *(
                nn.Conv2d(300, 300, (1, 7)),
                nn.ReLU(),
                nn.MaxPool2d((1, 2), stride=1),
                nn.Dropout(dropout),
            ),
            *(nn.Conv2d(300, 100, (1, 3)), nn.ReLU()),
            *(nn.Conv2d(100, 100, (1, 3)), nn.ReLU()),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(1900, 6144), nn.ReLU(), nn.Linear(6144, n_outputs)
        )

    def forward(self, signals: Tensor) -> Tensor:
        """Logits (batch, n_outputs) of signals (batch, 24, 256)."""
        logits: Tensor = self.classifier(self.features(signals.unsqueeze(1)))
        return logits
