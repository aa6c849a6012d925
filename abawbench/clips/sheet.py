"""Contact sheets: rows of square pictures, under titles and beside names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abawbench.clips.images import Image

# height of a line of titles, and the space between two pictures, in pixels
TITLE, GAP = 18, 2
_INK, _PAPER = (30, 30, 30), 246
# of OpenCV's plain font, for capitals of about 8 pixels
_SCALE = 0.36


def picture_row(pictures: Sequence[Image], side: int, columns: int) -> Image:
    """Pictures side by side, shape (side + GAP, columns * (side + GAP), 3); places without a picture stay empty.

    Args:
        pictures: RGB, shape (side, side, 3) each.
        side: height and width of the pictures.
        columns: number of places.
    """
    row = _paper(side + GAP, side, columns)
    for place, picture in enumerate(pictures):
        left = place * (side + GAP)
        row[:side, left : left + side] = picture
    return row


def title_row(texts: Sequence[str], side: int, columns: int) -> Image:
    """A line of titles for rows of `picture_row`, shape (TITLE, columns * (side + GAP), 3)."""
    row = _paper(TITLE, side, columns)
    for place, text in enumerate(texts):
        write_text(row, text, place * (side + GAP) + 2, TITLE - 6)
    return row


def write_text(sheet: Image, text: str, left: int, base: int) -> None:
    """Write a line of text onto a sheet, which is changed; what does not fit is cut off.

    Args:
        sheet: RGB, shape (height, width, 3).
        text: the text; the font has ASCII alone, and shows `?` for anything else.
        left: left edge of the text in pixels.
        base: row of the base line.
    """
    import cv2

    cv2.putText(sheet, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, _SCALE, _INK, 1, cv2.LINE_AA)


def _paper(height: int, side: int, columns: int) -> Image:
    return np.full((height, columns * (side + GAP), 3), _PAPER, np.uint8)
