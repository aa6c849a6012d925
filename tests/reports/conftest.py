from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from abawbench.api import read_table
from abawbench.reports.page import ReportSettings, report_page
from abawbench.reports.subject import Source
from abawbench.scoring import Resampling
from tests.reports.corpus import MTL, truth_values, write_answers, write_truth

QUICK = Resampling(200)


@dataclass(frozen=True)
class Corpus:
    truth: Path
    first: Path
    second: Path

    def page(self, *places: Path, **settings) -> str:
        """The page of these predictions, of the first store by default."""
        places = places or (self.first,)
        known = read_table(MTL, self.truth, "truth")
        sources = [Source(read_table(MTL, path, "prediction"), path) for path in places]
        settings = ReportSettings(**{"missing": "nearest", "resampling": QUICK, **settings})
        return report_page(MTL, (known, self.truth), sources, settings)


def corpus_in(folder: Path, values=None, names=("2026_test_one", "2026_test_two")) -> Corpus:
    values = truth_values() if values is None else values
    return Corpus(
        write_truth(folder / "truth.txt", values),
        write_answers(folder / "one", values, 1, names[0], lacking=(5, 6)),
        write_answers(folder / "two", values, 2, names[1]),
    )


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Corpus:
    return corpus_in(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def page(corpus) -> str:
    return corpus.page()


@pytest.fixture(scope="session")
def comparison(corpus) -> str:
    return corpus.page(corpus.first, corpus.second)
