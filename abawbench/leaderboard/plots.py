"""Charts of boards: scores over the editions, scores against cost, and a row's score with its interval."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from abawbench.leaderboard.standing import HALF_WIDTH
from abawbench.pages.charts import Plot, Scale, drawing, element, rounded

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 360.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 36.0, 352.0, 26.0, 206.0
STRIP_WIDTH, STRIP_HEIGHT, STRIP_MARGIN = 132.0, 16.0, 5.0
# classes of the style sheet by split
MARKS = {"test": "fill-one", "validation": "fill-two"}


@dataclass(frozen=True, slots=True)
class Point:
    """A score of one edition.

    Attributes:
        split: test or validation.
        value: the score.
        name: who scored it, for a reader.
        is_official: True for a figure of the organisers.
    """

    split: str
    value: float
    name: str
    is_official: bool


@dataclass(frozen=True, slots=True)
class Edition:
    """The scores of one edition of a track.

    Attributes:
        board: name of its board.
        edition: number of the edition.
        year: year of its venue.
        points: its scores under the challenge's own measure.
    """

    board: str
    edition: int
    year: str
    points: tuple[Point, ...]

    def highest(self, split: str) -> Point | None:
        """The highest score of a split; on the test split the organisers' before claims, where there are any."""
        found = [point for point in self.points if point.split == split]
        official = [point for point in found if point.is_official and split == "test"]
        return max(official or found, key=lambda point: point.value, default=None)


def editions(boards: Mapping[str, Mapping[str, Any]], metric: str) -> tuple[Edition, ...]:
    """The editions of a track, which share a measure, in order."""
    found = [
        Edition(one["id"], one["edition"], _year(one["venue"]), tuple(_points(one)))
        for one in boards.values()
        if one["edition"] and one["measure"]["id"] == metric
    ]
    return tuple(sorted((one for one in found if one.points), key=lambda one: one.edition))


def over_years(track: Sequence[Edition], title: str, current: str = "") -> Markup:
    """A chart of every score of a track by edition, with a line through the highest of each split.

    Args:
        track: the editions.
        title: what the chart shows, for readers who do not see it.
        current: name of the board whose edition stands out.
    """
    values = [point.value for edition in track for point in edition.points]
    low, high = rounded(min(0.0, *values), max(values))
    plot = Plot(Scale(-0.5, len(track) - 0.5, LEFT, RIGHT), Scale(low, high, BOTTOM, TOP))
    parts: list[Markup] = []
    for place, edition in enumerate(track):
        if edition.board == current:
            half = plot.x(0.5) - plot.x(0)
            box = {"x": round(plot.x(place) - half, 2), "y": TOP, "width": round(2 * half, 2), "height": BOTTOM - TOP}
            parts.append(element("rect", class_="fill-wash", **box))
    parts.append(plot.axes("", "score", x_ticks=()))
    for place, edition in enumerate(track):
        mark = "strong" if edition.board == current else None
        for line, text in enumerate((f"{edition.edition}", f"’{edition.year[2:]}")):
            x, y = plot.x(place), BOTTOM + 17 + 15 * line
            parts.append(element("text", text, x=x, y=y, text_anchor="middle", class_=mark))
    for split, mark in MARKS.items():
        tops = [(place, one.highest(split)) for place, one in enumerate(track)]
        known = [(place, top.value) for place, top in tops if top is not None]
        line = "one" if split == "test" else "two dashed"
        parts.append(plot.line([float(place) for place, _ in known], [value for _, value in known], line))
        shift = -3 if split == "test" else 3
        for place, edition in enumerate(track):
            parts += [
                element(
                    "circle",
                    element("title", f"ABAW{edition.edition}, {split}: {point.value:.4g}, {point.name}"),
                    cx=plot.x(place) + shift,
                    cy=plot.y(point.value),
                    r=3.2 if point.is_official else 2.4,
                    class_=f"dot {mark}",
                )
                for point in edition.points
                if point.split == split
            ]
    middle = round((LEFT + RIGHT) / 2, 2)
    parts.append(element("text", "edition, and its year", x=middle, y=BOTTOM + 50, text_anchor="middle"))
    return drawing(WIDTH, HEIGHT, title, *parts)


COSTS = {"parameters": "weights", "frames_per_second": "frames a second"}


