from __future__ import annotations

import jinja2
import pytest

from bids_dl.reporting.templating import open_templates


def test_markup_and_control_characters_are_escaped():
    template = open_templates().from_string("{{ text }}")
    assert template.render(text="<b>\x1b[31m&") == "&lt;b&gt;\\x1b[31m&amp;"


def test_templates_of_a_package_are_found_beside_the_shared_ones():
    environment = open_templates("bids_dl.training.record")
    assert {"record.html", "style.css"} <= set(environment.list_templates())
    assert "record.html" not in open_templates().list_templates()


def test_an_unknown_name_in_a_template_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        open_templates().from_string("{{ missing }}").render()
