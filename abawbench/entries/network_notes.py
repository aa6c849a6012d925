"""Notes on the files of weights behind an entry: tensors that it does not use, and pictures that no file describes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from abawbench.base.problems import Problem
from abawbench.entries.model import Card


def network_notes(card: Card) -> tuple[Problem, ...]:
    """Notes on the networks of a card whose weights come from files: N60 and N61."""
    files = {weights.role: weights.file for weights in card.weights}
    return tuple(
        note
        for network in card.networks
        for note in _notes(network, files.get(str(network.get("role", "")), card.name))
    )


def _notes(network: Mapping[str, Any], file: str) -> Iterable[Problem]:
    unused, missing = network.get("unexpected", ()), network.get("missing", ())
    if unused or missing:
        # needs torch, which is there where such a network is
        from abawbench.models.checkpoints.left_over import by_module

        parts = [f"not used: {by_module(unused)}"] if unused else []
        parts += [f"not in the file: {by_module(missing)}"] if missing else []
        found = f"{network.get('kind')} from {network.get('layout')}; {'; '.join(parts)}"
        expected = "the tensors of the network alone"
        fix = "nothing, if these are heads, decoders, counters and the state of a training"
        yield Problem("N60", found, expected, fix, file)
    assumed: Sequence[str] = network.get("assumed", ())
    if assumed:
        values = ", ".join(f"{name} {_joined(network[name], '.4g')}" for name in assumed)
        found = f"{network.get('kind')} with {values}"
        lines = ", ".join(f"{name} = {json.dumps(network[name])}" for name in assumed)
        options = " ".join(f"--{name} {_joined(network[name])}" for name in assumed)
        fix = f"write {lines} beside weights in entry.toml, or {options} for extract, with the right values"
        yield Problem("N61", f"{found} ({network.get('preset')})", "a file that says it, or a setting", fix, file)


def _joined(value: Any, form: str = "") -> str:
    """A value as the options of `extract` take it: numbers with commas, each whole unless a form shortens it."""
    return ",".join(format(number, form) for number in value) if isinstance(value, list) else str(value)