def against_cost(rows: Sequence[Mapping[str, Any]], cost: str, title: str) -> Markup:
    """A chart of scores with their intervals against a cost, on a logarithmic scale.

    Args:
        rows: rows of a board, each with a position and this cost.
        cost: key of `COSTS`.
        title: what the chart shows, for readers who do not see it.
    """
    spent = [math.log10(row["cost"][cost]) for row in rows]
    bounds = [interval_of(row) or (row["position"], row["position"]) for row in rows]
    low, high = rounded(min(0.0, *(bound[0] for bound in bounds)), max(bound[1] for bound in bounds))
    first, last = math.floor(min(spent)), math.ceil(max(spent))
    last = max(last, first + 1)
    plot = Plot(Scale(first, last, LEFT + 8, RIGHT), Scale(low, high, BOTTOM, TOP))
    parts = [plot.axes(COSTS[cost], "score", x_ticks=())]
    for power in range(first, last + 1):
        text = _power(power)
        parts.append(element("text", text, x=plot.x(power), y=BOTTOM + 17, text_anchor="middle"))
    for row, x, (least, most) in zip(rows, spent, bounds, strict=True):
        place = plot.x(x)
        name = row["method"] or row["team"]
        parts.append(element("path", d=f"M{place:g} {plot.y(least):g}V{plot.y(most):g}", class_="line one"))
        tip = element("title", f"{name}: {row['position']:.4g}, {row['cost'][cost]:,.10g} {COSTS[cost]}")
        parts.append(element("circle", tip, cx=place, cy=plot.y(row["position"]), r=4, class_="dot fill-one"))
        # a name stays inside the drawing
        shift, anchor = (7, "start") if place < (LEFT + RIGHT) / 2 else (-7, "end")
        y = plot.y(row["position"]) - 5
        parts.append(element("text", name, x=place + shift, y=y, text_anchor=anchor, class_="strong"))
    return drawing(WIDTH, HEIGHT, title, *parts)


def interval_of(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """The interval of a row's score, or the approximate one that its assumed standard error gives."""
    figure = row["figures"].get("score")
    if figure is not None and figure["interval"] is not None:
        return figure["interval"][0], figure["interval"][1]
    if row["standard_error"] is None or row["position"] is None:
        return None
    reach = HALF_WIDTH * row["standard_error"]
    return row["position"] - reach, row["position"] + reach


class Strips:
    """A small chart for each row of a table: its score and interval on a scale that the table shares."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        known = [row for row in rows if row["position"] is not None]
        ends = [end for row in known for end in (interval_of(row) or (row["position"],))]
        self.control = max((row["position"] for row in known if row["control"]), default=None)
        self.is_worth_it = len(known) > 1
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        self.scale = Scale(low, high, STRIP_MARGIN, STRIP_WIDTH - STRIP_MARGIN)

    def of(self, row: Mapping[str, Any]) -> Markup | str:
        """The chart of a row; empty for a row without a score."""
        if row["position"] is None:
            return ""
        middle = STRIP_HEIGHT / 2
        parts: list[Markup] = []
        if self.control is not None:
            parts.append(element("path", d=f"M{self.scale(self.control):g} 0V{STRIP_HEIGHT:g}", class_="axis"))
        interval = interval_of(row)
        if interval is not None:
            low, high = map(self.scale, interval)
            kind = "one" if row["figures"].get("score", {}).get("interval") else "one approximate"
            parts.append(element("path", d=f"M{low:g} {middle:g}H{high:g}", class_=f"line {kind}"))
        mark = "fill-quiet" if row["control"] else "fill-one"
        parts.append(element("circle", cx=self.scale(row["position"]), cy=middle, r=3.2, class_=mark))
        box = f"0 0 {STRIP_WIDTH:g} {STRIP_HEIGHT:g}"
        size = {"width": f"{STRIP_WIDTH:g}", "height": f"{STRIP_HEIGHT:g}", "viewBox": box}
        return element("svg", *parts, class_="chart strip", aria_hidden="true", **size)


def _points(board: Mapping[str, Any]) -> Iterator[Point]:
    for part in board["sections"]:
        if part["group"] or part["split"] not in MARKS or part["ordered_by"] != "score":
            continue
        for row in part["rows"]:
            if row["position"] is not None and not row["control"]:
                name = ", ".join(word for word in (row["team"], row["method"]) if word)
                yield Point(part["split"], row["position"], name, row["kind"] == "organiser")


def _year(venue: str) -> str:
    found = re.search(r"\b(19|20)\d\d\b", venue)
    return found[0] if found else "????"


def _power(power: int) -> str:
    """A power of ten as a reader says it."""
    for size, word in ((9, "billion"), (6, "million")):
        if power >= size:
            return f"{10 ** (power - size):,} {word}"
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
