"""Charts as SVG inside a page: scales, axes and lines. Colours come from the style sheet, by class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to places on a drawing.

    Attributes:
        low: value at `begin`.
        high: value at `end`.
        begin: place of `low`, in drawing units.
        end: place of `high`.
    """

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value, rounded to what can be seen.

        >>> Scale(0, 1, 100, 0)(0.25)
        75.0
        """
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.begin + share * (self.end - self.begin), 2)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round values from `low` to `high`.

    >>> ticks(0, 1), ticks(-0.3, 0.42, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-0.2, 0.0, 0.2, 0.4])
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(place * step, digits) + 0.0 for place in range(first, last + 1)]


def rounded(low: float, high: float) -> tuple[float, float]:
    """Bounds of an axis that end at ticks.

    >>> rounded(0, 0.97), rounded(-0.1, 0.42)
    ((0.0, 1.0), (-0.2, 0.6))
    """
    marks = ticks(low, high)
    width = marks[1] - marks[0] if len(marks) > 1 else 1.0
    begin, end = math.floor(low / width + 1e-9), math.ceil(high / width - 1e-9)
    digits = max(0, 1 - math.floor(math.log10(width)))
    return round(begin * width, digits), round(end * width, digits)


def tick_text(value: float) -> str:
    """The text of a tick: thousands with separators, other numbers as short as they are, with a true minus.

    >>> tick_text(-0.5), tick_text(12000.0)
    ('−0.5', '12,000')
    """
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}"
    return text.replace("-", "−")


def element(tag: str, *inside: object, **attributes: object) -> Markup:
    """An SVG element; texts and attributes are escaped, `_` in the name of an attribute stands for a hyphen.

    >>> print(element("text", "<b>", x=1, text_anchor="end", class_="strong"))
    <text x="1" text-anchor="end" class="strong">&lt;b&gt;</text>
    """
    from markupsafe import Markup, escape

    names = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items() if value is not None)
    head = Markup("").join(Markup(' {}="{}"').format(Markup(name), value) for name, value in names)  # noqa: S704
    content = Markup("").join(escape(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), head, content)  # noqa: S704


def drawing(width: float, height: float, label: str, *parts: object, role: str = "img", **attributes: object) -> Markup:
    """A chart of a size in drawing units that fits the width of the page.

    Args:
        width: width in drawing units; text is about 12 units high.
        height: height in drawing units.
        label: what the chart shows, for readers who do not see it.
        parts: elements of the chart.
        role: role of the chart for assistive technology; `img` hides what is inside.
        attributes: further attributes of the element.
    """
    box = f"0 0 {width:g} {height:g}"
    own = {"class_": "chart", "viewBox": box, "role": role, "aria_label": label}
    return element("svg", *parts, **own, **attributes)


@dataclass(frozen=True, slots=True)
class Plot:
    """The area of a chart between its axes.

    Attributes:
        x: scale of the horizontal axis.
        y: scale of the vertical axis; `begin` is the lower end.
    """

    x: Scale
    y: Scale

    def axes(
        self,
        x_label: str,
        y_label: str,
        *,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
    ) -> Markup:
        """Grid, ticks and labels of both axes."""
        x_ticks = ticks(self.x.low, self.x.high) if x_ticks is None else x_ticks
        y_ticks = ticks(self.y.low, self.y.high) if y_ticks is None else y_ticks
        left, right = self.x.begin, self.x.end
        bottom, top = self.y.begin, self.y.end
        parts: list[Markup] = []
        for value in y_ticks:
            place = self.y(value)
            parts.append(element("path", d=f"M{left:g} {place:g}H{right:g}", class_="grid"))
            parts.append(element("text", tick_text(value), x=left - 6, y=place + 4, text_anchor="end"))
        for value in x_ticks:
            parts.append(element("text", tick_text(value), x=self.x(value), y=bottom + 17, text_anchor="middle"))
        parts.append(element("path", d=f"M{left:g} {bottom:g}H{right:g}", class_="axis"))
        middle = round((left + right) / 2, 2)
        parts.append(element("text", x_label, x=middle, y=bottom + 36, text_anchor="middle"))
        parts.append(element("text", y_label, x=left, y=top - 9, text_anchor="start"))
        return element("g", *parts)

    def line(self, x: Iterable[float], y: Iterable[float], class_: str) -> Markup:
        """A line through points; it breaks where a value is NaN."""
        points = ((self.x(a), self.y(b)) for a, b in zip(x, y, strict=True))
        return element("path", d=path(points), class_=f"line {class_}")


def path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of a line through points, broken where one is NaN.

    >>> path([(0, 1), (1, 2), (2, float("nan")), (3, 4)])
    'M0 1L1 2M3 4'
    """
    words: list[str] = []
    is_down = False
    for x, y in points:
        if math.isnan(x) or math.isnan(y):
            is_down = False
            continue
        words.append(f"{'L' if is_down else 'M'}{x:g} {y:g}")
        is_down = True
    return "".join(words)


def thinned(x: ArrayLike, y: ArrayLike, most: int) -> tuple[list[float], list[float]]:
    """A series with at most about `most` points: the least and the greatest value of each stretch, in their order.

    A stretch without a value becomes one NaN, so that a line through the points breaks there.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) <= most:
        return xs.tolist(), ys.tolist()
    kept: list[int] = []
    for part in np.array_split(np.arange(len(xs)), max(1, most // 2)):
        known = part[~np.isnan(ys[part])]
        if not len(known):
            kept.append(int(part[0]))
            continue
        kept += sorted({int(known[np.argmin(ys[known])]), int(known[np.argmax(ys[known])])})
    return xs[kept].tolist(), ys[kept].tolist()
