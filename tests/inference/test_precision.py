from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.inference import precision
from abawbench.inference.precision import ANSWERS, FEATURES, LIMIT, Parity, decide_precision
from abawbench.inference.predict import predict
from abawbench.inference.store import open_store
from tests.inference.conftest import Means, a_clip


@dataclass(frozen=True, eq=False)
class Rounding(Means):
    """A Means entry that can be moved; in bfloat16 what it sees is off by `error`."""

    error: float = 0.0
    precision: str = "float32"
    width: int = 3

    def at(self, device, precision):
        return Rounding(self.card, self.error, precision)

    def prepare(self, crops):
        return crops

    def forward(self, prepared):
        return Means.encode(self, prepared) + np.float32(self.error if self.precision == "bfloat16" else 0)

    def encode(self, crops):
        return self.forward(self.prepare(crops))


@pytest.fixture
def with_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)


CROPS = a_clip("v", 8).frames


def decide(entry, choice, measure=ANSWERS) -> Parity:
    return decide_precision(entry, "cpu", choice, CROPS, measure=measure)


def test_bfloat16_is_taken_where_the_first_batch_gets_the_same_answers(with_bfloat16):
    parity = decide(Rounding(error=1e-4), "auto")
    assert parity.precision == "bfloat16"
    assert parity.deviation is not None
    assert 0 < parity.deviation < 1e-3


@pytest.mark.parametrize("error", [40.0, np.nan])
def test_float32_is_taken_where_answers_change(with_bfloat16, error):
    parity = decide(Rounding(error=error), "auto")
    assert parity.precision == "float32"
    assert parity.deviation is not None
    assert not parity.deviation < LIMIT


def test_bfloat16_that_was_asked_for_and_changes_answers_is_refused(with_bfloat16):
    with pytest.raises(ProblemError, match="P05"):
        decide(Rounding(error=40.0), "bfloat16")


def test_features_are_compared_by_their_length_and_the_entry_concludes_nothing(with_bfloat16):
    class Silent(Rounding):
        def at(self, device, precision):
            return Silent(self.card, self.error, precision)

        def answer(self, seen, clip):
            raise AssertionError("features are not answers")

    seen = CROPS.reshape(8, -1, 3).mean(axis=1)
    parity = decide(Silent(error=5.0), "auto", FEATURES)
    # each of three numbers is off by 5
    assert parity.deviation == pytest.approx(75**0.5 / np.linalg.norm(seen, axis=1).min(), rel=1e-4)
    assert parity.precision == "bfloat16"
    assert decide(Silent(error=9.0), "auto", FEATURES).precision == "float32"
    with pytest.raises(ProblemError, match=r"(?s)P05.*features that differ"):
        decide(Silent(error=np.nan), "bfloat16", FEATURES)


def test_float32_on_request_compares_nothing(with_bfloat16):
    assert decide(Rounding(error=1e-4), "float32").deviation is None


def test_a_machine_without_bfloat16_takes_float32(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert decide(Rounding(), "auto").precision == "float32"


def test_what_was_decided_holds_for_the_runs_that_follow(with_bfloat16, tmp_path):
    entry = Rounding(error=1e-4)
    predict(entry, [a_clip("v", 5)], tmp_path)
    first = open_store(tmp_path).record
    assert first["precision"] == "bfloat16"
    # another first batch, on which the parity would be another
    summary = predict(entry, [a_clip("u", 5), a_clip("v", 5)], tmp_path)
    assert (summary.made, summary.kept) == (1, 1)
    assert open_store(tmp_path).record == first
