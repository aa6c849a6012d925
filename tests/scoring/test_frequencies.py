"""Shares of predicted classes against published ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import rel_entr

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.labels import COMPOUND_7
from abawbench.scoring.frequencies import PUBLISHED, frequencies
from abawbench.table import Table

# facebehaviornet.md 6, in the order of the challenge
FRAMES = (14_445, 24_915, 10_780, 10_637, 10_535, 10_112, 8_878)


def predicted(classes: list[int], task: str = "compound") -> Table:
    rows = len(classes)
    frame = np.arange(1, rows + 1, dtype=np.int32)
    return Table(("01",), np.zeros(rows, np.int32), frame, {task: np.array(classes, np.int8)})


def test_published_frames_are_those_of_the_article_in_the_order_of_the_challenge():
    frames, source = PUBLISHED["C-EXPR-DB"]
    assert tuple(frames[name] for name in COMPOUND_7) == FRAMES
    assert "CVPR 2023" in source


@pytest.mark.parametrize("identifier", ["abaw6-ce", "abaw7-ce", "abaw9-ce"])
def test_the_divergence_is_that_of_scipy_and_counts_no_class_that_is_never_predicted(identifier):
    classes = [0] * 3 + [1] * 5 + [6] * 2 + [-1]
    (found,) = frequencies(get(identifier), predicted(classes))
    assert list(found.predicted.values()) == [3, 5, 0, 0, 0, 0, 2]
    share = np.array([3, 5, 0, 0, 0, 0, 2]) / 10
    assert found.divergence == pytest.approx(rel_entr(share, np.array(FRAMES) / sum(FRAMES)).sum())


def test_the_published_shares_diverge_from_themselves_by_nothing():
    classes = np.repeat(np.arange(7), np.array(FRAMES) // 10).tolist()
    (found,) = frequencies(get("abaw7-ce"), predicted(classes))
    assert found.divergence == pytest.approx(0, abs=1e-6)


def test_data_without_published_frames_have_no_divergence():
    (found,) = frequencies(get("raf-db-compound"), predicted([0, 3, 10]))
    assert found.divergence is None
    assert found.published == {}


def test_a_challenge_without_classes_is_refused():
    with pytest.raises(ProblemError, match="C02"):
        frequencies(get("abaw10-va"), predicted([0]))
