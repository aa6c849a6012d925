"""Folds, bulges and shadows of the skin that come with action units and with age, as changes of its brightness.

Positions are in pixels of a 112 x 112 crop, as in `anatomy`. A change of -0.3 removes 30 per cent of the brightness.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from abawbench.labels import ACTION_UNITS_17
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.person import Person

# the part of the face that folds
LEFT, TOP, WIDTH, HEIGHT = -44, -64, 88, 116
# pixels of the drawing for each pixel of a crop
_FINE = 4

# a line on the right of the image, which is mirrored to the left: points (x, y), depth as a change of brightness, width
Line = tuple[Sequence[tuple[float, float]], float, float]
NASOLABIAL = ((8.5, 1.0), (12.5, 5.5), (16.5, 11.0), (19.0, 17.0), (19.5, 22.0))
LINES: dict[str, Sequence[Line]] = {
    "AU1": [(((0, -44), (7, -44.5), (14, -42.5)), 0.26, 0.9), (((0, -50), (8, -50.5), (16, -48.5)), 0.24, 0.9),
        (((0, -38.5), (6, -39), (10, -38)), 0.16, 0.9)],
    "AU2": [(((14, -43.5), (22, -45), (30, -40.5)), 0.24, 0.9),
        (((14, -49.5), (22, -50.5), (29, -46.5)), 0.20, 0.9)],
    "AU4": [(((2.8, -37), (2.3, -32), (3.2, -26)), 0.50, 1.0), (((5.6, -36), (5.4, -31)), 0.22, 0.9),
        (((6, -27.5), (11, -25.5), (18, -25.5)), 0.26, 2.0)],
    "AU5": [(((10.5, -26.5), (18, -28.5), (25, -26)), 0.10, 1.2)],
    "AU6": [(((26.5, -22), (31, -24.5), (35, -26)), 0.34, 0.8), (((27, -19.5), (32, -19.5), (36, -19)), 0.34, 0.8),
        (((26.5, -17), (30, -14.5), (34, -11.5)), 0.30, 0.8),
        (((10.5, -14.8), (17, -12.2), (25, -13.2)), 0.30, 1.1)],
    "AU7": [(((10.5, -15.8), (17, -14.0), (25, -15.4)), 0.30, 0.9), (((26, -20), (30, -20.5)), 0.14, 0.8)],
    "AU9": [(((0.5, -20), (4, -18.5), (7.5, -15.5)), 0.42, 0.9), (((0.5, -16.5), (4, -15), (8, -11.5)), 0.38, 0.9),
        (((0, -23.5), (4.5, -22.5)), 0.36, 0.9), (((8.0, -2.5), (10.5, 2.0), (13, 6)), 0.42, 1.3),
        (((2.5, -34), (2.5, -27)), 0.26, 1.0)],
    "AU10": [(NASOLABIAL[:3], 0.46, 1.3), (((9.5, -1), (14, -1.5), (19, 1.0)), 0.16, 1.5)],
    "AU11": [(NASOLABIAL[1:4], 0.46, 1.3)],
    "AU12": [(NASOLABIAL, 0.44, 1.4), (((20.5, 12.5), (22.5, 16), (22.5, 20)), 0.24, 1.3)],
    "AU15": [(((15.5, 23.5), (17, 28), (16.5, 34)), 0.42, 1.4), (((11, 27.5), (15, 26.5)), 0.18, 1.4)],
    "AU17": [(((0, 29.5), (6, 30.0), (10.5, 33)), 0.42, 1.4), (((3.0, 34), (5, 37)), 0.26, 0.8),
        (((0.5, 37.5), (2, 40.5)), 0.26, 0.8), (((7.0, 36), (8, 39)), 0.24, 0.8)],
    "AU20": [(((19.5, 14), (22, 20), (21.5, 27)), 0.32, 1.4), (((23.5, 16), (25.5, 21), (24.5, 27)), 0.18, 1.3),
        (((6, 50), (10, 44)), 0.10, 1.5)],
    "AU23": [(((4, 13.5), (4.5, 16.5)), 0.22, 0.7), (((8, 14.5), (8.5, 17)), 0.20, 0.7),
        (((5, 25.5), (4.8, 27.5)), 0.18, 0.7)],
    "AU24": [(((0, 26.3), (6, 26.5), (11, 24.5)), 0.34, 1.2), (((15, 18), (16.5, 20.5), (15.5, 23.5)), 0.30, 1.2)],
    "AU25": [(((0, 29.5), (7, 29.2)), 0.12, 1.6)],
    "AU26": [(((20, 8), (22.5, 18), (21, 30)), 0.20, 2.6)],
}  # fmt: skip
# x, y, change of brightness at the centre, standard deviation in x and in y
Bulge = tuple[float, float, float, float, float]
BULGES: dict[str, Sequence[Bulge]] = {
    "AU1": [(9, -28, -0.05, 7, 3)],
    "AU2": [(24, -27, -0.04, 7, 3)],
    "AU4": [(14, -26, -0.22, 9, 3.2), (7, -33, 0.07, 5, 3.5), (0, -31, -0.10, 2.2, 4)],
    "AU5": [(18, -25, 0.06, 8, 2)],
    "AU6": [(22, -5, 0.16, 8, 5), (18, -15.5, 0.06, 7, 1.4)],
    "AU7": [(18, -15.8, 0.10, 7, 1.3), (18, -25, -0.07, 8, 2)],
    "AU9": [(0, -19, -0.10, 5, 4), (8, 2, -0.08, 3, 3), (14, -6, 0.07, 5, 4)],
    "AU10": [(15, 2, 0.10, 5, 4), (0, 9, -0.06, 7, 3), (8, 3, -0.10, 3, 3)],
    "AU11": [(18, 6, 0.08, 5, 4)],
    "AU12": [(23, 3, 0.17, 8, 6), (17, 22, -0.10, 3, 3.5), (0, 29, -0.05, 10, 3)],
    "AU15": [(14, 27, -0.10, 4, 4), (0, 28, -0.05, 8, 2)],
    "AU17": [(0, 36, 0.08, 8, 4), (0, 29.5, -0.12, 9, 2.2)],
    "AU20": [(12, 27, -0.06, 7, 4), (10, 15, 0.04, 8, 3)],
    "AU23": [(0, 15, 0.07, 8, 2.5), (0, 28, 0.06, 8, 2.5)],
    "AU24": [(0, 15.5, 0.12, 9, 2.2), (0, 28.5, 0.10, 8, 2.2)],
    "AU26": [(25, 14, -0.10, 6, 10), (0, 42, -0.06, 12, 5)],
}


def crease_maps(person: Person) -> Array:
    """Change of brightness by each action unit at intensity 1, shape (17, HEIGHT * WIDTH)."""
    x = np.linspace(LEFT, LEFT + WIDTH, WIDTH, dtype=np.float32)
    sides = 1 + np.array(person.asymmetry, np.float32)[:, None, None] * np.tanh(x / 10)
    return (_average_maps() * sides * person.wrinkles).reshape(len(ACTION_UNITS_17), -1).astype(np.float32)


@functools.cache
def _average_maps() -> Array:
    maps = np.stack([_brightness(LINES.get(unit, ()), BULGES.get(unit, ())) for unit in ACTION_UNITS_17])
    maps.setflags(write=False)
    return maps


def age_map(person: Person) -> Array:
    """Change of brightness by the lasting lines of a person's age, shape (HEIGHT, WIDTH)."""
    age = person.age
    lines: list[Line] = [
        (NASOLABIAL[:4], 0.10 + 0.22 * age, 1.5),
        (((10, -14.2), (16, -11.0), (22, -11.5)), 0.08 + 0.20 * age, 1.2),
        (((16.5, 24), (18, 29), (17, 34)), 0.16 * age, 1.4),
    ]
    if age > 0.45:
        strength = age - 0.45
        for unit in ("AU1", "AU2", "AU6"):
            lines += [(outline, depth * strength, width) for outline, depth, width in LINES[unit]]
    return _brightness(lines, [(18, -13, -0.05 - 0.05 * age, 6, 2)])


