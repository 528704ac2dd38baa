"""Options of simulated active learning by name, to their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.config.validation import build
from bids_dl.config.values import as_tuple, parse_assignments, parse_number
from bids_dl.errors import ConfigError


def parse_simulation(options: Mapping[str, Any]) -> SimulateConfig:
    """Build the settings of a simulation, ignoring other options.

    Raises
    ------
    ConfigError
        An option has a wrong value, or has no effect.

    Examples
    --------
    >>> parse_simulation({"strategy": "random,mixture", "test": "0.5"}).strategy
    ('random', 'mixture')
    """
    names = {field.name for field in fields(SimulateConfig)}
    values = {name: options.get(name) for name in names}
    values["strategy"] = _parse_names(values["strategy"])
    values["test"] = _parse_test(values["test"])
    values["answers"] = _parse_answers(values["answers"])
    values["model_options"] = parse_assignments(values["model_options"], "--model-option")
    config = build(SimulateConfig, **values)
    _check_protocol(config, values)
    for option, flag in (("model_options", "--model-option"), ("epochs", "--epochs")):
        if config.model is None and values[option] is not None:
            raise ConfigError(f"{flag} has no effect without a network; add --model NAME")
    if config.model is not None and config.automatic:
        raise ConfigError(
            "--automatic needs weights of single windows, which networks do not have here; "
            "leave out --model"
        )
    return config


def _parse_names(value: Any) -> tuple[str, ...] | None:
    """Return distinct names from text with commas or a sequence, None for None."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else as_tuple(value)
    names = tuple(dict.fromkeys(str(part).strip() for part in parts))
    if not names or "" in names:
        raise ConfigError(f"--strategy {value!r}: expected names, such as random,mixture")
    return names


def _parse_answers(value: Any) -> tuple[int, ...] | None:
    """Return distinct numbers in their order, from text with commas or a sequence."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else as_tuple(value)
    numbers = [parse_number(part) for part in parts]
    if not all(number is not None and number >= 0 and number % 1 == 0 for number in numbers):
        raise ConfigError(f"--answers {value!r}: expected whole numbers, such as 0,20,50")
    answers = tuple(sorted({int(number) for number in numbers if number is not None}))
    if not any(answers):
        raise ConfigError(f"--answers {value!r}: expected a number above 0, such as 0,20,50")
    return answers


def _check_protocol(config: SimulateConfig, values: Mapping[str, Any]) -> None:
    """Refuse options of one protocol that have no effect in the other."""
    if not config.leave_one_patient_out:
        if values["answers"] is not None:
            raise ConfigError("--answers has no effect without --leave-one-patient-out")
        return
    for name, reason in (
        ("budget", "--answers names the numbers of answers"),
        ("test", "each person is tested in turn"),
        ("automatic", "automatic labels need the simulation of one pool"),
    ):
        if values[name]:
            raise ConfigError(f"--{name} has no effect with --leave-one-patient-out: {reason}")


def _parse_test(value: Any) -> Any:
    """Return a share above 0 and below 1, or the text split."""
    if value is None or value == "split":
        return value
    number = parse_number(value)
    if number is None or not 0 < number < 1:
        raise ConfigError(
            f"--test {value}: expected a share of the people above 0 and below 1, or split"
        )
    return number
