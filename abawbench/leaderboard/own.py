"""Challenges that the catalogue does not have, described by a TOML file beside their published facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from abawbench.base.files import read_input
from abawbench.base.problems import os_reason
from abawbench.base.toml_text import parse_toml
from abawbench.leaderboard.columns import MEASURES, Measure

Words = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=200)]
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class OwnChallenge(BaseModel):
    """What a leaderboard says about a challenge that is no part of the catalogue.

    Attributes:
        title: name of the challenge for a reader.
        dataset: name of its data.
        measure: words that `metric_name` has for the official score; other measures stand apart.
        low: least possible score.
        high: greatest possible score.
        formula: the formula for a reader; empty where the words of the measure say enough.
        venue: conference and year; may be empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    title: Words
    dataset: Words
    measure: Words
    low: float = Field(default=0.0, strict=False)
    high: float = Field(default=1.0, strict=False)
    formula: Words = ""
    venue: Words = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low is below high")
        known = MEASURES.get(self.measure)
        if known is not None and (self.low, self.high) != (known.low, known.high):
            raise ValueError(f"'{self.measure}' goes from {known.low:g} to {known.high:g}")
        return self

    @property
    def measures(self) -> dict[str, Measure]:
        """The official measure with its range, and those that the project knows."""
        return {**MEASURES, self.measure: Measure(self.low, self.high)}


def read_own(path: Path) -> OwnChallenge | Iterator[tuple[str, str]]:
    """Read the description of a challenge, or say what is wrong: found and expected, for every field."""
    try:
        content = parse_toml(read_input(path))
    except OSError as error:
        return iter([(os_reason(error), "a readable file")])
    except ValueError as error:
        return iter([(str(error), "a TOML file")])
    try:
        return OwnChallenge.model_validate(content)
    except ValidationError as error:
        return (
            (
                ".".join(map(str, fault["loc"])) + ("" if fault["type"] == "missing" else f" {fault['input']!r:.60}"),
                fault["msg"],
            )
            for fault in error.errors(include_url=False)
        )
