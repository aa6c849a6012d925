from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.models.frameworks.settings import computing_order, graph_problems

OUTPUTS = ("valence", "arousal", "expression", "action_units")


def found_in(feedback) -> list[str]:
    return [problem.found for problem in graph_problems(OUTPUTS, feedback)]


def test_no_feedback_keeps_the_order():
    assert computing_order(OUTPUTS, {}) == OUTPUTS


def test_a_chain_is_computed_from_its_end():
    feedback = {"valence": ("arousal",), "arousal": ("action_units",)}
    assert found_in(feedback) == []
    assert computing_order(OUTPUTS, feedback) == ("expression", "action_units", "arousal", "valence")


@given(st.permutations(OUTPUTS), st.lists(st.booleans(), min_size=6, max_size=6))
def test_sources_stand_before_their_targets(ranked, edges):
    pairs = [(ranked[i], ranked[j]) for i in range(4) for j in range(i)]
    feedback = {t: tuple(s for (u, s), there in zip(pairs, edges, strict=True) if there and u == t) for t in ranked}
    assert found_in(feedback) == []
    order = computing_order(OUTPUTS, feedback)
    assert sorted(order) == sorted(OUTPUTS)
    assert all(order.index(s) < order.index(t) for t, sources in feedback.items() for s in sources)


@pytest.mark.parametrize(
    ("feedback", "found"),
    [
        ({"arousal": ("valence",), "valence": ("arousal",)}, ["feedback arousal -> valence -> arousal"]),
        ({"valence": ("arousal",), "arousal": ("valence",)}, ["feedback arousal -> valence -> arousal"]),
        ({"arousal": ("arousal",)}, ["feedback arousal -> arousal"]),
        (
            {"valence": ("expression",), "expression": ("arousal",), "arousal": ("valence",)},
            ["feedback arousal -> valence -> expression -> arousal"],
        ),
        ({"pain": ("valence",)}, ["feedback to 'pain'"]),
        ({"valence": ("pain",)}, ["feedback from 'pain' to 'valence'"]),
        ({"valence": ("arousal", "arousal")}, ["'arousal' twice among the sources of 'valence'"]),
        # the cycle lies behind an output that is no part of it
        (
            {"action_units": ("valence",), "valence": ("arousal",), "arousal": ("valence",)},
            ["feedback arousal -> valence -> arousal"],
        ),
        (
            {"valence": ("pain", "valence"), "arousal": ("expression",), "expression": ("arousal",)},
            [
                "feedback from 'pain' to 'valence'",
                "feedback valence -> valence",
                "feedback arousal -> expression -> arousal",
            ],
        ),
    ],
)
def test_a_graph_that_does_not_hold_is_named(feedback, found):
    assert found_in(feedback) == found
