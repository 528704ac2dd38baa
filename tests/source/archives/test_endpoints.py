"""Base addresses of the archives: where they come from, and what is refused."""

from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError
from bids_dl.source.archives.endpoints import find_endpoints

VARIABLE = "BIDS_DL_OPENNEURO_GIT"


def test_an_option_comes_before_the_environment_and_that_before_the_default():
    environment = {VARIABLE: "https://mirror.org/"}
    options = {"openneuro-git": "https://option.org"}
    assert find_endpoints(options, environment)["openneuro-git"] == "https://option.org"
    assert find_endpoints({}, environment)["openneuro-git"] == "https://mirror.org"
    assert find_endpoints({}, {})["openneuro-git"] == "https://github.com/OpenNeuroDatasets"


@pytest.mark.parametrize("url", ["https://me:hidden@mirror.org", "https://hidden@mirror.org/git"])
def test_credentials_in_an_address_are_refused_and_not_shown(url):
    with pytest.raises(ConfigError, match=r"openneuro-git: .* must not hold") as refusal:
        find_endpoints({"openneuro-git": url}, {})
    assert "hidden" not in str(refusal.value)
    with pytest.raises(ConfigError, match="must not hold"):
        find_endpoints({}, {VARIABLE: url})