def _brightness(lines: Sequence[Line], bulges: Sequence[Bulge]) -> Array:
    import cv2

    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for outline, depth, width in lines:
        dark = np.zeros((HEIGHT * _FINE, WIDTH * _FINE), np.uint8)
        light = np.zeros_like(dark)
        points = _curve(np.array(outline, np.float64))
        for side in (-1, 1):
            places = (points * (side, 1) - (LEFT, TOP)) * _FINE
            thickness = max(round(width * 0.8 * _FINE), 1)
            cv2.polylines(dark, [_fixed(places)], False, 255, thickness, cv2.LINE_AA, 4)
            # beside a fold the skin rises, and its lower bank catches the light from above
            bank = places + np.array([side * 0.5, 1.0]) * 1.5 * width * _FINE
            cv2.polylines(light, [_fixed(bank)], False, 255, thickness, cv2.LINE_AA, 4)
        size = (WIDTH, HEIGHT)
        for layer, strength in ((dark, -1.25 * depth), (light, 0.38 * depth)):
            small = np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
            total += strength / 255 * cv2.GaussianBlur(small, (0, 0), 0.62 * width)
    y, x = np.mgrid[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH].astype(np.float32) + 0.5
    for middle, height, strength, wide, high in bulges:
        for side in (-1, 1) if middle else (0,):
            total += strength * np.exp(-(((x - side * middle) / wide) ** 2 + ((y - height) / high) ** 2) / 2)
    return total


def _curve(points: np.ndarray) -> np.ndarray:
    """A smooth line through a few points, shape (8 * n, 2) for n points."""
    places = np.linspace(0, len(points) - 1, 8 * len(points))
    degree = min(len(points) - 1, 3)
    return np.stack([np.polyval(np.polyfit(range(len(points)), points[:, axis], degree), places) for axis in (0, 1)], 1)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Points as fixed-point numbers with four binary digits, as OpenCV draws them."""
    return np.round(points * 16).astype(np.int32)
