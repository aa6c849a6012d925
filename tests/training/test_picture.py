"""The picture of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from abawbench.training.picture import draw, write_picture

SCORES = [0.9, 1.2, 1.1]


def row(epoch: int, score: float | None, **terms: float | None) -> dict[str, Any]:
    return {"epoch": epoch, "loss": {"va": 1 / epoch}, "score": score, "terms": terms}


HISTORY = [row(epoch, score, va=score / 3, expression=score / 2) for epoch, score in enumerate(SCORES, 1)]
BEST = {"score": {"epoch": 2, "value": 1.2}, "va": {"epoch": 2, "value": 0.4}, "expression": {"epoch": 2, "value": 0.6}}


def lines(axes) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_it_shows_losses_terms_the_official_score_and_the_chosen_epoch():
    above, below = draw(HISTORY, BEST).axes
    assert set(lines(above)) == {"va", "chosen: epoch 2, 1.2000"}
    assert set(lines(below)) == {"va", "expression", "official score", "chosen: epoch 2, 1.2000"}
    assert list(lines(below)["official score"].get_ydata()) == SCORES
    assert list(lines(below)["chosen: epoch 2, 1.2000"].get_xdata()) == [2, 2]


def test_a_circle_is_round_the_best_epoch_of_each_score():
    _, below = draw(HISTORY, BEST).axes
    circles = [line for line in below.lines if line.get_marker() == "o"]
    places = np.array([line.get_xydata() for line in circles])[:, 0]
    np.testing.assert_allclose(places, [(2, 0.4), (2, 0.6), (2, 1.2)])


def test_the_only_term_of_a_challenge_is_its_score():
    _, below = draw([row(1, 0.5, va=0.5)], {"score": {"epoch": 1, "value": 0.5}}).axes
    assert set(lines(below)) == {"official score", "chosen: epoch 1, 0.5000"}


def test_without_a_validation_split_no_score_is_drawn(tmp_path):
    history = [row(1, None), row(2, None)]
    _, below = draw(history, {"score": {"epoch": 2, "value": None}}).axes
    assert set(lines(below)) == {"chosen: epoch 2"}
    write_picture(tmp_path, history, {})
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
