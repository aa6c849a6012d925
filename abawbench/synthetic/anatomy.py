"""The positions of the parts of a face, and how action units and the pose move them.

Positions are in pixels of a 112 x 112 crop, x to the right and y down from the tip of an average nose; the face looks
at the camera. All movements are linear in the coefficients named in `COEFFICIENTS`, so one matrix product moves
everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.labels import ACTION_UNITS_17
from abawbench.synthetic.person import Person

Array = NDArray[np.floating[Any]]

# position of the right eye in the image, of the right mouth corner, of chin and crown of an average face
EYE_X, EYE_Y, MOUTH_X, MOUTH_Y = 17.62, -20.2, 14.6, 19.6
CHIN_Y, CROWN_Y = 43.5, -84.0
POSES = ("yaw", "yaw_squared", "pitch", "pitch_squared")
COEFFICIENTS = (*ACTION_UNITS_17, *POSES)
# the grid on which the movement of the skin is known: position of the first node, numbers of nodes, their distance
GRID_X, GRID_Y, GRID_COLUMNS, GRID_ROWS, GRID_STEP = -66.0, -82.0, 34, 35, 4.0
# number of points of a lid and of one contour of the lips
LID, LIP = 9, 11


@dataclass(frozen=True, slots=True)
class Pull:
    """A patch of skin, and its mirror image, that an action unit moves.

    Attributes:
        unit: action unit, one of `ACTION_UNITS_17`.
        x: horizontal distance of the centre from the middle of the face; a patch at 0 has no mirror image.
        y: height of the centre.
        right: movement to the outside at intensity 1.
        down: movement downwards at intensity 1.
        width: standard deviation of the patch in x.
        above: standard deviation above the centre.
        below: standard deviation below the centre.
    """

    unit: str
    x: float
    y: float
    right: float
    down: float
    width: float
    above: float
    below: float


PULLS = (
    Pull("AU1", 7.5, -33, -0.4, -6.0, 8, 11, 5.5),
    Pull("AU2", 24.5, -32, 0.4, -5.5, 9, 11, 5.5),
    Pull("AU4", 7.5, -32, -2.6, 4.2, 8, 12, 6),
    Pull("AU4", 21, -32, -0.8, 1.8, 9, 10, 5),
    Pull("AU5", 18, -31, 0, -0.8, 11, 7, 4),
    Pull("AU6", 23, -2, -0.6, -4.0, 11, 7, 11),
    Pull("AU6", 30, -24, -0.8, 0.8, 7, 7, 6),
    Pull("AU7", 18, -13, 0, -1.2, 9, 3.5, 6),
    Pull("AU9", 7, 1, -0.3, -3.6, 7, 9, 8),
    Pull("AU9", 6, -31, -1.2, 2.4, 8, 9, 7),
    Pull("AU9", 14, -10, -0.8, -1.8, 8, 5, 8),
    Pull("AU10", 9, 8, 0.5, -3.0, 7.5, 10, 7),
    Pull("AU10", 18, 4, 0.5, -1.8, 8, 8, 8),
    Pull("AU11", 13, 8, 0.8, -2.2, 6, 8, 7),
    Pull("AU12", 17, 19, 3.6, -4.4, 8, 9, 9),
    Pull("AU12", 24, 5, 1.0, -3.6, 10, 8, 10),
    Pull("AU15", 15, 23, -0.3, 4.6, 7, 8, 9),
    Pull("AU17", 0, 33, 0, -3.8, 13, 7, 9),
    Pull("AU20", 19, 21, 5.2, 1.0, 10, 10, 11),
    Pull("AU23", 12, 21, -2.2, 0, 9, 8, 8),
    Pull("AU24", 12, 21, -1.2, 0, 9, 8, 8),
    Pull("AU25", 0, 29, 0, 1.4, 12, 5, 9),
)


def skin_moves(person: Person, points: Array) -> Array:
    """Displacement of the skin for each coefficient at 1, shape (coefficients, n, 2).

    Args:
        person: the person.
        points: positions at rest, shape (n, 2).
    """
    x, y = points[:, 0], points[:, 1]
    moves = np.zeros((len(COEFFICIENTS), len(points), 2), np.float32)
    for pull in PULLS:
        spread = np.where(y < pull.y, pull.above, pull.below)
        height = np.exp(-(((y - pull.y) / spread) ** 2) / 2)
        unit = ACTION_UNITS_17.index(pull.unit)
        for side in (-1, 1) if pull.x else (0,):
            reach = height * np.exp(-(((x - side * pull.x) / pull.width) ** 2) / 2)
            moves[unit, :, 0] += side * pull.right * reach
            moves[unit, :, 1] += pull.down * reach
    # the jaw turns around the ears: above the mouth nothing moves, and the chin moves most
    share = np.clip((y - 12) / 26, 0, 1)
    jaw = share * share * (3 - 2 * share) * np.exp(-((np.maximum(y - CHIN_Y - 4, 0) / 9) ** 2) / 2)
    jaw *= np.exp(-((np.maximum(np.abs(x) - 18, 0) / 11) ** 2) / 2)
    moves[ACTION_UNITS_17.index("AU26"), :, 1] += 9.5 * jaw
    moves[ACTION_UNITS_17.index("AU26"), :, 0] -= 1.0 * jaw * np.tanh(x / 12)
    moves *= _sides(person, x)[..., None]
    moves[len(ACTION_UNITS_17) :] = pose_moves(person, points)
    return moves


def pose_moves(person: Person, points: Array) -> Array:
    """Displacement for yaw, yaw squared, pitch and pitch squared at 1 (in radians), shape (4, n, 2).

    Args:
        person: the person.
        points: positions at rest, shape (n, 2).
    """
    x, y = points[:, 0], points[:, 1]
    depth = 38 * (1 - (np.minimum(np.abs(x), 50) / (50 * person.width)) ** 2) - 30
    depth -= 14 * (np.clip(y + 14, -60, 60) / 60) ** 2
    depth += 10 * person.nose_depth * np.exp(-((x / 7) ** 2) / 2 - (((y + 1) / np.where(y < -1, 9, 4)) ** 2) / 2)
    depth -= 3 * np.exp(-(((np.abs(x) - EYE_X) / 9) ** 2) / 2 - (((y - EYE_Y) / 6) ** 2) / 2)
    moves = np.zeros((4, len(points), 2), np.float32)
    moves[0, :, 0] = depth
    moves[1, :, 0] = -np.clip(x, -50, 50) / 2
    moves[2, :, 1] = depth
    moves[3, :, 1] = -np.clip(y, -60, 50) / 2
    return moves


def _sides(person: Person, x: Array) -> Array:
    """Strength of each coefficient at x, shape (coefficients, n), since the two halves of a face differ a little."""
    slopes = np.array([*person.asymmetry, *[0.0] * len(POSES)], np.float32)
    return 1 + slopes[:, None] * np.tanh(x / 10)[None, :]


def grid_points() -> Array:
    """Positions of the nodes of the grid, shape (rows * columns, 2)."""
    x = GRID_X + GRID_STEP * np.arange(GRID_COLUMNS, dtype=np.float32)
    y = GRID_Y + GRID_STEP * np.arange(GRID_ROWS, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def half_width(person: Person, y: Array) -> Array:
    """Half the width of the head without hair at heights `y`; 0 above the crown and below the chin."""
    knots = np.array([-84, -82.5, -77, -66, -50, -34, -20, -6, 8, 19, 28.5, 35.5, 40.5, 42.7, 43.5], np.float32)
    widths = np.array([0, 13, 24, 33, 37.2, 38.4, 38.8, 38.3, 36.2, 32.8, 27.2, 20.8, 13.5, 8, 0], np.float32)
    widths = widths * np.where(knots > 0, 1 + (person.jaw - 1) * np.clip(knots / 25, 0, 1), 1)
    widths = widths * np.where(knots > 30, 1 + (person.chin - 1) * np.clip((knots - 30) / 8, 0, 1), 1)
    knots = np.where(knots > 0, knots * person.length, knots)
    fine = np.linspace(knots[0], knots[-1], 240)
    smooth = np.convolve(np.pad(np.interp(fine, knots, widths), 6, mode="edge"), np.hanning(15)[1:-1] / 7, "valid")
    return (np.interp(y, fine, smooth, left=0, right=0) * person.width).astype(np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class Points:
    """Points of the outlines that are drawn.

    Attributes:
        rest: shape (n, 2), positions at rest: left and right pupil, tip of the nose, centre of the mouth, lids and
            creases, lips, rims of glasses.
        moves: displacement for each coefficient at 1, shape (coefficients, 2 * n).
    """

    rest: Array
    moves: Array


# indices of the parts in `Points`, and the number of points of one rim
PUPILS, NOSE, MOUTH = slice(0, 2), 2, 3
UPPER_LIDS, LOWER_LIDS, CREASES = slice(4, 22), slice(22, 40), slice(40, 58)
LIPS_TOP, LIPS_UPPER, LIPS_LOWER, LIPS_BOTTOM = slice(58, 69), slice(69, 80), slice(80, 91), slice(91, 102)
RIMS = slice(102, 150)
RIM = 24


def outline_points(person: Person) -> Points:
    """The outlines of a person's eyes, mouth and glasses."""
    eyes, eye_moves = _eyes(person)
    lips, lip_moves = _lips(person)
    middle = np.array(
        [[-EYE_X * person.eye_distance, EYE_Y], [EYE_X * person.eye_distance, EYE_Y], [0, 0], [0, MOUTH_Y]], np.float32
    )
    rims = _rims(person)
    rest = np.concatenate([middle, eyes, lips, rims])
    moves = np.zeros((len(COEFFICIENTS), len(rest), 2), np.float32)
    moves[:, NOSE] = skin_moves(person, middle[2:3])[:, 0]
    moves[: len(ACTION_UNITS_17), 4:58] = eye_moves
    moves[: len(ACTION_UNITS_17), 58:102] = lip_moves
    moves *= np.where(np.arange(len(rest)) < 102, 1, 0)[None, :, None]
    sides = _sides(person, rest[:, 0])
    moves[:, 4:102] *= sides[:, 4:102, None]
    # an eye turns as one piece; else the depth of the bridge of the nose would change its shape
    anchors = rest.copy()
    for part in (UPPER_LIDS, LOWER_LIDS, CREASES):
        anchors[part, 1] = EYE_Y
    moves[len(ACTION_UNITS_17) :] = pose_moves(person, anchors)
    return Points(rest, moves.reshape(len(COEFFICIENTS), -1))


