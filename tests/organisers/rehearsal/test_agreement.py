"""Two hundred submissions, more than forty of them broken, get one verdict and one score on every way."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import sys

import pytest

from abawbench.challenges import get
from abawbench.formats import read_truth
from abawbench.organisers.faults import planted
from abawbench.organisers.rehearsal.bundle_files import open_bundle
from abawbench.organisers.rehearsal.codabench_files import inspect as inspect_codabench
from abawbench.organisers.rehearsal.evalai_files import inspect as inspect_evalai
from abawbench.organisers.rehearsal.expected import Truth, expected
from abawbench.organisers.rehearsal.run import UNDECIDED
from abawbench.organisers.rehearsal.sent import NotUnpackedError, as_sent, packed_like_finder, unpack, write_below
from abawbench.organisers.samples import Sample, predict

CHALLENGES = ("abaw11-ah", "abaw4-mtl", "abaw3-va", "abaw10-vd")
GOOD = 40
# what a platform decides, trials of which each way may take the first, and the bomb, which takes seconds once unpacked
LEFT_OUT = UNDECIDED["codabench"] | {"two-trials-alike", "zip-bomb"}


def load(path, name):
    """A module from a file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Ways:
    """The ways of a submission: command line, frozen scorer, Codabench's folders and EvalAI's function."""

    def __init__(self, challenge_id, bundles, folder, monkeypatch):
        self.challenge, self.folder = get(challenge_id), folder
        (self.codabench,) = inspect_codabench(open_bundle(bundles("codabench", challenge_id))).stages
        (self.evalai,) = inspect_evalai(open_bundle(bundles("evalai", challenge_id))).stages
        write_below(self.codabench.program, folder / "program")
        write_below(self.codabench.reference, folder / "ref")
        write_below(self.evalai.program, folder / "evalai_script")
        write_below({"annotations.zip": next(iter(self.evalai.settings.values()))}, folder)
        self.truth_path, self.template = (
            folder / "ref" / str(path) for path in (self.codabench.truth, self.codabench.template)
        )
        self.truth = Truth(self.challenge, read_truth(self.challenge, self.truth_path), self.template)
        script = f"script_of_{challenge_id}".replace("-", "_")
        # the program imports it by this name
        monkeypatch.setitem(sys.modules, "frozen_scorer", None)
        self.frozen = load(folder / "program" / "frozen_scorer.py", "frozen_scorer")
        self.program = load(folder / "program" / "score.py", f"program_of_{script}")
        self.function = load(folder / "evalai_script" / "__init__.py", script)
        self.refusal = sys.modules[f"{script}.main"].RefusedError

    def submissions(self):
        good = [predict(self.challenge, self.truth.table, self.template, seed=seed) for seed in range(GOOD)]
        for number, files in enumerate(good):
            sent = as_sent(f"good {number}", files)
            yield sent if number % 3 else as_sent(sent.name, {"mac.zip": packed_like_finder(sent.data)})
        for fault in planted(self.challenge, Sample({}, {}, good[0])):
            if fault.name not in LEFT_OUT:
                yield as_sent(fault.name, fault.files)

    def command_line(self, sent):
        return expected(self.truth, sent).score

    def frozen_scorer(self, sent):
        path = self.folder / "sent.zip"
        path.write_bytes(sent.data)
        answer = self.frozen.evaluate(str(self.truth_path), str(path), template=str(self.template), private=True)
        return answer["score"] if answer["ok"] else None

    def codabench_layout(self, sent, number):
        place = self.folder / f"codabench-{number}"
        try:
            write_below(unpack(sent.data), place / "res")
        except NotUnpackedError:
            return None
        (place / "ref").symlink_to(self.folder / "ref")
        (place / "res" / "metadata").write_text("of the worker\n")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
            status = self.program.main(["score.py", str(place), str(place / "output")])
        scores = place / "output" / "scores.json"
        assert status == (0 if scores.exists() else 1)
        assert status == 0 or errors.getvalue().strip()
        return json.loads(scores.read_text())[self.codabench.keys[0]] if scores.exists() else None

    def evalai_function(self, sent):
        path = self.folder / "submission.zip"
        path.write_bytes(sent.data)
        annotations = str(self.folder / "annotations.zip")
        try:
            answer = self.function.evaluate(annotations, str(path), "test", submission_metadata={"id": 1})
        except self.refusal:
            return None
        return answer["result"][0][self.evalai.split][self.evalai.keys[0]]


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_fifty_submissions_and_more_get_one_verdict_and_one_score(bundles, tmp_path, monkeypatch, challenge_id):
    ways = Ways(challenge_id, bundles, tmp_path, monkeypatch)
    scored = refused = 0
    for number, sent in enumerate(ways.submissions()):
        score = ways.command_line(sent)
        others = (ways.frozen_scorer(sent), ways.codabench_layout(sent, number), ways.evalai_function(sent))
        assert (sent.name, others) == (sent.name, (score,) * 3)
        scored += score is not None
        refused += score is None
    assert scored >= GOOD
    assert refused >= 10
