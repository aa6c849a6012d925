"""Layouts made from challenges equal the official first lines."""

from __future__ import annotations

import pytest

from abawbench.challenges import get
from abawbench.formats.layout import layouts

UNITS = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"


@pytest.mark.parametrize(
    ("challenge", "role", "header", "width"),
    [
        ("abaw1-au", "truth", "AU1,AU2,AU4,AU6,AU12,AU15,AU20,AU25", 8),
        ("abaw1-expr", "truth", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise", 1),
        ("abaw3-expr", "prediction", "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other", 1),
        ("abaw6-au", "prediction", f"image_location,{UNITS}", 13),
        ("abaw4-mtl", "truth", "image,valence,arousal,expression,aus", 16),
        ("abaw5-eri", "prediction", "File_ID,Adoration,Amusement,Anxiety,Disgust,Empathic-Pain,Fear,Surprise", 8),
        ("abaw8-emi", "prediction", "Filename,Admiration,Amusement,Determination,Empathic Pain,Excitement,Joy", 7),
        ("abaw4-lsd", "prediction", "image,expression", 2),
        ("abaw11-ah", "prediction", None, 4),
        ("abaw8-ah", "prediction", None, 2),
    ],
)
def test_the_official_layout_has_this_first_line_and_width(challenge, role, header, width):
    layout = layouts(get(challenge), role)[0]
    assert (layout.header, layout.width) == (header, width)


def test_a_prediction_knows_no_sentinel():
    assert all(
        column.sentinel is None for layout in layouts(get("abaw4-mtl"), "prediction") for column in layout.columns
    )
    assert {column.sentinel for column in layouts(get("abaw4-mtl"), "truth")[0].columns} == {-5, -1}
