"""Events without files, for tests of bundles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from abawbench.challenges import get
from abawbench.organisers.events.deadlines import parse_moment
from abawbench.organisers.events.event import Event, Phase

VALIDATION = Phase(
    name="Validation",
    codename="validation",
    begins=parse_moment("2026-07-01 00:00 UTC"),
    ends=parse_moment("2026-07-08 23:59:59 AoE"),
    daily=10,
    total=None,
    is_private=False,
    shows_scores=True,
    split="validation",
    description="Labels that every team has.",
)
TEST = replace(
    VALIDATION,
    name="Test",
    codename="test",
    begins=parse_moment("2026-07-09 12:00 UTC"),
    ends=parse_moment("2026-07-16 23:59:59 AoE"),
    daily=None,
    total=5,
    is_private=True,
    shows_scores=True,
    split="test",
)


def event_of(challenge: str, *phases: Phase) -> Event:
    return Event(
        title="A & B: <challenge>",
        challenge=get(challenge),
        organisers="A. B.",
        contact="mail@example.org",
        site=None,
        summary='With "quotes"',
        logo=None,
        texts={},
        phases=phases or (VALIDATION, TEST),
        trials=5,
        path=Path("event.toml"),
    )
