"""The facts about a video in the index of its crops, as far as anything depends on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from abawbench.base.files import plain_name
from abawbench.clips.crop import Crop

Count = Annotated[int, Field(ge=0, lt=1 << 31)]
# folders are removed and replaced by the names of units
Name = Annotated[str, AfterValidator(plain_name)]
Thumb = tuple[Count, str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Key(_Part):
    crop: str
    overrides: list[tuple[Any, Any, Any]]


class _Track(_Part):
    number: Count
    first: Count
    last: Count
    frames: Count
    side: float
    apart: float
    units: list[Name]


class _Scene(_Part):
    frame: Count
    size: tuple[Count, Count]
    faces: list[tuple[Count, float, float, float, float]]
    jpeg: str


class _Problem(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rule: str
    file: str | None
    line: int | None
    found: str
    expected: str
    fix: str
    count: Count


class _Facts(_Part):
    video: Name
    kind: str
    key: _Key
    frames: Annotated[Count, Field(ge=1)]
    claimed: Annotated[int, Field(ge=0)]
    rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    cuts: list[Count]
    crops: Count
    units: list[Name]
    tracks: list[_Track]
    scene: _Scene | None
    problems: list[_Problem]
    thumbs: dict[str, list[Thumb]]
    aside: dict[str, Thumb]


def check_facts(facts: Mapping[str, Any]) -> None:
    """Check the facts of an index. Raises: ValueError, a field is missing or of another type, or names disagree."""
    try:
        checked = _Facts.model_validate(facts)
    except ValidationError as error:
        fault = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    Crop.from_json(facts["key"])
    if len(set(checked.units)) < len(checked.units) or set(checked.units) != checked.thumbs.keys():
        raise ValueError("units that are there twice, or without pictures")
