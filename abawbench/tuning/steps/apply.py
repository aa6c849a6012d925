"""Tuned values applied to a prediction store, of the entry and the challenge that they were fitted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, Task
from abawbench.entries.outputs import covered
from abawbench.inference.store import Store
from abawbench.table import Table
from abawbench.tuning.inputs.stream import ASSUMED_RATE, Stream, read_stream, table_of_stream
from abawbench.tuning.steps.kinds import Gate, Lag, Smoothing
from abawbench.tuning.steps.transforms import apply_step
from abawbench.tuning.steps.tuned import Tuned, identity_of


def apply_tuned(tuned: Tuned, stream: Stream, challenge: Challenge, other: Stream | None = None) -> Stream:
    """The stream after all steps of all tasks; `other` has the answers of the entry that a gate names."""
    for task in challenge.tasks:
        for step in tuned.tasks.get(task.name, ()):
            stream = apply_step(stream, task, step, other)
    return stream


def read_tuned_store(
    challenge: Challenge, store: Store, tuned: Tuned, *, gate: Store | None = None, any_entry: bool = False
) -> Table:
    """Read a store as the rows of a challenge, with tuned values; a note says where the times of frames are assumed.

    Args:
        challenge: challenge to predict for.
        store: predictions of the entry, for any units.
        tuned: tuned values.
        gate: predictions of the entry that a gate names, for the same units.
        any_entry: True to take the values although the entry or the challenge is another; those of tasks that the
            challenge does not have are left out.

    Raises:
        ProblemError: R04 the values are for another entry or challenge, C02 a gate lacks a store that answers its
            task; problems of the stores.
    """
    problems = tuple(_misfits(challenge, store, tuned, gate, any_entry=any_entry))
    if problems:
        raise ProblemError(*problems)
    stream = read_stream(store, challenge)
    other = None if gate is None else read_stream(gate, challenge)
    table = table_of_stream(apply_tuned(tuned, stream, challenge, other), challenge)
    takes_time = any(isinstance(step, Smoothing | Lag) for steps in tuned.tasks.values() for step in steps)
    if not stream.assumed or not takes_time:
        return table
    found = f"{ASSUMED_RATE:g} frames a second for {stream.assumed:,} of {len(stream.units):,} units"
    note = Problem("N72", found, "times of the frames", "predict from videos", str(store.root))
    return replace(table, notes=(*table.notes, note))


def _misfits(
    challenge: Challenge, store: Store, tuned: Tuned, gate: Store | None, *, any_entry: bool
) -> Iterator[Problem]:
    """Everything about which stores, challenge and values do not fit each other."""
    tasks = {task.name for task in challenge.tasks}
    if tuned.tasks and tasks.isdisjoint(tuned.tasks):
        fix = "run `abawbench tune` for this challenge"
        found, expected = f"tuned values of {', '.join(tuned.tasks)}", f"values of {', '.join(sorted(tasks))}"
        yield Problem("R04", found, expected, fix, str(store.root))
    elif not any_entry:
        yield from _others(challenge, store, tuned)
    for task in challenge.tasks:
        for step in tuned.tasks.get(task.name, ()):
            if isinstance(step, Gate):
                yield from _misfits_of_gate(store, task, step, gate, any_entry=any_entry)


def _misfits_of_gate(store: Store, task: Task, step: Gate, gate: Store | None, *, any_entry: bool) -> Iterator[Problem]:
    wanted = f"predictions of {step.entry} for the same units"
    if gate is None:
        yield Problem("C02", f"no store for the gate of {task.name}", wanted, "name it: --gate STORE", str(store.root))
    elif identity_of(gate) != step.identity and not any_entry:
        yield _misfit(gate.root, f"answers of {gate.card.name}", f"those of {step.entry}, by the gate of {task.name}")
    elif not can_gate(gate, task):
        found = f"{gate.card.name}, which does not answer all of {task.name}"
        yield Problem("C02", found, wanted, "name its store", str(gate.root))


def can_gate(gate: Store, task: Task) -> bool:
    """True for the store of an entry that answers every column of a task, as a gate to it needs."""
    return covered(gate.card, task) == task.outputs


def _others(challenge: Challenge, store: Store, tuned: Tuned) -> Iterator[Problem]:
    if challenge.id != tuned.challenge:
        yield _misfit(store.root, f"tuned values for {tuned.challenge}", f"values for {challenge.id}")
    elif challenge.fingerprint != tuned.fingerprint:
        found = f"tuned values for {tuned.challenge} with fingerprint {tuned.fingerprint}"
        yield _misfit(store.root, found, f"its definition of today ({challenge.fingerprint})")
    if identity_of(store) != tuned.fitted.identity:
        name, own = tuned.fitted.entry, store.card.name
        found = f"tuned values of {name}" + " with other weights, seed or code" * (name == own)
        yield _misfit(store.root, found, f"values that were fitted on a store of {own}")


def _misfit(root: Path, found: str, expected: str) -> Problem:
    fix = "run `abawbench tune` on a store of this entry; `--any-entry` takes the values all the same"
    return Problem("R04", found, expected, fix, str(root))
