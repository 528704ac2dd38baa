from __future__ import annotations

import numpy as np
import pandas as pd
from example_records import number_record

from bids_dl.training.record.scatter import MAX_PLOTTED_VOTES, draw_scatter, plot_scatter

SPEC = number_record(n_persons=3).spec


def test_each_vote_is_a_dot():
    votes = pd.DataFrame({"Age": [20.0, 40.0, 60.0], "predicted": [60.0, 40.0, np.nan]})
    plot, n_plotted = plot_scatter(SPEC, votes)
    first, second = plot.dots
    assert n_plotted == 2
    assert first.x < second.x
    assert first.y < second.y  # because a larger number is higher


def test_at_most_a_thousand_votes_are_on_the_page_including_the_first_and_last():
    ages = np.linspace(0, 100, 5000)
    plot, n_plotted = plot_scatter(SPEC, pd.DataFrame({"Age": ages, "predicted": ages}))
    assert n_plotted == len(plot.dots) == MAX_PLOTTED_VOTES
    assert plot.dots[0].x < plot.dots[-1].x


def test_equal_numbers_and_names_with_dollar_signs_are_drawn(tmp_path):
    table = pd.DataFrame({"Age": [30.0, 30.0], "predicted": [30.0, 30.0]})
    draw_scatter(SPEC, table, table, tmp_path / "scatter.png")
    assert (tmp_path / "scatter.png").read_bytes().startswith(b"\x89PNG")
