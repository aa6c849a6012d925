"""Dataclasses from JSON that somebody else may have written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


@functools.cache
def typed(kind: type[T]) -> Callable[[object], T]:
    """A function that makes a dataclass from a JSON value, lists as tuples.

    It raises ValueError where a field is missing, unknown or of another type.
    """
    from pydantic import ConfigDict, create_model

    # dataclasses inside inherit that unknown fields are forbidden
    fields: Any = {"value": (kind, ...)}
    model: Any = create_model("Typed", __config__=ConfigDict(extra="forbid"), **fields)
    return lambda value: model.model_validate({"value": value}).value