def _eyes(person: Person) -> tuple[Array, Array]:
    """Upper lids, lower lids and creases of both eyes, each from the inner to the outer corner.

    Returns:
        Positions at rest, shape (54, 2), and displacements by action unit, shape (17, 54, 2).
    """
    t = np.linspace(-1, 1, LID, dtype=np.float32)
    rest, moves = [], []
    half = 7.9 * person.eye_size
    arc, low = 1 - np.abs(t) ** 2.3, 1 - np.abs(t) ** 2
    # the upper lid is highest a little towards the nose, the lower one lowest towards the ear
    arc, low = arc * (1 - 0.10 * t), low * (1 + 0.15 * t)
    inner, outer = np.clip(-t, 0, 1), np.clip(t, 0, 1)
    corners = -0.5 * (person.eye_slant + 0.6) * t
    upper_moves = {
        "AU1": -0.6 * arc * (0.6 - t), "AU2": -0.4 * arc * (0.6 + t), "AU4": 0.7 * arc * (1 - 0.6 * t),
        "AU5": -2.3 * arc, "AU6": 0.55 * arc * (1 + 0.5 * t), "AU7": 0.75 * arc, "AU9": 0.9 * arc, "AU12": 0.15 * arc,
        "AU15": 0.3 * arc,
    }  # fmt: skip
    lower_moves = {
        "AU6": -1.1 * low, "AU7": -1.45 * low, "AU9": -0.9 * low, "AU10": -0.3 * low, "AU12": -0.3 * low,
        "AU5": 0.25 * low,
    }  # fmt: skip
    upper = -3.7 * person.eye_aperture * person.eye_size * arc + corners
    lower = 2.2 * person.eye_aperture * person.eye_size * low + corners
    crease = upper - (1.2 + 1.1 * person.lid_fold) * (0.55 + 0.45 * arc)
    crease_moves = {unit: 0.45 * move for unit, move in upper_moves.items()} | {
        "AU1": -1.3 * (0.7 + inner), "AU2": -1.2 * (0.7 + outer), "AU4": 1.0 * (0.7 + 0.6 * inner), "AU5": -0.6 * arc,
    }  # fmt: skip
    for heights, table in ((upper, upper_moves), (lower, lower_moves), (crease, crease_moves)):
        for side in (-1, 1):
            x = side * (EYE_X * person.eye_distance + half * t)
            rest.append(np.stack([x, EYE_Y + heights], axis=1))
            move = np.zeros((len(ACTION_UNITS_17), LID, 2), np.float32)
            for unit, down in table.items():
                move[ACTION_UNITS_17.index(unit), :, 1] = down
            moves.append(move)
    return np.concatenate(rest).astype(np.float32), np.concatenate(moves, axis=1)


