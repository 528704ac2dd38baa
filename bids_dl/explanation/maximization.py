"""Activation maximization: inputs from random starts that maximize an output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.explanation.contents import Axes, Floats
from bids_dl.explanation.gradients import with_gradients
from bids_dl.explanation.spectra import average_bands, compute_power, to_decibels
from bids_dl.explanation.windows import batch_size

FIRST_SIZE = 0.1  # standard deviations of the windows: small, so that the model shapes the input
STEP_SIZE = 0.05  # standard deviations of the windows by which Adam changes a sample in a step
PENALTY = 0.01  # of the mean square in standard deviations of the windows
SHIFT_SEED = 0  # of the random shifts, which are those of all networks


@dataclass(frozen=True, slots=True, eq=False)
class WindowScale:
    """Typical amplitude of each channel within a window.

    Attributes
    ----------
    normalized
        (n_chans,): standard deviation over the samples of a window, as the model gets it.
    microvolts
        (n_chans,): likewise in µV.
    """

    normalized: Floats
    microvolts: Floats

    def to_microvolts(self, inputs: Floats) -> Floats:
        """Convert inputs (..., n_chans, n_times) of the model to µV."""
        factor = np.divide(
            self.microvolts,
            self.normalized,
            out=np.zeros_like(self.microvolts),
            where=self.normalized > 0,
        )
        return inputs * factor[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class MaximizedInputs:
    """Inputs of one network, summarized as in `Maximization`.

    Attributes
    ----------
    spectra, peaks, band_power
        (n_outputs, n_freqs) and (n_outputs, n_bands, n_chans) in dB; (n_outputs,) in Hz.
    start_peaks, logits
        (n_outputs, n_starts).
    example
        (n_outputs, n_chans, n_times) in µV: the inputs of the first start.
    """

    spectra: Floats
    peaks: Floats
    band_power: Floats
    start_peaks: Floats
    logits: Floats
    example: Floats


def maximize(
    model: nn.Module, output: int, starts: Tensor, scale: Tensor, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Maximize one output by changing the input (Erhan et al. 2009, Simonyan et al. 2014).

    Adam maximizes the output minus a small penalty of the squared amplitude. After each step, a
    channel whose standard deviation exceeds that of the windows is scaled down to it. Before each
    step, the input is shifted in time by a random number of samples, its end becoming its start
    (Olah et al. 2017, doi:10.23915/distill.00007). The phase of a rhythm in a window is random, and
    without shifts the inputs fit single samples of the window.

    Parameters
    ----------
    model
        Model in evaluation mode.
    output
        Number of the output.
    starts
        (n_starts, n_chans, n_times) standard normal.
    scale
        (n_chans,): standard deviation of the windows, as the model gets them.
    n_steps
        Steps of Adam.

    Returns
    -------
    inputs, logits
        (n_starts, n_chans, n_times) and (n_starts,).

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    >>> starts = torch.randn(3, 2, 3, generator=torch.Generator().manual_seed(0))
    >>> inputs, logits = maximize(model, 1, starts, torch.ones(2), n_steps=50)
    >>> bool((logits > model(starts)[:, 1]).all())
    True
    """
    amplitude = scale[:, None]
    units = (FIRST_SIZE * starts).requires_grad_()  # in standard deviations of the windows
    optimizer = torch.optim.Adam([units], lr=STEP_SIZE)
    generator = torch.Generator().manual_seed(SHIFT_SEED)
    shifts = torch.randint(starts.shape[2], (n_steps,), generator=generator).tolist()
    with with_gradients(model):
        for shift in shifts:
            penalty = PENALTY * units.square().mean(dim=(1, 2)).sum()
            shifted = units.roll(shift, dims=2) * amplitude
            loss = penalty - model(shifted)[:, output].sum()
            (units.grad,) = torch.autograd.grad(loss, [units])
            optimizer.step()
            with torch.no_grad():
                centered = units - units.mean(dim=2, keepdim=True)
                size = centered.square().mean(dim=2, keepdim=True).sqrt()
                units.copy_(centered / size.clamp(min=1))
    inputs = (units * amplitude).detach()
    with torch.no_grad():
        logits = model(inputs)[:, output]
    return inputs, logits


def maximize_outputs(
    model: nn.Module,
    n_outputs: int,
    scale: WindowScale,
    axes: Axes,
    starts: Tensor,
    n_steps: int,
) -> MaximizedInputs:
    """Maximize each output from all starts, and describe the inputs in µV.

    Parameters
    ----------
    model
        Model in evaluation mode.
    n_outputs
        Outputs of the model.
    scale
        Amplitude of the windows.
    axes
        Axes of the windows.
    starts
        (n_starts, n_chans, n_times) standard normal, on the device of the model.
    n_steps
        Steps of Adam.
    """
    limits = torch.as_tensor(scale.normalized, dtype=torch.float32).to(starts.device)
    parts: list[Floats] = []
    examples: list[Floats] = []
    logits: list[Floats] = []
    for output in range(n_outputs):
        powers: list[Floats] = []
        reached: list[Tensor] = []
        for batch in torch.split(starts, batch_size(starts[0].numel())):
            inputs, values = maximize(model, output, batch, limits, n_steps)
            signals = scale.to_microvolts(inputs.double().cpu().numpy())
            if not powers:
                examples.append(signals[0])
            powers.append(compute_power(signals, axes.sfreq))
            reached.append(values.double().cpu())
        parts.append(np.concatenate(powers))
        logits.append(torch.cat(reached).numpy())
    return _summarize(np.stack(parts), axes, np.stack(logits), np.stack(examples))


def _summarize(power: Floats, axes: Axes, logits: Floats, example: Floats) -> MaximizedInputs:
    """Summarize power (n_outputs, n_starts, n_chans, n_freqs) in µV²/Hz."""
    by_start = power.mean(axis=2)
    spectra = by_start.mean(axis=1)
    by_band = average_bands(power.mean(axis=1), axes)
    return MaximizedInputs(
        spectra=to_decibels(spectra),
        peaks=axes.frequencies[spectra.argmax(axis=-1)],
        band_power=np.moveaxis(to_decibels(by_band), 0, 1),
        start_peaks=axes.frequencies[by_start.argmax(axis=-1)],
        logits=logits,
        example=example,
    )
