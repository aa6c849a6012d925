"""One row mended: what comes out of it, and what is said about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.challenges import get
from abawbench.formats.layout import layouts, prediction_layouts
from abawbench.formats.mend import mend_row, unwrap, unwrap_row

VA, AH, FRAMES, AU = (
    prediction_layouts(get(challenge))[0] for challenge in ("abaw10-va", "abaw11-ah", "abaw8-ah", "abaw3-au")
)
SPLIT = layouts(get("abaw11-ah"), "truth")[0]
VA_TRUTH = layouts(get("abaw10-va"), "truth")[0]


def mended(line, layout, mend=mend_row):
    """The row, and the faults that were told: rule, what was found, what was expected."""
    told = []
    row = mend(line, layout, lambda rule, *, found, expected=None: told.append((rule, found, expected)))
    return row, told


# a row, the mended one (None: the same), and the rules that are told
ROWS = [
    (VA, "a/00001.jpg,0.1,0.2", None, []),
    (VA, "a/00001.jpg,0.1,0.2,", "a/00001.jpg,0.1,0.2", ["F08"]),
    (VA, "a,0.1,0.2, ", "a,0.1,0.2", ["F08"]),
    (VA, "a,0.1,0.2 \t", "a,0.1,0.2", ["F08"]),
    (VA, "a, 0.1,0.2", "a,0.1,0.2", ["F09"]),
    (VA, " a,0.1,\t0.2 ", "a,0.1,0.2", ["F08", "F09"]),
    (VA, "a,0.1,0.2,,", None, []),
    (VA, "a,0.1,0.2,0.3", None, []),
    (VA, "a, 0.1", "a,0.1", ["F09"]),
    # the values of a row of another width are left alone, and so are those of a truth
    (VA, "a,1.0000001", None, []),
    (VA, "a,1.0000001,0.2", "a,1.0,0.2", ["V03"]),
    (VA_TRUTH, "1.0000001, 0.2", "1.0000001,0.2", ["F09"]),
    # a space that does not break is no blank
    (VA, "a,\u00a00.1,0.2\u00a0", None, []),
    (VA, "a,0.1,0.2,\u00a0", None, []),
    (FRAMES, "a/frame-0.jpg,1,\u00a0", None, []),
    (FRAMES, "a/frame-0.jpg,\u00a0,", "a/frame-0.jpg,\u00a0", ["F08"]),
    (VA, "a,0.7334,0.2667", None, []),
    (AU, "1.0,0,0,0,0,0,0,0,0,0,0,1.0", "1,0,0,0,0,0,0,0,0,0,0,1", ["V05", "V05"]),
    # the organisers' reader takes blanks beside values, not beside names
    (AH, "a,0.7, 0.3,1", "a,0.7,0.3,1", ["N06"]),
    (AH, "a,0.7,0.3,1 ", "a,0.7,0.3,1", ["N06"]),
    (AH, "a ,0.7,0.3,1", "a,0.7,0.3,1", ["F09"]),
    (AH, "a,0.7,0.3,1,", "a,0.7,0.3,1", ["F08"]),
    # text may hold anything
    (SPLIT, "a, 1 ,Well, yes ,", None, []),
    # names may hold commas
    (FRAMES, "a,b/frame-0.jpg,1", None, []),
    (FRAMES, "a,b/frame-0.jpg,1,", "a,b/frame-0.jpg,1", ["F08"]),
    (FRAMES, "a/frame-b,c/frame-0.jpg,1,", "a/frame-b,c/frame-0.jpg,1", ["F08"]),
    (FRAMES, "a,b/frame-0.jpg,1, ,", "a,b/frame-0.jpg,1", ["F08"]),
    (FRAMES, "a/frame-0.jpg,1,2", None, []),
    (FRAMES, "a/frame-0.jpg,,", None, []),
    (FRAMES, "a/frame-0.jpg, ,", "a/frame-0.jpg,,", ["F09"]),
    (FRAMES, "a/frame-0.jpg,", None, []),
    (VA, "a/frame-0.jpg,1,", None, []),
]


@pytest.mark.parametrize(("layout", "line", "row", "rules"), ROWS)
def test_a_row_is_mended_where_there_is_one_way(layout, line, row, rules):
    found, told = mended(line, layout)
    assert found == (line if row is None else row)
    assert [rule for rule, _, _ in told] == rules


def test_what_was_mended_is_shown():
    assert mended("video1/00001.jpg,0.1,0.25,", VA)[1] == [("F08", "a comma at the end, '/00001.jpg,0.1,0.25,'", None)]
    assert mended("video1/00001.jpg,0.1,0.25 ", VA)[1] == [("F08", "a blank at the end, '/00001.jpg,0.1,0.25 '", None)]
    assert mended("video/frame-10000.jpg,1,", FRAMES)[1] == [
        ("F08", "a comma at the end, 'o/frame-10000.jpg,1,'", None)
    ]
    assert mended("Videos/Visite/video.mp4,0.7,0.3,1 ", AH)[1] == [("N06", "'video.mp4,0.7,0.3,1 '", None)]
    assert mended("a, 0.1,0.2", VA)[1] == [("F09", "'a, 0.1,0.2'", None)]
    assert mended("a,1.0000001,0.2", VA)[1] == [("V03", "valence = '1.0000001'", "a number from -1 to 1")]
    assert mended("a,0.7,0.3001,1", AH)[1] == [("V08", f"0.7 + 0.3001 = {0.7 + 0.3001!r}", None)]


@pytest.mark.parametrize(
    ("first", "second", "mended_first", "mended_second"),
    [
        ("0.7", "0.3", "0.7", "0.3"),
        ("0.7334", "0.2667", "0.7333", "0.2667"),
        # within a thousandth, and not
        ("0.7009", "0.3", "0.7", "0.3"),
        ("0.6991", "0.3", "0.7", "0.3"),
        ("0.7011", "0.3", "0.7011", "0.3"),
        ("0.6989", "0.3", "0.6989", "0.3"),
        ("0.8", "0.3", "0.8", "0.3"),
        ("1.0001", "0", "1", "0"),
        ("-0.0001", "1", "0", "1"),
        ("1.0004", "-0.0001", "1.0004", "-0.0001"),
        ("-0.0002", "1.0001", "-0.0002", "1.0001"),
        ("x", "0.3", "x", "0.3"),
        ("nan", "0.3", "nan", "0.3"),
        ("0.7", "inf", "0.7", "inf"),
        ("0.9999", "1e-7", "0.9999999", "1e-7"),
        ("0.9999", "1e-999999999", f"1.{'0' * 27}", "1e-999999999"),
    ],
)
def test_probabilities_that_sum_to_nearly_one_are_made_to_sum_to_one(first, second, mended_first, mended_second):
    row, told = mended(f"a,{first},{second},1", AH)
    assert row == f"a,{mended_first},{mended_second},1"
    assert [rule for rule, _, _ in told] == ([] if first == mended_first else ["V08"])


@given(
    st.one_of(st.floats(0, 1).map(repr), st.decimals(0, 1, allow_nan=False, places=20).map(str)),
    st.sampled_from([5e-4, -5e-4]),
)
def test_the_second_probability_stays_and_the_first_completes_it(second, error):
    row, told = mended(f"a,{1 - float(second) + error!r},{second},1", AH)
    _, p0, p1, _ = row.split(",")
    assert [rule for rule, _, _ in told] == ["V08"]
    assert p1 == second
    assert float(p0) + float(p1) == 1


UNWRAPPED = [
    (VA, "a,tensor(0.1),0.2", "a,0.1,0.2"),
    (VA, "a,0.1,tensor(0.2)", "a,0.1,0.2"),
    (VA, "a,[0.1 0.2]", "a,0.1,0.2"),
    (VA, "a, [0.1, tensor(0.2)]", "a, 0.1,0.2"),
    (VA, "a,array([0.1, 0.2], dtype=float32)", "a,0.1,0.2"),
    (VA, "a,((0.1, 0.2))", "a,0.1,0.2"),
    # a name is no value
    (VA, "tensor(0.1),0.2", None),
    (VA, "[a],0.1,0.2", None),
    (VA, "a", None),
    (VA, "[a", None),
    (VA, "a,0.1,0.2", None),
    (VA, "a,0.1 [0.2]", None),
    (VA, "a,(0.1", None),
    (AU, "tensor([0, 1])", "0,1"),
    (AU, "0,[1]", "0,1"),
    (AU, "0,1", None),
]


@pytest.mark.parametrize(("layout", "line", "row"), UNWRAPPED)
def test_plain_values_are_put_for_printed_arrays(layout, line, row):
    found, told = mended(line, layout, unwrap_row)
    assert found == (line if row is None else row)
    assert [(rule, expected) for rule, _, expected in told] == ([] if row is None else [("F18", None)])


def test_the_printed_part_of_a_row_is_shown():
    assert mended("a,0.1,tensor(0.2)", VA, unwrap_row)[1] == [("F18", "'tensor(0.2)'", None)]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("tensor(0.25, device='cuda:0', grad_fn=<SelectBackward0>)", "0.25"),
        ("tensor([[0, 1]], dtype=torch.int8)", "0,1"),
        ("np.float32(0.3), np.float64(0.4)", "0.3,0.4"),
        ("jnp.array([1 2  3])", "1,2,3"),
        ("(0.1,)", "0.1"),
        ("((1, 2))", "1,2"),
        ("[(1, 2)]", "1,2"),
        ("(1), (2)", "(1), (2)"),
        ("f(1)", "f(1)"),
        ("1 )", "1 )"),
        ("( 1", "( 1"),
        ("1", "1"),
        ("", ""),
    ],
)
def test_values_are_taken_out_of_what_arrays_print(text, plain):
    assert unwrap(text) == plain
