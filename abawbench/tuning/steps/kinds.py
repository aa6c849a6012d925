"""Steps that tuned values consist of: each changes the answers to one task, or how they are decided."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.fill import FramePolicy

Kernel = Literal["mean", "median", "gaussian", "exponential"]
# offsets of log-probabilities beyond this leave one class alone
MOST_OFFSET = 100.0
# a longer smoothing takes the mean of a video
MOST_SECONDS = 60.0
# numbers that no search finds
MOST = 1e6


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Weighted means, or medians, of the answers over time.

    Attributes:
        kind: `mean` and `median` over a window, `gaussian`, or `exponential` (weights that fall with the distance).
        seconds: width of the window, standard deviation of the Gaussian, or time constant; 0 changes nothing.
        online: True if only the present and the past count; a window then ends at the frame, and is no narrower.
    """

    kind: Kernel
    seconds: float
    online: bool = False


@dataclass(frozen=True, slots=True)
class Thresholds:
    """By label, the probability from which it is decided to be present; other labels keep theirs."""

    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Offsets:
    """By class, what is added to the logarithm of its probability; other classes keep theirs."""

    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A value times `scale` plus `offset`."""

    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class Affine:
    """By column, scale and offset of its values, which are then clipped to the range of the task."""

    values: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Lag:
    """Answers that come `seconds` late, and are moved to the time that they are for; negative for early ones."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Answers of another entry where the entry's own confidence is low.

    Attributes:
        entry: name of the other entry.
        identity: identity of the other entry; see `tuned.identity_of`.
        confidence: confidence below which the other's answer counts; 0 changes nothing.
    """

    entry: str
    identity: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Fill:
    """The fill policy for frames that the entry has no crop of; answers that the store filled are replaced."""

    policy: FramePolicy


Step = Smoothing | Thresholds | Offsets | Affine | Lag | Gate | Fill

STEPS: Mapping[str, type[Step]] = {
    "smoothing": Smoothing,
    "thresholds": Thresholds,
    "offsets": Offsets,
    "affine": Affine,
    "lag": Lag,
    "gate": Gate,
    "fill": Fill,
}
"""Every step by its name, in the order in which they are tuned."""

# kinds of task that a step is for; the others are for all
OF_KIND: Mapping[type[Step], tuple[type[Task], ...]] = {
    Thresholds: (MultiLabel,),
    Offsets: (Categorical,),
    Affine: (Continuous,),
    # numbers have no confidence
    Gate: (Categorical, MultiLabel),
}


def name_of(step: Step) -> str:
    """The name of a step's kind, as `smoothing`."""
    return next(name for name, kind in STEPS.items() if isinstance(step, kind))


def steps_for(task: Task) -> tuple[str, ...]:
    """Names of the steps that a task can have, in the order in which they are tuned.

    >>> from abawbench.challenges import get
    >>> steps_for(get("abaw10-va").tasks[0])
    ('smoothing', 'affine', 'lag', 'fill')
    """
    return tuple(name for name, kind in STEPS.items() if isinstance(task, OF_KIND.get(kind, Task)))


def step_to_json(step: Step) -> dict[str, Any]:
    """The fields of a step, and the name of its kind."""
    return {"step": name_of(step), **asdict(step)}


def describe(step: Step) -> str:
    """A step in a few words.

    >>> describe(Smoothing("mean", 0.5, online=True))
    'mean over 0.5 s (online)'
    """
    match step:
        case Smoothing():
            of = "over" if step.kind in {"mean", "median"} else "of"
            return f"{step.kind} {of} {step.seconds:g} s{' (online)' * step.online}"
        case Thresholds():
            return "thresholds " + _listed(step.values)
        case Offsets():
            return "offsets " + _listed(step.values)
        case Affine():
            lines = (f"{name} x {line.scale:.3g} {line.offset:+.3g}" for name, line in step.values.items())
            return ", ".join(lines)
        case Lag():
            return f"lag of {step.seconds:g} s"
        case Gate():
            return f"{step.entry} below a confidence of {step.confidence:g}"
        case Fill():
            return f"filled by {step.policy}"


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def faults_of(step: Step, task: Task) -> Iterator[tuple[str, str]]:
    """What is found and what is expected, for each thing wrong with a step of a task."""
    name = name_of(step)
    kinds = OF_KIND.get(type(step))
    if kinds is not None and not isinstance(task, kinds):
        yield f"a task of {type(task).__name__}", f"one of {' or '.join(kind.__name__ for kind in kinds)}"
        return
    for place, value, low, high in _numbers(step):
        if not low <= value <= high:
            yield f"{place} {value:g}", f"a number from {low:g} to {high:g}"
    if isinstance(step, Thresholds | Offsets | Affine):
        unknown = [one for one in step.values if one not in task.outputs]
        if unknown:
            yield f"{name} of {', '.join(unknown)}", f"some of {', '.join(task.outputs)}"


def _numbers(step: Step) -> Iterator[tuple[str, float, float, float]]:
    """Place, value, least and greatest value of each number of a step; NaN is in no range."""
    match step:
        case Smoothing():
            yield "seconds", step.seconds, 0.0, MOST_SECONDS
        case Lag():
            yield "seconds", step.seconds, -MOST_SECONDS, MOST_SECONDS
        case Thresholds():
            # a label that is never present needs a threshold above 1
            yield from ((name, value, -1.0, 2.0) for name, value in step.values.items())
        case Offsets():
            yield from ((name, value, -MOST_OFFSET, MOST_OFFSET) for name, value in step.values.items())
        case Affine():
            for name, line in step.values.items():
                yield f"scale of {name}", line.scale, -MOST, MOST
                yield f"offset of {name}", line.offset, -MOST, MOST
        case Gate():
            yield "confidence", step.confidence, 0.0, math.nextafter(1.0, 2.0)
        case Fill():
            return
