"""The identity of a synthetic face: everything by which people differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.labels import ACTION_UNITS_17

Colour = tuple[float, float, float]
"""Red, green and blue of a screen, in [0, 1]."""

# skin colours from the lightest to the darkest, as photographed in daylight
SKINS = (
    (0.94, 0.80, 0.73), (0.91, 0.74, 0.64), (0.85, 0.66, 0.53), (0.76, 0.55, 0.41), (0.62, 0.43, 0.31),
    (0.47, 0.32, 0.23), (0.33, 0.22, 0.17),
)  # fmt: skip
HAIR_COLOURS = (
    (0.06, 0.05, 0.05), (0.13, 0.09, 0.07), (0.24, 0.15, 0.10), (0.36, 0.24, 0.15), (0.55, 0.40, 0.24),
    (0.74, 0.60, 0.38), (0.48, 0.22, 0.12),
)  # fmt: skip
GREY: Colour = (0.68, 0.67, 0.66)
IRISES = ((0.22, 0.13, 0.08), (0.32, 0.20, 0.11), (0.40, 0.33, 0.18), (0.32, 0.42, 0.34), (0.33, 0.46, 0.58))
CLOTHES = ((0.16, 0.18, 0.24), (0.55, 0.16, 0.16), (0.20, 0.36, 0.28), (0.75, 0.73, 0.70), (0.30, 0.33, 0.52))
HAIR_STYLES = ("bald", "cropped", "short", "side", "fringe", "long", "curly", "tied")
# spread of what a neutral face shows, and its greatest value in spreads
RESTING, MOST_RESTING = 0.2, 2.4
_HAIR_SHARES = (0.08, 0.14, 0.2, 0.13, 0.12, 0.17, 0.09, 0.07)


@dataclass(frozen=True, slots=True)
class Person:
    """One identity.

    Widths, lengths and sizes are factors of the average adult face; heights and slants are in pixels of a 112 x 112
    crop, as differences from the average.

    Attributes:
        width: width of the head.
        jaw: width of the jaw.
        chin: width of the chin.
        cheekbones: strength of the cheekbones.
        length: length of the lower face.
        skin: colour of the skin.
        redness: redness of cheeks and nose, in [0, 1].
        freckles: strength of the freckles, in [0, 1].
        gloss: gloss of the skin, in [0, 1].
        age: age from 0 (young) to 1 (old), which decides the lasting lines and folds.
        wrinkles: depth of the folds of an expression, as a factor.
        hair_style: one of `HAIR_STYLES`.
        hair: colour of the hair.
        hair_volume: volume of the hair.
        hairline: additional height of the forehead.
        parting: position of the parting, from -1 (left in the image) to 1 (right).
        beard: 0 for none, 0.4 for stubble, 1 for a full beard.
        moustache: likewise.
        brow: colour of the brows.
        brow_thickness: thickness of the brows.
        brow_height: additional height of the brows.
        brow_arch: additional height of their arch.
        brow_tilt: additional slope of their outer end.
        eye_size: size of the eyes.
        eye_aperture: opening of the lids.
        eye_slant: additional height of the outer corner of an eye over the inner one.
        eye_distance: distance of the eyes.
        iris: colour of the iris.
        lid_fold: clearness of the crease above the upper lid, in [0, 1].
        lashes: strength of the lashes, which no picture shows yet; its draw keeps the others as they are.
        nose_width: width of the nose.
        nose_length: length of the nose.
        nose_depth: depth of the nose.
        mouth_width: width of the mouth.
        upper_lip: thickness of the upper lip.
        lower_lip: thickness of the lower lip.
        lips: colour of the lips.
        teeth: colour of the teeth.
        glasses: `round`, `square`, or empty for none.
        frame: colour of the frame of the glasses.
        clothes: colour of the clothes.
        asymmetry: for each of `ACTION_UNITS_17`, the relative difference of its strength on the right of the image.
        resting: for each of `ACTION_UNITS_17`, the intensity that the neutral face shows.
        texture: seed of pores, freckles and strands.
    """

    width: float
    jaw: float
    chin: float
    cheekbones: float
    length: float
    skin: Colour
    redness: float
    freckles: float
    gloss: float
    age: float
    wrinkles: float
    hair_style: str
    hair: Colour
    hair_volume: float
    hairline: float
    parting: float
    beard: float
    moustache: float
    brow: Colour
    brow_thickness: float
    brow_height: float
    brow_arch: float
    brow_tilt: float
    eye_size: float
    eye_aperture: float
    eye_slant: float
    eye_distance: float
    iris: Colour
    lid_fold: float
    lashes: float
    nose_width: float
    nose_length: float
    nose_depth: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    lips: Colour
    teeth: Colour
    glasses: str
    frame: Colour
    clothes: Colour
    asymmetry: tuple[float, ...]
    resting: tuple[float, ...]
    texture: int


def make_person(generator: np.random.Generator, resting: float = RESTING) -> Person:
    """A random person, from the whole human range of skin, hair and proportions.

    Args:
        generator: source of the random numbers.
        resting: standard deviation of the intensities that a neutral face shows; half of them are 0.
    """

    def around(mean: float, spread: float) -> float:
        return float(mean + spread * np.clip(generator.normal(), -2.2, 2.2))

    def chance(probability: float) -> bool:
        return bool(generator.random() < probability)

    darkness = float(generator.random())
    skin = _shaded(_interpolate(SKINS, darkness), generator, 0.02)
    age = float(generator.beta(1.4, 1.9))
    is_masculine = chance(0.5)
    style = str(generator.choice(HAIR_STYLES, p=_HAIR_SHARES))
    if style == "bald" and not is_masculine and chance(0.7):
        style = "tied"
    if style == "long" and is_masculine and chance(0.7):
        style = "short"
    hair = _shaded(_hair_colour(generator, darkness), generator, 0.02)
    brow = _mixed(hair, (0.05, 0.04, 0.04), 0.45)
    if chance(max(age - 0.55, 0) * 2):
        hair, brow = _mixed(hair, GREY, float(generator.uniform(0.5, 0.95))), _mixed(brow, GREY, 0.3)
    beard = 0.0
    if is_masculine:
        beard = float(generator.choice([0.0, 0.25, 0.45, 1.0], p=[0.45, 0.25, 0.15, 0.15]))
    # darker skin comes with fuller lips on average, lighter skin with redder ones
    lips = _mixed(_mixed(skin, (0.62, 0.22, 0.22), 0.42 - 0.12 * darkness), (0.35, 0.12, 0.12), 0.12 + 0.1 * darkness)
    if not is_masculine and chance(0.4):
        lips = _mixed(lips, (0.70, 0.10, 0.16), float(generator.uniform(0.3, 0.7)))
    count = len(ACTION_UNITS_17)
    return Person(
        width=around(1.0 + 0.02 * is_masculine, 0.045),
        jaw=around(1.03 if is_masculine else 0.96, 0.05),
        chin=around(1.05 if is_masculine else 0.93, 0.13),
        cheekbones=around(1.0, 0.35),
        length=around(1.02 if is_masculine else 0.98, 0.035),
        skin=skin,
        redness=float(generator.uniform(0.3, 1.0)),
        freckles=float(generator.uniform(0.3, 1.0)) if darkness < 0.45 and chance(0.2) else 0.0,
        gloss=float(generator.uniform(0.15, 1.0)),
        age=age,
        wrinkles=0.75 + 0.6 * age + around(0.0, 0.1),
        hair_style=style,
        hair=hair,
        hair_volume=around(1.0, 0.3),
        hairline=around(3.0 * is_masculine * age, 2.0),
        parting=float(generator.uniform(-1, 1)),
        beard=beard,
        moustache=beard if chance(0.8) else (0.8 if is_masculine and chance(0.08) else 0.0),
        brow=brow,
        brow_thickness=around(1.15 if is_masculine else 0.85, 0.18),
        brow_height=around(0.0 if is_masculine else 1.0, 0.9),
        brow_arch=around(0.6 if is_masculine else 1.3, 0.6),
        brow_tilt=around(0.0, 0.6),
        eye_size=around(1.0 if is_masculine else 1.04, 0.05),
        eye_aperture=around(1.0, 0.1),
        eye_slant=around(0.3, 0.7),
        eye_distance=around(1.0, 0.03),
        iris=_shaded(_interpolate(IRISES, float(generator.random() ** (0.9 + 3 * darkness))), generator, 0.02),
        lid_fold=float(generator.uniform(0.2, 1.0)),
        lashes=float(generator.uniform(0.5, 0.8) if is_masculine else generator.uniform(0.8, 1.3)),
        nose_width=around(0.96 + 0.18 * darkness, 0.08),
        nose_length=around(1.0, 0.05),
        nose_depth=around(1.05 - 0.15 * darkness, 0.13),
        mouth_width=around(1.0, 0.05),
        upper_lip=around(0.85 + 0.4 * darkness, 0.16),
        lower_lip=around(0.92 + 0.25 * darkness, 0.14),
        lips=lips,
        teeth=_shaded((0.90, 0.87, 0.80), generator, 0.025),
        glasses=str(generator.choice(["round", "square"])) if chance(0.18) else "",
        frame=_shaded(((0.08, 0.07, 0.07), (0.30, 0.18, 0.10), (0.55, 0.50, 0.42))[int(generator.integers(3))],
                      generator, 0.02),
        clothes=_shaded(CLOTHES[int(generator.integers(len(CLOTHES)))], generator, 0.05),
        asymmetry=tuple(float(value) for value in np.clip(generator.normal(0, 0.12, count), -0.3, 0.3)),
        resting=tuple(np.clip(generator.normal(0, resting, count), 0, MOST_RESTING * resting).tolist()),
        texture=int(generator.integers(2**31)),
    )  # fmt: skip


def as_colour(values: Iterable[Any]) -> Colour:
    """Three numbers as a colour."""
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _hair_colour(generator: np.random.Generator, darkness: float) -> Colour:
    # light hair goes with light skin
    lightest = 0.15 if darkness > 0.6 else 1.0 - 0.6 * darkness
    if darkness < 0.35 and generator.random() < 0.08:
        return HAIR_COLOURS[-1]
    return _interpolate(HAIR_COLOURS[:-1], float(generator.random() * lightest))


def _interpolate(colours: tuple[Colour, ...], position: float) -> Colour:
    place = position * (len(colours) - 1)
    first = min(int(place), len(colours) - 2)
    return _mixed(colours[first], colours[first + 1], place - first)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    return as_colour((1 - share) * a + share * b for a, b in zip(one, other, strict=True))


def _shaded(colour: Colour, generator: np.random.Generator, spread: float) -> Colour:
    light = float(generator.normal(0, spread))
    return as_colour(np.clip(c + light + generator.normal(0, spread / 3), 0.02, 0.98) for c in colour)
