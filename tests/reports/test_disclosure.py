"""What a reader is told about the origin of a prediction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from abawbench.api import read_table
from abawbench.base.hashes import sha256_of
from abawbench.challenges import get
from abawbench.entries.model import Weights
from abawbench.inference.store import Store
from abawbench.reports.disclosure import disclosure, inputs
from abawbench.reports.masking import NOTHING
from abawbench.reports.subject import subject_of
from abawbench.scoring import Resampling
from tests.reports.corpus import MTL, truth_values, write_truth


@pytest.fixture
def one(corpus):
    tables = read_table(MTL, corpus.truth, "truth"), read_table(MTL, corpus.first, "prediction")
    return subject_of(MTL, *tables, corpus.first, missing="nearest", resampling=Resampling(100))


def with_card(one, **changes):
    store = one.rows.store
    card = replace(store.card, **changes)
    return replace(one, rows=replace(one.rows, store=Store(store.root, {**store.record, "card": card.to_json()})))


def test_training_on_scored_videos_and_forbidden_data_are_said(one):
    told = with_card(one, trained_on=("Aff-Wild2",), trained_videos=("video9", "10-30-640x480", "else"))
    lines = list(disclosure(MTL, told, NOTHING))
    assert ("warning", "trained on 2 of the 4 scored videos") in lines
    assert any(name == "eligibility" and "Aff-Wild2" in text for name, text in lines)
    assert not any(name in {"warning", "eligibility"} for name, _ in disclosure(MTL, one, NOTHING))


def test_weights_are_named_with_their_hash_licence_and_source(one):
    told = with_card(one, weights=(Weights("heads", "heads.safetensors", "ab" * 32, "MIT", "https://example.org"),))
    line = dict(disclosure(MTL, told, NOTHING))["weights heads"]
    assert line == f"heads.safetensors, sha256 {'ab' * 32}, MIT, https://example.org"


def test_an_entry_that_reads_the_truth_says_so(one):
    assert ("warning", "it reads the truth that it is scored on") in disclosure(
        MTL, with_card(one, sees_truth=True), NOTHING
    )


def test_inputs_are_hashed(corpus, page, tmp_path):
    digest = sha256_of(corpus.truth)
    assert digest in page
    lines = dict(inputs(get("abaw4-mtl"), corpus.truth, digest, NOTHING))
    assert lines["definition"] == MTL.fingerprint
    assert sha256_of(corpus.first) in page
    mine = write_truth(tmp_path / "mine.txt", truth_values(seed=5))
    assert sha256_of(mine) in corpus.page(mine)
