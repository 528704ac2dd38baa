"""Validation of the parameters of a synthetic dataset."""

from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError
from bids_dl.testing import PlantedEffect
from bids_dl.testing.design import make_design


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_subject": 3}, "synthetic dataset: unknown name 'n_subject'"),
        ({"format": "fif"}, "format"),
        ({"sfreq": 0}, "sfreq"),
        ({"bads": ("Nz",)}, "Nz"),
        (
            {"events": "hbn", "n_blocks": 3},
            "n_blocks and block_duration apply to the events eyes, sleep and night only",
        ),
        ({"broken": "companion"}, "edf is a single file"),
        (
            {"format": "brainvision", "boundaries": (3,)},
            "brainvision files do not have such annotations",
        ),
        ({"variants": [{"seed": 3}]}, "seed cannot differ between subjects"),
        ({"effect": PlantedEffect(), "events": "hbn"}, "effect: needs the events eyes, got hbn"),
        (
            {"effect": PlantedEffect(band=(30, 90))},
            "effect: the band ends at 90 Hz, above half the rate of 160 Hz",
        ),
        (
            {"effect": PlantedEffect(window=3)},
            "effect: windows of 3 s do not tile blocks of 10 s at 160 Hz",
        ),
        (
            {"effect": PlantedEffect(electrodes=("Oz",))},
            r"effect: electrodes \['Oz'\] are not among the channels",
        ),
        ({"variants": [{"effect": None}]}, "effect cannot differ between subjects"),
    ],
)
def test_wrong_parameters_are_refused_in_one_line(parameters, message):
    with pytest.raises(ConfigError, match=message) as refusal:
        make_design(parameters)
    assert "\n" not in str(refusal.value)


def test_a_wrong_variant_is_refused_for_its_subject():
    design = make_design({"variants": [{}, {"sfreq": 3}]})
    with pytest.raises(ConfigError, match="sfreq"):
        design.for_subject(1)


def test_subjects_take_variants_in_turn():
    design = make_design({"variants": [{}, {"sfreq": 250}], "bads": ("Cz",)})
    assert [design.for_subject(i).sfreq for i in range(4)] == [160, 250, 160, 250]
    assert design.for_subject(1).bads == ("Cz",)
    assert design.for_subject(1).variants == ()
