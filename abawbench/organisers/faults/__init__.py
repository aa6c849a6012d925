"""Planted faults: what goes wrong with submissions, made from a good one, each with the rules that `check` gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from abawbench.challenges import Challenge
from abawbench.formats.layout import prediction_layouts
from abawbench.organisers.faults.in_files import IN_FILES, ODD_FILES, good
from abawbench.organisers.faults.in_zips import IN_ZIPS, ODD_ZIPS
from abawbench.organisers.samples import Sample

LEAST_ROWS = 6


@dataclass(frozen=True)
class Fault:
    """A submission with one fault, or with an oddity that is accepted.

    Attributes:
        name: name of the fault, as `row-missing`.
        files: the files of the submission, by relative path; a zip is one file.
        rules: the rules, notes included, that `abawbench check --template` gives.
        is_refused: False for an oddity that is accepted.
    """

    name: str
    files: Mapping[str, bytes]
    rules: frozenset[str]
    is_refused: bool


def planted(challenge: Challenge, sample: Sample) -> tuple[Fault, ...]:
    """Every fault and oddity that fits a challenge, planted into the prediction of a sample."""
    layout = prediction_layouts(challenge)[0]
    made = good(challenge, layout, sample.prediction, sample.template)
    faults: list[Fault] = []
    # faults of rows need some rows before and behind them
    in_files = (*IN_FILES, *ODD_FILES) if len(made.rows) >= LEAST_ROWS else ()
    for kind in (*in_files, *IN_ZIPS, *ODD_ZIPS):
        files = kind.plant(made)
        if files is not None:
            rules = kind.rules_in(layout)
            faults.append(Fault(kind.name, files, rules, any(not rule.startswith("N") for rule in rules)))
    return tuple(faults)