def _lips(person: Person) -> tuple[Array, Array]:
    """The four contours of the lips from the top, each from the left of the image to the right.

    Returns:
        Positions at rest, shape (44, 2), and displacements by action unit, shape (17, 44, 2).
    """
    t = np.linspace(-1, 1, LIP, dtype=np.float32)
    half = MOUTH_X * person.mouth_width
    mid, side = 1 - t * t, np.abs(t)
    bow = np.interp(side, [0, 0.22, 0.6, 1], [3.1, 3.9, 2.4, 0.0]) * person.upper_lip
    full = np.interp(side, [0, 0.3, 0.65, 1], [5.4, 5.1, 3.3, 0.0]) * person.lower_lip
    line = 0.5 * np.interp(side, [0, 0.25, 0.6, 1], [0.6, 0.1, 0.5, 0.0])
    heights = (line - bow, line, line, line + full)
    rest = np.concatenate([np.stack([half * t, MOUTH_Y + height], axis=1) for height in heights]).astype(np.float32)
    corner = side**1.6
    wide = np.sign(t) * side**1.2
    lift = np.interp(side, [0, 0.5, 1], [0.7, 1.0, 0.0])
    low = np.minimum(1, 1.35 * (1 - side**2.4))
    # movement to the right, then downwards for each of the four contours
    table = {
        "AU9": (0, -1.6 * mid, -0.9 * mid, -0.7 * mid, -0.2 * mid),
        "AU10": (0, -3.6 * lift, -2.7 * lift, -1.2 * lift, -0.4 * mid),
        "AU11": (0, -1.0 * lift, -0.6 * lift, -0.5 * lift, 0),
        "AU12": (4.3 * wide, -5.2 * corner - 0.1 * mid, -5.2 * corner + 0.9 * mid, -5.2 * corner + 0.9 * mid,
                 -5.2 * corner + 0.3 * mid),
        "AU15": (-0.5 * wide, 4.6 * corner, *[4.6 * corner - 0.2 * mid] * 3),
        "AU17": (-0.6 * wide, -1.9 * mid, -2.6 * mid, -2.6 * mid, -2.9 * mid + 0.8 * corner),
        "AU20": (5.4 * wide, 1.0 * corner + 0.9 * mid, 1.0 * corner + 0.3 * mid, 1.0 * corner + 0.5 * mid,
                 1.0 * corner - 0.6 * mid),
        "AU23": (-2.6 * wide, 1.3 * bow / 3, 0, 0, -1.6 * full / 5),
        "AU24": (-1.0 * wide, 2.3 * bow / 3, 0.1 * mid, 0.1 * mid, -3.1 * full / 5),
        "AU25": (0, -0.9 * low, -1.3 * low, 2.7 * low, 2.2 * mid),
        "AU26": (-1.6 * wide, 0.4 * corner - 0.3 * mid, 0.8 * corner - 0.3 * low, 0.8 * corner + 8.6 * low,
                 0.8 * corner + 9.2 * mid ** 0.75),
    }  # fmt: skip
    moves = np.zeros((len(ACTION_UNITS_17), 4 * LIP, 2), np.float32)
    for unit, (right, *downs) in table.items():
        index = ACTION_UNITS_17.index(unit)
        for contour, down in enumerate(downs):
            part = slice(contour * LIP, (contour + 1) * LIP)
            moves[index, part, 0], moves[index, part, 1] = right, down
    return rest, moves


def _rims(person: Person) -> Array:
    """Both rims of a pair of glasses, shape (48, 2); also for a person who wears none."""
    angle = np.linspace(0, 2 * np.pi, RIM, endpoint=False, dtype=np.float32)
    x, y = np.cos(angle), np.sin(angle)
    power = 0.45 if person.glasses == "square" else 0.9
    x, y = 13.2 * np.sign(x) * np.abs(x) ** power, 10.2 * np.sign(y) * np.abs(y) ** power
    middle = (EYE_X + 0.6) * person.eye_distance
    return np.concatenate([np.stack([side * (middle + x), EYE_Y + 1.8 + y], axis=1) for side in (-1, 1)]).astype(
        np.float32
    )
