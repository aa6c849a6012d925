"""The feedback graph: which outputs see which, and in what order they are computed. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from abawbench.base.problems import Problem
from abawbench.models.temporal.settings import network_problem

Feedback = Mapping[str, tuple[str, ...]]


def computing_order(outputs: Collection[str], feedback: Feedback) -> tuple[str, ...]:
    """Outputs such that each stands behind those it sees, else in their own order; the graph has no problem.

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
