"""Check of a model's training data against the rules of a challenge."""

from __future__ import annotations

import re
from collections.abc import Sequence

from abawbench.base.problems import Problem
from abawbench.challenges.model import Challenge


def forbidden_training(challenge: Challenge, trained_on: Sequence[str]) -> tuple[Problem, ...]:
    """Problems of a model whose training data, pretrained weights included, a challenge forbids.

    Args:
        challenge: the challenge, with its `forbidden_data`.
        trained_on: names of data sets, as an entry declares them.

    Returns:
        For each name that is forbidden a D29, or an N05 where the rule of that edition is only assumed.
    """
    return tuple(
        Problem(
            "N05" if forbidden.source.startswith("assumed") else "D29",
            f"{challenge.id} with a model trained on {name}",
            forbidden.source,
            f"train on {challenge.dataset} and on data that are not {forbidden.name}, from weights that have not seen "
            "it",
        )
        for forbidden in challenge.forbidden_data
        for name in trained_on
        if re.search(forbidden.pattern, name, re.IGNORECASE)
    )
