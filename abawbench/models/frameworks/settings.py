"""Settings of multi-task frameworks and heads, and the graph of feedback between outputs. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from abawbench.base.problems import Problem
from abawbench.models.temporal.settings import Dropout, Positive, field_problems, network_problem

Kind = Literal["shared_encoder", "shared_bottom", "feedback"]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class FrameworkSettings:
    """Settings of the layers that outputs share (source: aim3_mtl section 5).

    Attributes:
        kind: kind of framework; `shared_encoder` shares all layers; `shared_bottom` ends in private layers for each
            output; `feedback` gives these something of other outputs as well.
        private_layers: number of layers that are private; where these are all layers, nothing is shared.
        feedback: outputs from which each target receives something, in the order in which they are joined.
        feedback_of: what a target receives of its sources: their last `hidden` vectors, or embeddings of their
            `labels`.
        label_width: width of an embedding of labels.
        truth_share: share of the time steps whose annotated labels are fed back in place of predicted ones, at the
            start of a training; it falls evenly to 0 in the last epoch. Prediction feeds back what it predicts.
    """

    kind: Kind = "shared_encoder"
    private_layers: int = 3
    feedback: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    feedback_of: Literal["hidden", "labels"] = "hidden"
    label_width: Positive = 256
    truth_share: Share = 0.75

    @property
    def sources(self) -> frozenset[str]:
        """The outputs from which some target receives something."""
        return frozenset(source for sources in self.feedback.values() for source in sources)


@dataclass(frozen=True, slots=True)
class LabelForm:
    """The form of the labels of an output.

    Attributes:
        kind: a `number`, one of several `classes`, or several `labels` that are on or off.
        low: least value of a number.
        high: greatest value of a number.
    """

    kind: Literal["number", "classes", "labels"]
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """Settings of the heads, the layers from an encoder to an output.

    Attributes:
        hidden: widths of the hidden layers.
        dropout: chance that a value is dropped before each layer but the last, and after the last hidden layer.
        tanh: names of the outputs that are kept between -1 and 1.
    """

    hidden: tuple[int, ...] = (512, 256)
    dropout: Dropout = 0.3
    tanh: tuple[str, ...] = ()


def framework_problems(outputs: Mapping[str, int], framework: FrameworkSettings, heads: HeadSettings) -> list[Problem]:
    """Every E17 of the framework, its feedback graph and its heads."""
    found: list[Problem] = []
    if not outputs:
        found.append(network_problem("no output", "at least one", "name what the network answers"))
    found += [
        network_problem(f"{what} of width {width}", "a width of at least 1")
        for what, width in (
            *((f"output {name!r}", width) for name, width in outputs.items()),
            *(("a hidden layer of the heads", width) for width in heads.hidden),
        )
        if width < 1
    ]
    found += field_problems(framework)
    if framework.kind != "shared_encoder" and framework.private_layers < 1:
        found.append(network_problem(f"private_layers = {framework.private_layers}", "1 or more"))
    if (framework.kind == "feedback") != any(framework.feedback.values()):
        edges = f"{'a' if framework.feedback else 'no'} feedback graph with kind = {framework.kind!r}"
        found.append(network_problem(edges, "kind = 'feedback' with a graph, or neither"))
    if framework.feedback_of == "labels" and framework.kind != "feedback":
        found.append(network_problem(f"feedback_of = 'labels' with kind = {framework.kind!r}", "kind = 'feedback'"))
    found += [
        network_problem(f"tanh on {name!r}", f"an output: {', '.join(outputs)}")
        for name in heads.tanh
        if name not in outputs
    ]
    return found + field_problems(heads, "heads.") + graph_problems(outputs, framework.feedback)


Feedback = Mapping[str, tuple[str, ...]]


def computing_order(outputs: Collection[str], feedback: Feedback) -> tuple[str, ...]:
    """The outputs, each behind its sources in the feedback graph, else in their own order; the graph has no cycle.

    >>> computing_order(("arousal", "valence"), {"arousal": ("valence",)})
    ('valence', 'arousal')
    """
    done: list[str] = []
    while len(done) < len(outputs):
        done.append(next(n for n in outputs if n not in done and all(s in done for s in feedback.get(n, ()))))
    return tuple(done)


def graph_problems(outputs: Collection[str], feedback: Feedback) -> list[Problem]:
    """Every E17 of a feedback graph: outputs unknown or named twice, cycles (written from target to source)."""
    found: list[Problem] = []
    known = f"an output: {', '.join(outputs)}"
    for target, sources in feedback.items():
        if target not in outputs:
            found.append(network_problem(f"feedback to {target!r}", known))
        for source in dict.fromkeys(sources):
            if source not in outputs:
                found.append(network_problem(f"feedback from {source!r} to {target!r}", known))
            if sources.count(source) > 1:
                found.append(network_problem(f"{source!r} twice among the sources of {target!r}", "each source once"))
    found += [
        network_problem(
            f"feedback {' -> '.join(cycle)}", "a graph without cycles", "take one of these sources out of the feedback"
        )
        for cycle in _cycles(feedback)
    ]
    return found


def _cycles(feedback: Feedback) -> list[tuple[str, ...]]:
    found: dict[tuple[str, ...], None] = {}
    finished: set[str] = set()

    def follow(path: Sequence[str]) -> None:
        for source in feedback.get(path[-1], ()):
            if source in path:
                round_trip = path[path.index(source) :]
                first = round_trip.index(min(round_trip))
                found[*round_trip[first:], *round_trip[:first], round_trip[first]] = None
            elif source not in finished:
                follow([*path, source])
        finished.add(path[-1])

    for target in feedback:
        if target not in finished:
            follow([target])
    return list(found)
