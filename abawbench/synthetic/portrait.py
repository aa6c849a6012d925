"""A person's head in one light, at rest, without eyes and mouth: the canvas that the movements of the skin deform.

The face is a height map, whose slopes decide the shading. Positions x and y are in pixels of a 112 x 112 crop, as in
`anatomy`; colours are linear amounts of light if nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abawbench.synthetic.anatomy import CHIN_Y, CROWN_Y, EYE_X, EYE_Y, MOUTH_Y, Array, half_width
from abawbench.synthetic.creases import HEIGHT, LEFT, TOP, WIDTH, age_map
from abawbench.synthetic.person import Colour, Person, as_colour

# left and top edge, width and height of the canvas in pixels of a crop; canvas pixels for each pixel of a crop
CANVAS_X, CANVAS_Y, CANVAS_WIDTH, CANVAS_HEIGHT, FINE = -100, -104, 200, 248, 2


@dataclass(frozen=True, slots=True)
class Light:
    """The light on a face.

    Attributes:
        direction: unit vector from the face to the light: right in the image, down, towards the camera.
        key: red, green and blue strength of the directed light; at 1 a colour appears as it is.
        ambient: red, green and blue strength of the light from all directions.
    """

    direction: tuple[float, float, float]
    key: Colour
    ambient: Colour


@dataclass(frozen=True, eq=False, slots=True)
class Portrait:
    """A head in a light.

    Attributes:
        colour: uint8 RGB, shape (CANVAS_HEIGHT * FINE, CANVAS_WIDTH * FINE, 3).
        alpha: opacity, of the same height and width, uint8: 255 where the person is.
        lids: red, green and blue light on the lids, as factors of the colour of the skin.
        mouth: red, green and blue light on the lips, as factors of their colour.
    """

    colour: np.ndarray
    alpha: np.ndarray
    lids: Colour
    mouth: Colour


def linear(colour: Colour | Array) -> Array:
    """The linear amount of light of a screen colour in [0, 1]."""
    return np.asarray(colour, np.float32) ** np.float32(2.2)


def make_portrait(person: Person, light: Light) -> Portrait:
    """Draw the head of a person in a light."""
    import cv2

    generator = np.random.default_rng(person.texture)
    step = 1 / FINE
    x = (CANVAS_X + step * (np.arange(CANVAS_WIDTH * FINE, dtype=np.float32) + 0.5))[None, :]
    y = (CANVAS_Y + step * (np.arange(CANVAS_HEIGHT * FINE, dtype=np.float32) + 0.5))[:, None]
    x, y = np.broadcast_arrays(x, y)
    width = np.repeat(half_width(person, y[:, 0])[:, None], x.shape[1], axis=1)
    face = _soft(width - np.abs(x), 0.5) * (width > 0)
    height = _heights(person, x, y, width)
    shade, gloss = _shading(person, height, light)

    skin = _skin(person, x, y, generator)
    lit = skin * shade + gloss
    lit[_fold_part()] *= _folds(person)
    neck_light = shade[int((CHIN_Y - 8 - CANVAS_Y) * FINE), CANVAS_WIDTH * FINE // 2] * 0.6
    colour, alpha = _body(person, light, x, y, neck_light)
    ears = _ears(person, x, y)
    ear_light = (
        linear(person.skin) * (0.55 * np.asarray(light.key) + 0.5 * np.asarray(light.ambient)) * [1.0, 0.86, 0.84]
    )
    strands = _strands(person, x, y, generator)
    behind, front = _hair(person, x, y, width, generator)
    hair = linear(person.hair) * _hair_light(person, x, y, strands, light)
    for layer, mask in ((hair, behind), (ear_light, ears), (lit, face), (hair, front)):
        colour += (layer - colour) * mask[..., None]
        alpha = np.maximum(alpha, mask)
    rows, columns = (int((EYE_Y - CANVAS_Y) * FINE), int((EYE_X - CANVAS_X) * FINE))
    lids = shade[rows - 6 : rows + 6, columns - 12 : columns + 12].mean(axis=(0, 1))
    rows = int((MOUTH_Y - CANVAS_Y) * FINE)
    mouth = shade[rows - 14 : rows - 6, CANVAS_WIDTH * FINE // 2 - 10 : CANVAS_WIDTH * FINE // 2 + 10].mean(axis=(0, 1))
    picture = np.clip(colour, 0, 1) ** np.float32(1 / 2.2) * 255
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.6)
    return Portrait(
        np.round(np.clip(smooth, 0, 255)).astype(np.uint8),
        np.round(alpha * 255).astype(np.uint8),
        as_colour(lids),
        as_colour(mouth),
    )


def _soft(distance: Array, blur: float) -> Array:
    """Mask in [0, 1] of an area whose edge is `blur` pixels wide on each side.

    Args:
        distance: signed distance to the edge, positive inside.
        blur: half the width of the edge.
    """
    return np.clip(0.5 + distance / (2 * blur), 0, 1).astype(np.float32)


def _bump(x: Array, y: Array, middle: tuple[float, float], spread: tuple[float, float]) -> Array:
    """A Gaussian bump of height 1, on both sides of the face unless its centre lies on the axis (x = 0)."""
    return np.exp(
        -((((np.abs(x) if middle[0] else x) - middle[0]) / spread[0]) ** 2 + ((y - middle[1]) / spread[1]) ** 2) / 2
    )


def _heights(person: Person, x: Array, y: Array, width: Array) -> Array:
    """Height of each point towards the camera, in pixels of a crop."""
    import cv2

    across = np.clip(np.abs(x) / np.maximum(width, 1), 0, 1)
    z = 34 * np.sqrt(np.maximum(1 - across**2.3, 0)) ** 1.1
    z -= 16 * (np.clip(y + 14, -62, 62) / 62) ** 2
    z = cv2.GaussianBlur(z.astype(np.float32), (0, 0), 2.2 * FINE)
    nose, length = person.nose_depth, person.nose_length
    # the bridge rises towards the tip and falls off sharply below it
    bridge = np.clip((y + 24) / 22, 0, 1) * _soft(4.5 * length - y, 1.8)
    z += 9.5 * nose * bridge * np.exp(-((x / (3.7 + 1.3 * np.clip((y + 12) / 12, 0, 1))) ** 2) / 2)
    z += 3.4 * nose * _bump(x, y, (0, -0.5), (4.4 * person.nose_width, 3.6))
    z += 3.6 * _bump(x, y, (6.4 * person.nose_width, 1.4), (2.6, 2.8))
    z -= 1.2 * _bump(x, y, (9.8 * person.nose_width, 0.5), (1.3, 3.0))
    z -= 4.6 * _bump(x, y, (EYE_X - 1.5, EYE_Y - 1), (8.5, 5.2))
    z -= 1.8 * _bump(x, y, (9.0, EYE_Y), (3.0, 4.0))
    z += 3.2 * _bump(x, y, (EYE_X, EYE_Y - 0.3), (6.0, 4.2))
    z += (1.7 + 0.6 * person.jaw) * _bump(x, y, (17, -30.5), (10, 3.6))
    z -= 0.8 * _bump(x, y, (0, -30), (4, 4))
    z += 2.4 * person.cheekbones * _bump(x, y, (24, -5), (8, 6.5))
    z -= (0.6 + 1.0 * person.cheekbones) * _bump(x, y, (26, 13), (7, 9))
    z += 3.4 * _bump(x, y, (0, 18), (12, 8.5))
    z -= 0.9 * _bump(x, y, (0, 12), (1.6, 4))
    z += 0.5 * _bump(x, y, (2.6, 12.5), (1.1, 4))
    z -= 2.1 * _bump(x, y, (0, 29.5), (8.5, 2.4))
    z += 3.4 * person.chin * _bump(x, y, (0, 37.5 * person.length), (8.5, 5))
    z += 2.0 * _bump(x, y, (0, -50), (18, 12)) - 1.6 * _bump(x, y, (35, -32), (5, 9))
    return np.asarray(cv2.GaussianBlur(z.astype(np.float32), (0, 0), 0.6 * FINE), np.float32)


def _shading(person: Person, height: Array, light: Light) -> tuple[Array, Array]:
    """Diffuse light as factors of the colour of the skin, and gloss as light, shape (rows, columns, 3) each."""
    import cv2

    down, right = np.gradient(height * FINE)
    size = 1 / np.sqrt(1 + down * down + right * right)
    normal = (-right * size, -down * size, size)
    lx, ly, lz = light.direction
    facing = normal[0] * lx + normal[1] * ly + normal[2] * lz
    # light passes through skin around an edge
    diffuse = np.clip((facing + 0.18) / 1.18, 0, None)
    hollow = np.clip(cv2.GaussianBlur(height, (0, 0), 5 * FINE) - height, -1.5, 4)
    open_sky = np.clip(1 - 0.10 * hollow, 0.3, 1.15) * (0.78 + 0.22 * (0.5 - 0.5 * normal[1]))
    passed = np.stack([diffuse**0.85, diffuse, diffuse**1.06], axis=-1)
    shade = passed * np.asarray(light.key, np.float32) + open_sky[..., None] * np.asarray(light.ambient, np.float32)
    shade *= np.clip(1 - 0.045 * np.clip(hollow, 0, 4), 0, 1)[..., None]
    half = np.array([lx, ly, lz + 1]) / np.linalg.norm([lx, ly, lz + 1])
    mirror = np.clip(normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2], 0, 1)
    gloss = (0.075 * mirror**14 + 0.055 * mirror**50) * person.gloss
    return shade.astype(np.float32), (gloss[..., None] * np.asarray(light.key, np.float32)).astype(np.float32)


def _skin(person: Person, x: Array, y: Array, generator: np.random.Generator) -> Array:
    """The reflectance of the skin with brows, nostrils and beard, shape (rows, columns, 3)."""
    colour = np.empty((*x.shape, 3), np.float32)
    colour[:] = linear(person.skin)
    red = person.redness * (
        0.22 * _bump(x, y, (23, 1), (8, 7)) + 0.20 * _bump(x, y, (0, 0), (6, 5)) + 0.10 * _bump(x, y, (34, -12), (5, 9))
    )
    colour *= 1 - red[..., None] * np.array([0.05, 1.0, 0.9], np.float32)
    rings = _bump(x, y, (EYE_X - 1, EYE_Y + 6.5), (7.5, 2.6)) * (0.10 + 0.14 * person.age)
    rings += 0.14 * _bump(x, y, (EYE_X - 5, EYE_Y - 3), (6, 4))
    colour *= 1 - rings[..., None] * np.array([0.8, 1.0, 0.9], np.float32)
    colour *= 1 + (0.035 * _noise(generator, x.shape, 16) + 0.018 * _noise(generator, x.shape, 5))[..., None]
    colour *= 1 + (0.025 + 0.02 * person.age) * _noise(generator, x.shape, 1)[..., None]
    if person.freckles:
        spots = np.clip(_noise(generator, x.shape, 3) - 1.0, 0, 1) * _bump(x, y, (14, -4), (15, 8)) * person.freckles
        colour *= 1 - spots[..., None] * np.array([0.4, 0.6, 0.7], np.float32)
    nostrils = 0.85 * _bump(x, y, (4.3 * person.nose_width, 4.1), (1.75, 1.05))
    nostrils += 0.35 * _bump(x, y, (0, 5.6), (7.0 * person.nose_width, 1.2))
    nostrils += 0.40 * _bump(x, y, (9.0 * person.nose_width, 2.2), (0.9, 2.2))
    colour *= 1 - np.clip(nostrils, 0, 0.92)[..., None] * np.array([0.85, 0.95, 1.0], np.float32)
    if person.beard or person.moustache:
        colour = _bearded(person, x, y, colour, generator)
    return _browed(person, x, colour, generator)


def _bearded(person: Person, x: Array, y: Array, colour: Array, generator: np.random.Generator) -> Array:
    side = np.abs(x)
    edge = np.interp(side, [0, 12, 20, 27, 32, 40], [26, 27, 19, 9, -4, -18])
    cheek = np.clip((y - edge) / 4, 0, 1) * (1 - 0.5 * _bump(x, y, (0, 27), (4, 2)))
    lip = np.clip((y - 8.5) / 3, 0, 1) * np.clip((19.5 - side) / 4, 0, 1) * np.clip((25 - y) / 3, 0, 1)
    lip = np.maximum(lip, np.clip((side - 15) / 2, 0, 1) * np.clip((22 - side) / 3, 0, 1) * np.clip((y - 16) / 4, 0, 1))
    hairs = np.clip(0.75 + 0.35 * _noise(generator, x.shape, 1, 2.5), 0, 1)
    amount = np.clip(person.beard * cheek * (1 - lip) + person.moustache * lip, 0, 1)
    mask = np.clip(amount * hairs * (0.55 + 0.4 * amount), 0, 0.94)[..., None]
    tone = linear(person.hair) * (1 + 0.25 * _noise(generator, x.shape, 1, 3)[..., None])
    return colour * (1 - mask) + np.clip(tone, 0, 1) * mask


def _browed(person: Person, x: Array, colour: Array, generator: np.random.Generator) -> Array:
    import cv2

    mask = np.zeros(x.shape, np.uint8)
    scale, origin = 16 * FINE, np.array([CANVAS_X, CANVAS_Y])
    thick = person.brow_thickness
    for side in (-1, 1):
        for _ in range(int(150 * thick)):
            t = float(generator.beta(1.1, 1.05))
            bx = 7.0 + 21.5 * t
            by = -31.3 - person.brow_height - (1.2 + person.brow_arch) * np.sin(np.pi * min(t * 0.78, 1)) ** 1.5
            by += (3.2 + person.brow_tilt) * max(t - 0.62, 0) / 0.38 * 0.9 - 0.3 * person.brow_tilt * (1 - t)
            spread = 1.7 * thick * (1 - 0.62 * t)
            by += float(generator.uniform(-spread, spread))
            # hairs stand up at the nose and lie down towards the temple
            angle = np.interp(t, [0, 0.25, 1], [1.25, 0.6, -0.15]) + float(generator.normal(0, 0.12))
            tip = np.array([bx + 3.4 * np.cos(angle), by - 2.4 * np.sin(angle)])
            ends = np.round((np.array([[bx, by], tip]) * (side, 1) - origin) * scale).astype(np.int32)
            cv2.line(mask, ends[0].tolist(), ends[1].tolist(), int(generator.integers(150, 256)), 1, cv2.LINE_AA, 4)
    soft = np.asarray(mask, np.float32) / 255
    soft = np.clip(0.75 * soft + 0.55 * cv2.GaussianBlur(soft, (0, 0), 1.5), 0, 0.93)[..., None]
    return colour * (1 - soft) + linear(person.brow) * soft


def _noise(generator: np.random.Generator, shape: tuple[int, ...], grain: int, stretch: float = 1.0) -> Array:
    """Smooth noise with mean 0 and variance about 1.

    Args:
        generator: source of the random numbers.
        shape: rows and columns.
        grain: width of a grain in canvas pixels.
        stretch: height of a grain, as a multiple of its width.
    """
    import cv2

    small = generator.normal(size=(int(shape[0] / (grain * stretch)) + 2, shape[1] // grain + 2)).astype(np.float32)
    if grain == 1 and stretch == 1:
        return small[: shape[0], : shape[1]]
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32) * np.float32(
        1.3
    )


def _fold_part() -> tuple[slice, slice]:
    """Rows and columns of the canvas in which the skin folds."""
    top, left = (TOP - CANVAS_Y) * FINE, (LEFT - CANVAS_X) * FINE
    return slice(top, top + HEIGHT * FINE), slice(left, left + WIDTH * FINE)


def _folds(person: Person) -> Array:
    """Brightness of the lasting lines of age, as a factor."""
    import cv2

    fine = cv2.resize(age_map(person), (WIDTH * FINE, HEIGHT * FINE), interpolation=cv2.INTER_LINEAR)
    return np.clip(1 + 1.6 * np.asarray(fine, np.float32), 0.2, 1.3)[..., None]


def _body(person: Person, light: Light, x: Array, y: Array, neck: np.ndarray) -> tuple[Array, Array]:
    """Colour of neck and clothes, and their mask in [0, 1]."""
    strength = np.asarray(light.key) + np.asarray(light.ambient)
    side = np.clip(1 - 0.25 * light.direction[0] * -x / 30, 0.5, 1.3)
    neck_width = 24 * person.width * (0.9 + 0.12 * person.jaw) + 16 * np.clip((y - 52) / 26, 0, 1) ** 2
    is_neck = _soft(neck_width - np.abs(x), 0.8) * (y > 8)
    round_neck = np.sqrt(np.clip(1 - (x / (neck_width + 3)) ** 2, 0.05, 1)) * side
    shadow = np.clip((y - 44) / 40, 0, 1)
    colour = linear(person.skin) * neck * (round_neck * (0.55 + 0.45 * shadow))[..., None]
    top = 66 + 17 * np.clip((np.abs(x) - 16) / 60, 0, 1) + 60 * np.clip((np.abs(x) - 66) / 30, 0, 1) ** 2.5
    top = top + 13 * np.exp(-((x / 17) ** 2))
    is_cloth = _soft(y - top, 0.6) * _soft(96 - np.abs(x), 0.6)
    cloth = (
        linear(person.clothes)
        * strength
        * (
            0.5
            * (
                side
                * (0.7 + 0.3 * np.cos(x / 44))
                * np.clip(0.8 + (y - top) / 60, 0, 1.05)
                * (1 + 0.08 * np.sin((x + 0.4 * y) / 9))
            )
        )[..., None]
    )
    colour += (cloth - colour) * is_cloth[..., None]
    return colour.astype(np.float32), np.maximum(is_neck, is_cloth).astype(np.float32)


def _ears(person: Person, x: Array, y: Array) -> Array:
    """Mask of the ears in [0, 1]."""
    return _soft(1 - np.sqrt(((np.abs(x) - 38.8 * person.width) / 5.2) ** 2 + ((y + 12) / 10.5) ** 2), 0.12)


def _strands(person: Person, x: Array, y: Array, generator: np.random.Generator) -> Array:
    """Noise along strands of hair that run down from the crown."""
    import cv2

    long = _noise(generator, (64, 1200), 2, 8) + 0.6 * _noise(generator, (64, 1200), 5, 6)
    angle = np.arctan2(x - 12 * person.parting, -(y + 40)) / np.pi
    radius = np.hypot(x, y + 40)
    if person.hair_style == "curly":
        return 0.8 * _noise(generator, x.shape, 5) + 0.4 * _noise(generator, x.shape, 2)
    place = (angle * 0.5 + 0.5) * 1199 + np.where(y > -30, np.abs(x) * 0.8, 0)
    return np.asarray(
        cv2.remap(
            long, np.mod(place, 1199).astype(np.float32), np.mod(radius, 60).astype(np.float32), cv2.INTER_LINEAR
        ),
        np.float32,
    )


def _hair_light(person: Person, x: Array, y: Array, strands: Array, light: Light) -> Array:
    """Light on the hair as a factor of its colour, shape (rows, columns, 3)."""
    band = np.exp(-(((y + 66 + 0.006 * x * x) / 9) ** 2) / 2)
    sheen = 0.62 + (0.30 - 0.14 * np.clip(sum(person.hair) - 1, 0, 1)) * strands + 0.55 * band * (1 + 0.5 * strands)
    side = np.clip(1 + 0.3 * light.direction[0] * x / 30, 0.5, 1.5) * np.clip(1 - 0.3 * (y + 60) / 60, 0.55, 1.2)
    strength = 0.6 * np.asarray(light.key) + 0.5 * np.asarray(light.ambient)
    return (np.clip(sheen, 0.12, None) * side)[..., None] * strength.astype(np.float32)


def _hair(person: Person, x: Array, y: Array, width: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Masks in [0, 1] of the hair behind the face and of the hair in front of it."""
    style, volume = person.hair_style, max(person.hair_volume, 0.3)
    nothing = np.zeros_like(x)
    if style == "bald":
        return nothing, nothing
    side = np.abs(x)
    jitter = 0.9 * _noise(generator, x.shape, 3, 4)
    thick = {"cropped": 0.8, "short": 2.6, "side": 3.6, "fringe": 3.6, "long": 4.6, "curly": 7.5, "tied": 1.6}[
        style
    ] * volume
    if style == "curly":
        jitter = 2.2 * _noise(generator, x.shape, 10)
    above = np.clip((y - (CROWN_Y - thick - 1)) / 40, 0, 1)
    outer = np.where(y < -34, (40.5 * person.width + thick) * np.sqrt(np.clip(1 - (1 - above) ** 2.2, 0, 1)), 0)
    lowest = {"long": 92.0, "curly": 22.0}.get(style, -14.0)
    lower = np.clip((y + 34) / 60, 0, 1.4)
    flow = 40.5 * person.width + thick + {"long": 6.0, "curly": 3.0}.get(style, -3.2) * lower
    outer = np.where(y >= -34, flow, outer)
    head = _soft(outer - side + jitter, 1.2) * (outer > 3) * _soft(lowest - y + 3 * jitter, 2.5)
    # none in front of the neck
    nape = np.where(y > 12, _soft(side - 21 * person.width, 3), 1)
    behind = head * nape if style in {"long", "curly"} else nothing
    # outline of the part of the head without hair
    line = -61.5 - person.hairline + 0.0045 * side**2 * (1 if style != "fringe" else 0.2)
    if style == "fringe":
        line = line + 19 + 0.10 * x * np.sign(person.parting) + 1.5 * np.abs(np.sin(x / 3.1))
    if style == "side":
        line = line + 7 + 0.22 * np.sign(person.parting) * x
    temple = np.interp(y, [-64, -50, -34, -20, -8, 10], [33, 35.2, 35.6, 36.8, 37.2, 38])
    if style in {"long", "curly"}:
        temple = np.interp(y, [-64, -45, -20, 10, 30, 60], [29, 33, 34.5, 34.5, 33, 30])
    free = _soft(temple * person.width - side + 0.5 * jitter, 1.0) * _soft(y - line + 0.8 * jitter, 1.4)
    front = head * (1 - free)
    if style in {"cropped", "short"}:
        front = front * np.clip((6.0 - (y + 14)) / 8, 0, 1) * (0.82 if style == "cropped" else 1)
    if style in {"long", "curly"}:
        front = front * np.where(y > 20, _soft(side - 0.62 * width, 2), 1) * nape
    return behind.astype(np.float32), front.astype(np.float32)
