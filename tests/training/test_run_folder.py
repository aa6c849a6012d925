from __future__ import annotations

import json

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.training.run_folder import Checkpoint, load_checkpoint, open_run, save_checkpoint
from tests.damage import changed_fields, outcome


def a_checkpoint(number: int) -> Checkpoint:
    return Checkpoint({"a/b": torch.full((2, 3), float(number)), "count": torch.tensor(number)}, {"number": number})


def test_the_newest_checkpoint_is_read_and_the_ones_before_are_gone(tmp_path):
    assert load_checkpoint(tmp_path) is None
    for number in range(3):
        save_checkpoint(tmp_path, a_checkpoint(number))
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.facts == {"number": 2}
    assert torch.equal(found.tensors["a/b"], torch.full((2, 3), 2.0))
    assert found.tensors["count"].item() == 2
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


@pytest.mark.parametrize("moment", ["write_tensors", "sha256_of", "write_text", "unlink"])
def test_whoever_is_killed_while_saving_leaves_one_of_the_two(tmp_path, monkeypatch, moment):
    from abawbench.training import run_folder

    save_checkpoint(tmp_path, a_checkpoint(1))

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "unlink":
            patch.setattr("pathlib.Path.unlink", killed)
        else:
            patch.setattr(run_folder, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(tmp_path, a_checkpoint(2))
    (tmp_path / "checkpoints" / ".last-9.safetensors").write_bytes(b"half")
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.facts["number"] == found.tensors["count"].item() == (2 if moment == "unlink" else 1)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    save_checkpoint(tmp_path, a_checkpoint(3))
    after = load_checkpoint(tmp_path)
    assert after is not None
    assert after.facts["number"] == 3


def test_a_damaged_checkpoint_is_told(tmp_path):
    save_checkpoint(tmp_path, a_checkpoint(1))
    (path,) = (tmp_path / "checkpoints").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ProblemError, match="E04"):
        load_checkpoint(tmp_path)


def test_any_other_facts_than_were_saved_are_a_problem(tmp_path):
    save_checkpoint(tmp_path, a_checkpoint(1))
    path = tmp_path / "checkpoints" / "last.json"
    for record in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(record))
        found = outcome(lambda: load_checkpoint(tmp_path))
        assert isinstance(found, ProblemError) or found.facts == {"number": 1}
        assert (tmp_path / "checkpoints" / "last-1.safetensors").is_file()


def test_any_other_record_of_a_run_is_a_problem(tmp_path):
    record = {"entry": "e", "settings": {"epochs": 3, "parts": [{"a": 1}]}, "environment": {"device": "cpu"}}
    with open_run(tmp_path, record):
        pass
    path = tmp_path / "run.json"
    for other in changed_fields(json.loads(path.read_text())):
        path.write_text(json.dumps(other))
        outcome(lambda: open_run(tmp_path, record).__enter__())
