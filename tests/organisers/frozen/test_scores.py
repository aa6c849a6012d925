"""A frozen scorer gives the bits of the package."""

from __future__ import annotations

import pytest

from abawbench.challenges import CHALLENGES
from tests.organisers.frozen.scorers import bits, expected, quoted_ones, random_files, scorer

# random inputs of each challenge: a thousand in all
EACH = -(-1000 // len(CHALLENGES))


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_random_inputs_have_the_same_bits(identifier, tmp_path):
    challenge = CHALLENGES[identifier]
    for seed in range(EACH):
        files = random_files(challenge, tmp_path / str(seed), seed)
        paths = (str(files.truth), str(files.prediction), str(files.template))
        found = scorer(identifier).evaluate(*paths, intervals=True)
        score = expected(challenge, files)
        if score is None:
            assert [one["rule"] for one in found["problems"]] == ["T10"]
            continue
        assert found["problems"] == [note for note in found["problems"] if note["rule"].startswith("N")], seed
        assert found["ok"]
        assert (found["challenge"], found["fingerprint"]) == (challenge.id, challenge.fingerprint)
        assert bits(found["score"]) == bits(score.score), seed
        assert bits(found["terms"]) == bits(score.terms), seed
        assert bits(found["metrics"]) == bits(score.metrics), seed
        assert found["rows"] == score.rows, seed
        assert bits(found["intervals"]) == bits(quoted_ones(score.intervals)), seed
        assert list(found["metrics"]) == list(score.metrics)
