"""The page of a report: everything that is known of one prediction, or of two, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.hashes import sha256_of
from abawbench.base.installed import VERSION
from abawbench.challenges import Challenge
from abawbench.entries.coverage import Coverage, coverage_scores
from abawbench.fill import MOST_FILLED, Policy
from abawbench.pages.page import render_page
from abawbench.reports import sections, tables
from abawbench.reports.controls import controls
from abawbench.reports.disclosure import disclosure, inputs
from abawbench.reports.errors import conditions
from abawbench.reports.masking import NOTHING, Masking, masking_of
from abawbench.reports.peers import peers
from abawbench.reports.pictures import Pictures
from abawbench.reports.subject import Subject, subject_of
from abawbench.reports.timelines import UnitFigures, timelines, unit_figures
from abawbench.scoring import Resampling
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import USUAL
from abawbench.table import Table

# resamples of what stands beside the score
FEWER = 2_000


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What a report shows and how it is computed.

    Attributes:
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: resampling of score, terms and metrics; intervals of other figures take 2,000 resamples of it.
        masked: names of units, videos or subjects that may not be shown.
        crops: folder of crops to show, and of the index of their faces; None for a page without pictures.
        leaderboard: folder with records to compare with; None for published facts alone.
    """

    missing: Policy = "error"
    allow_filled: float = MOST_FILLED
    resampling: Resampling = USUAL
    masked: Sequence[str] = ()
    crops: Path | None = None
    leaderboard: Path | None = None

    @property
    def beside(self) -> Resampling:
        """The resampling of figures beside the score."""
        return replace(self.resampling, resamples=min(self.resampling.resamples, FEWER))
