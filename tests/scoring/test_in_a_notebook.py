"""Scores and differences show themselves in a notebook, and a difference is a dictionary as ever."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace

from abawbench.challenges import get
from abawbench.scoring import Resampling, score
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import quoted
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")
CORPUS = simulate_split(6, 40, seed=1)
ONE, TWO = (simulate_predictions(CORPUS.known, skill, 0) for skill in (0.7, 0.6))
SCORE = score(MTL, CORPUS.truth, ONE, resampling=Resampling(200))
DIFFERENCE = difference(MTL, CORPUS.truth, ONE, TWO, resampling=Resampling(200))


def test_a_score_shows_every_figure_with_the_interval_to_quote():
    bounds = quoted(SCORE.intervals["metrics"]["ccc_arousal"])
    assert bounds is not None
    assert SCORE.score is not None
    for text in (SCORE._repr_html_(), SCORE._repr_markdown_()):
        for shown in ("CCC arousal", f"{bounds[1][0]:.4f} to {bounds[1][1]:.4f}", f"{SCORE.score:.4f}", "6 videos"):
            assert shown in text
    assert "only 6 videos" in SCORE._repr_html_()


def test_names_of_units_in_flags_are_no_html():
    page = replace(SCORE, flags=("rows of <script>alert(1)</script> were filled",))._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_difference_shows_both_figures_and_its_p():
    for text in (DIFFERENCE._repr_html_(), DIFFERENCE._repr_markdown_()):
        for shown in (f"{DIFFERENCE['difference']:+.4f}", f"p = {DIFFERENCE['p']:.4f}", "F1 expression, Fear"):
            assert shown in text


def test_a_difference_is_a_dictionary_for_those_who_read_it_so():
    assert isinstance(DIFFERENCE, dict)
    assert json.loads(json.dumps(DIFFERENCE)) == DIFFERENCE == copy.deepcopy(DIFFERENCE)
    assert pickle.loads(pickle.dumps(DIFFERENCE)) == DIFFERENCE
    assert dict(DIFFERENCE) == {**DIFFERENCE}
