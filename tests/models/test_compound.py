"""Zero-shot scores of compound expressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.labels import (
    ACTION_UNITS_12,
    ACTION_UNITS_17,
    COMPOUND_7,
    COMPOUND_11,
    EXPRESSIONS_7,
    EXPRESSIONS_8,
    EXPRESSIONS_AND_COMPOUNDS_17,
    Relation,
    relatedness,
)
from abawbench.models.compound import compound_scores, compound_table, parts_of

# facebehaviornet.md 6
EXAMPLE = {
    "Happily_Surprised": 2.7533,
    "Happily_Disgusted": 2.0425,
    "Sadly_Surprised": 0.8956,
    "Fearfully_Surprised": 0.8580,
    "Disgustedly_Surprised": 0.7442,
    "Angrily_Surprised": 0.6387,
    "Sadly_Fearful": 0.4607,
    "Fearfully_Angry": 0.2262,
    "Sadly_Disgusted": 0.1807,
    "Sadly_Angry": 0.0,
    "Angrily_Disgusted": 0.0,
}
PARTS = {
    "Happily_Surprised": ("Happiness", "Surprise"),
    "Happily_Disgusted": ("Happiness", "Disgust"),
    "Sadly_Surprised": ("Sadness", "Surprise"),
    "Fearfully_Surprised": ("Fear", "Surprise"),
    "Disgustedly_Surprised": ("Disgust", "Surprise"),
    "Angrily_Surprised": ("Anger", "Surprise"),
    "Sadly_Fearful": ("Sadness", "Fear"),
    "Fearfully_Angry": ("Fear", "Anger"),
    "Sadly_Disgusted": ("Sadness", "Disgust"),
    "Sadly_Angry": ("Sadness", "Anger"),
    "Angrily_Disgusted": ("Anger", "Disgust"),
}
NONE = Relation(0.0, False)
UNIT_SHARES = st.floats(0, 1, width=32)


def on(names, active, probability=1.0) -> np.ndarray:
    return np.array([[probability if name in active else 0.0 for name in names]])


def example(compounds=COMPOUND_11, valence=0.5) -> np.ndarray:
    expressions = on(EXPRESSIONS_7, {"Happiness"}, 0.6) + on(EXPRESSIONS_7, {"Surprise"}, 0.4)
    return compound_scores(
        on(ACTION_UNITS_17, {"AU1", "AU2", "AU12", "AU25"}),
        expressions,
        np.array([valence]),
        unit_names=ACTION_UNITS_17,
        expression_names=EXPRESSIONS_7,
        compounds=compounds,
    )


def test_the_example_of_the_eleven():
    assert set(COMPOUND_11) == set(EXAMPLE)
    assert example()[0] == pytest.approx([EXAMPLE[name] for name in COMPOUND_11], abs=5e-5)


def test_the_example_of_the_seven_in_the_order_of_the_challenge():
    assert example(COMPOUND_7)[0] == pytest.approx([EXAMPLE[name] for name in COMPOUND_7], abs=5e-5)
    assert COMPOUND_7[example(COMPOUND_7)[0].argmax()] == "Happily_Surprised"


@pytest.mark.parametrize("valence", [0.0, -0.0, -0.5, -1.0])
def test_a_valence_of_0_or_below_speaks_for_none(valence):
    pleasant = {"Happily_Surprised", "Happily_Disgusted"}
    expected = [EXAMPLE[name] - (name in pleasant) for name in COMPOUND_11]
    assert example(valence=valence)[0] == pytest.approx(expected, abs=5e-5)


def test_without_valence_the_scores_are_those_of_none():
    units, expressions = on(ACTION_UNITS_12, {"AU1", "AU4"}, 0.3), on(EXPRESSIONS_8, {"Sadness"}, 0.9)
    names = {"unit_names": ACTION_UNITS_12, "expression_names": EXPRESSIONS_8}
    without = compound_scores(units, expressions, None, **names)
    assert np.array_equal(without, compound_scores(units, expressions, np.array([-0.2]), **names))


def test_the_parts_of_the_eleven():
    assert {name: parts_of(name) for name in COMPOUND_11} == PARTS


def test_a_compound_that_the_table_lacks_has_the_greater_share_of_its_parts():
    # fear: 1, 4, 20, 25, 2 .57, 5 .63, 26 .33; disgust: 9, 10, 17, 4 .31, 24 .26
    units = ["AU1", "AU2", "AU4", "AU9", "AU24", "AU12"]
    assert compound_table(["Disgustedly_Fearful"], units).tolist() == [[1, 0.57, 1, 1, 0.26, 0]]


def test_a_compound_without_any_predicted_unit_scores_its_parts():
    scores = compound_scores(
        np.ones((1, 1)),
        on(EXPRESSIONS_7, {"Sadness"}, 0.25),
        None,
        unit_names=["AU12"],
        expression_names=EXPRESSIONS_7,
        compounds=["Sadly_Angry"],
    )
    assert scores.tolist() == [[0.25]]


@given(
    arrays(float, (4, 12), elements=UNIT_SHARES),
    arrays(float, (4, 7), elements=UNIT_SHARES),
    arrays(float, 4, elements=st.floats(-1, 1, width=32)),
)
def test_scores_are_those_of_a_loop_over_frames_and_names(units, expressions, valence):
    names = {"unit_names": ACTION_UNITS_12, "expression_names": EXPRESSIONS_7, "compounds": COMPOUND_11}
    scores = compound_scores(units, expressions, valence, **names)
    for frame in range(4):
        unit_of = dict(zip(ACTION_UNITS_12, units[frame], strict=True))
        class_of = dict(zip(EXPRESSIONS_7, expressions[frame], strict=True))
        for column, name in enumerate(COMPOUND_11):
            weights = {unit: r.weight for unit, r in relatedness()[name].items() if unit in unit_of}
            expected = sum(w * unit_of[unit] for unit, w in weights.items()) / sum(weights.values())
            expected += sum(class_of[part] for part in PARTS[name])
            expected += name.startswith("Happily") and valence[frame] > 0
            assert scores[frame, column] == pytest.approx(expected, abs=1e-12)


def test_names_in_another_order_give_the_same_scores():
    random = np.random.default_rng(0)
    units, expressions, valence = random.random((5, 12)), random.random((5, 7)), random.normal(size=5)
    plain = compound_scores(units, expressions, valence, unit_names=ACTION_UNITS_12, expression_names=EXPRESSIONS_7)
    turned = compound_scores(
        units[:, ::-1],
        expressions[:, ::-1],
        valence,
        unit_names=ACTION_UNITS_12[::-1],
        expression_names=EXPRESSIONS_7[::-1],
    )
    assert turned == pytest.approx(plain, abs=1e-12)


def test_frames_without_an_answer_have_no_score():
    units, expressions, valence = np.ones((2, 17)), np.ones((2, 7)), np.ones(2)
    units[1] = expressions[1] = valence[1] = np.nan
    scores = compound_scores(units, expressions, valence, unit_names=ACTION_UNITS_17, expression_names=EXPRESSIONS_7)
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


def test_a_missing_basic_expression_is_a_problem():
    with pytest.raises(ProblemError, match=r"E17(.|\n)*Surprise"):
        compound_scores(
            np.ones((1, 12)), np.ones((1, 6)), None, unit_names=ACTION_UNITS_12, expression_names=EXPRESSIONS_7[:6]
        )


def test_every_shape_that_does_not_fit_is_told():
    with pytest.raises(ProblemError) as error:
        compound_scores(
            np.ones((3, 11)),
            np.ones((3, 8)),
            np.ones((3, 2)),
            unit_names=ACTION_UNITS_12,
            expression_names=EXPRESSIONS_7,
        )
    assert [problem.rule for problem in error.value.problems] == ["E13"] * 3


def test_every_name_that_is_no_compound_is_told():
    with pytest.raises(ProblemError) as error:
        compound_table(["Sadly_Angry", "Neutral", "Happily_Sad", "Fear_Anger"], ACTION_UNITS_12)
    assert len(error.value.problems) == 3


@given(
    arrays(np.float64, (3, 12), elements=UNIT_SHARES),
    arrays(np.float64, (3, 7), elements=UNIT_SHARES),
    arrays(np.float64, 3, elements=st.floats(-1, 1)),
    st.sampled_from(["arithmetic", "geometric", "harmonic"]),
)
def test_the_parts_of_a_score_add_up(units, expressions, valence, mean):
    def of(*parts):
        names = {"unit_names": ACTION_UNITS_12, "expression_names": EXPRESSIONS_7}
        return compound_scores(units, expressions, valence, **names, parts=parts, mean=mean)

    alone = of("action_units") + of("expressions") + of("valence")
    np.testing.assert_allclose(of("action_units", "expressions", "valence"), alone, atol=1e-12)
    assert (of("expressions") <= 2 + 1e-12).all()


@pytest.mark.parametrize(
    ("mean", "expected"), [("arithmetic", 1.0), ("geometric", 2 * 0.24**0.5), ("harmonic", 2 * 2 * 0.24 / 1.0)]
)
def test_means_of_two_probabilities_by_hand(mean, expected):
    expressions = on(EXPRESSIONS_7, {"Happiness"}, 0.6) + on(EXPRESSIONS_7, {"Surprise"}, 0.4)
    found = compound_scores(
        None,
        expressions,
        None,
        unit_names=(),
        expression_names=EXPRESSIONS_7,
        compounds=["Happily_Surprised", "Sadly_Angry"],
        mean=mean,
    )
    np.testing.assert_allclose(found, [[expected, 0]], atol=1e-12)


def test_a_mean_that_punishes_a_missing_part_prefers_the_pair_and_a_sum_does_not():
    # certain of happiness alone, or in doubt between sadness and anger: a sum cannot tell the second from the first
    expressions = on(EXPRESSIONS_7, {"Happiness"}, 0.5) + on(EXPRESSIONS_7, {"Sadness", "Anger"}, 0.25)
    scores = {
        mean: compound_scores(
            None,
            expressions,
            None,
            unit_names=(),
            expression_names=EXPRESSIONS_7,
            compounds=["Happily_Surprised", "Sadly_Angry"],
            mean=mean,
        )[0]
        for mean in ("arithmetic", "geometric", "harmonic")
    }
    assert scores["arithmetic"][0] == scores["arithmetic"][1]
    assert scores["geometric"][0] < scores["geometric"][1]
    assert scores["harmonic"][0] < scores["harmonic"][1]


def test_a_basic_expression_among_compounds_has_its_own_row_and_both_parts():
    assert parts_of("Fear") == ("Fear", "Fear")
    np.testing.assert_array_equal(
        compound_table(["Fear"], ACTION_UNITS_17),
        [[relatedness()["Fear"].get(unit, NONE).weight for unit in ACTION_UNITS_17]],
    )
    found = compound_scores(
        None,
        on(EXPRESSIONS_7, {"Fear"}, 0.7),
        None,
        unit_names=(),
        expression_names=EXPRESSIONS_7,
        compounds=EXPRESSIONS_AND_COMPOUNDS_17,
        mean="geometric",
    )
    assert EXPRESSIONS_AND_COMPOUNDS_17[found[0].argmax()] == "Fear"
    assert found[0].max() == pytest.approx(1.4)


def test_the_eleven_are_those_of_the_expert_table_in_its_order():
    assert tuple(name for name in relatedness() if "_" in name) == COMPOUND_11
