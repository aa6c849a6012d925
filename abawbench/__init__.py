"""Benchmark and submission harness for the ABAW challenges: score, compare, check, write and pack predictions.

>>> import abawbench
>>> abawbench.get("abaw4-mtl").metric.id
'mtl-sum'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from abawbench.base.installed import VERSION

if TYPE_CHECKING:
    from abawbench.api import check, compare, diff, fairness, pack, read, score, write
    from abawbench.api.organisers import (
        bundle,
        freeze,
        mailroom,
        new_challenge,
        participant_pages,
        rehearse,
        score_batch,
    )
    from abawbench.api.tuning import apply_ensemble, ensemble, gains, trials, tune
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.challenges import CHALLENGES, get

__version__ = VERSION

# name -> module, imported on first use so that `import abawbench` stays light
_MODULES = {
    "CHALLENGES": "abawbench.challenges",
    "Problem": "abawbench.base.problems",
    "ProblemError": "abawbench.base.problems",
    "apply_ensemble": "abawbench.api.tuning",
    "bundle": "abawbench.api.organisers",
    "check": "abawbench.api",
    "compare": "abawbench.api",
    "diff": "abawbench.api",
    "ensemble": "abawbench.api.tuning",
    "fairness": "abawbench.api",
    "freeze": "abawbench.api.organisers",
    "gains": "abawbench.api.tuning",
    "get": "abawbench.challenges",
    "mailroom": "abawbench.api.organisers",
    "new_challenge": "abawbench.api.organisers",
    "pack": "abawbench.api",
    "participant_pages": "abawbench.api.organisers",
    "read": "abawbench.api",
    "rehearse": "abawbench.api.organisers",
    "score": "abawbench.api",
    "score_batch": "abawbench.api.organisers",
    "trials": "abawbench.api.tuning",
    "tune": "abawbench.api.tuning",
    "write": "abawbench.api",
}

__all__ = [
    "CHALLENGES",
    "Problem",
    "ProblemError",
    "apply_ensemble",
    "bundle",
    "check",
    "compare",
    "diff",
    "ensemble",
    "fairness",
    "freeze",
    "gains",
    "get",
    "mailroom",
    "new_challenge",
    "pack",
    "participant_pages",
    "read",
    "rehearse",
    "score",
    "score_batch",
    "trials",
    "tune",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'abawbench' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
