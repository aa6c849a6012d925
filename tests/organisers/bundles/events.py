"""An event with a public and a private phase, and its files, for the tests of bundles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from abawbench.challenges import get
from abawbench.organisers.events.event import Event, read_event
from abawbench.organisers.samples import Sample, sample, write

TEXT = """
title = "{title}"
challenge = "{challenge}"
organisers = "The organisers"
contact = "organisers@example.org"
summary = "A challenge in two phases."
{more}

[[phases]]
name = "Validation"
codename = "val"
begins = "2026-07-01 00:00:00 UTC"
ends = "2026-07-10 23:59:59 UTC"
shows_scores = true
private = false
split = "validation"
description = "First."

[[phases]]
name = "Test"
codename = "final"
begins = "2026-07-11 00:00:00 UTC"
ends = "2026-07-16 23:59:59 AoE"
daily = 2
total = 5
shows_scores = false
private = true
split = "test"
description = "Second."
"""


@dataclass(frozen=True)
class Files:
    """An event, paths of its truth, list and prediction, and the same as bytes."""

    event: Event
    truth: Path
    template: Path
    prediction: Path
    sample: Sample

    @property
    def truths(self):
        """The truth of every phase."""
        return {phase.codename: self.truth for phase in self.event.phases}

    @property
    def templates(self):
        """The list of every phase."""
        return {phase.codename: self.template for phase in self.event.phases}


def files_of(challenge: str, folder: Path, *, title: str = "A challenge", more: str = "") -> Files:
    """Write an event and the sample of its challenge."""
    made = sample(get(challenge), units=6, rows=30)
    (folder / "event.toml").write_text(TEXT.format(title=title, challenge=challenge, more=more))
    return Files(
        read_event(folder / "event.toml"),
        write(made.truth, folder / "truth"),
        write(made.template, folder / "template"),
        write(made.prediction, folder / "prediction"),
        made,
    )
