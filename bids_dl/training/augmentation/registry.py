"""All operations by name. A new operation is its file and an entry in `OPERATIONS`."""

from __future__ import annotations

from collections.abc import Mapping

from bids_dl.training.augmentation.amplitude_scale import AmplitudeScale
from bids_dl.training.augmentation.channel_dropout import ChannelDropout
from bids_dl.training.augmentation.cutout import CutOut
from bids_dl.training.augmentation.frequency_mask import FrequencyMask
from bids_dl.training.augmentation.operation import WindowOperation
from bids_dl.training.augmentation.time_mask import TimeMask
from bids_dl.training.augmentation.time_shift import TimeShift

OPERATIONS: Mapping[str, WindowOperation] = {
    "time_shift": TimeShift(),
    "amplitude_scale": AmplitudeScale(),
    "frequency_mask": FrequencyMask(),
    "time_mask": TimeMask(),
    "cutout": CutOut(),
    "channel_dropout": ChannelDropout(),
}
"""Operations on windows by name, in the order in which they are applied."""

MIXUP = "mixup"
"""Name of `Mixup`, which is applied last, because it needs all windows of a batch."""
