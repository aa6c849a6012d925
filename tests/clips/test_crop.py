from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.clips.crop import ARCFACE, LARGEST_MARGIN, WIDE, Crop

MARGINS = st.integers(0, int(LARGEST_MARGIN * 1000)).map(lambda thousandths: thousandths / 1000)
CROPS = st.builds(Crop, st.sampled_from(["arcface-112", "wide"]), st.integers(1, 4096)) | st.builds(
    Crop, st.sampled_from(["eyes", "box"]), st.integers(1, 4096), MARGINS
)


@given(CROPS)
def test_a_name_and_a_size_say_everything(crop):
    assert Crop.named(crop.name, crop.size) == crop
    assert Crop.from_json(crop.to_json()) == crop


def test_names_are_those_of_the_documentation():
    names = ("arcface-112", "wide", "eyes-1.5", "box-0.2", "box-0")
    assert [Crop.named(name).name for name in names] == list(names)
    assert [Crop.named(name).size for name in names] == [112, 224, 224, 224, 224]
    assert Crop.named("eyes-1.50") == Crop.named("eyes-1.5")


def test_the_name_of_earlier_indexes_is_still_known():
    assert Crop.named("aligned") == ARCFACE
    assert Crop.from_json({"crop": "aligned", "every": 1}) == ARCFACE
    assert Crop.from_json({"crop": "wide"}) == WIDE


@pytest.mark.parametrize("name", ["", "arcface", "ARCFACE-112", "eyes", "box", "box-", "box--1", "eyes-nan", "eyes-21"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=r"a crop|a margin"):
        Crop.named(name)


@pytest.mark.parametrize(
    "record",
    [{}, {"crop": 3}, {"crop": "wide", "size": "224"}, {"crop": "wide", "size": True}, {"crop": "wide", "size": 0}],
)
def test_records_of_something_else_are_refused(record):
    with pytest.raises(ValueError, match="crop"):
        Crop.from_json(record)


def test_only_eyes_and_boxes_have_a_margin():
    with pytest.raises(ValueError, match="a margin of 1 for wide"):
        Crop("wide", 224, 1)


@pytest.mark.parametrize("margin", [-0.5, 20.5, 1 / 3, float("nan"), float("inf")])
def test_a_margin_is_a_number_that_the_name_can_hold(margin):
    with pytest.raises(ValueError, match="a margin of"):
        Crop("eyes", 224, margin)
