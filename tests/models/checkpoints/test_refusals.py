from __future__ import annotations

import json
import pathlib
import pickle
import struct
import subprocess
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.checkpoints.read import read


class Command:
    """Runs a command as soon as somebody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return subprocess.check_call, (["touch", str(self.path)],)


@pytest.mark.parametrize("form", ["zip", "old", "bare 2", "bare 4"])
def test_a_pickle_that_would_run_a_command_is_refused_and_does_not_run_it(tmp_path, form):
    path, trace = tmp_path / "weights.pth", tmp_path / "ran"
    evil = {"model": {"a": torch.zeros(1)}, "args": Command(trace)}
    if form.startswith("bare"):
        path.write_bytes(pickle.dumps(Command(trace), protocol=int(form[-1])))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(ProblemError, match="E09") as caught:
        load_checkpoint(path)
    assert not trace.exists()
    assert "safetensors.torch.save_file" in caught.value.problems[0].fix
    if form != "bare 4":
        assert "check_call in a pickle" in caught.value.problems[0].found


@pytest.mark.parametrize("value", [pathlib.PurePosixPath("x"), torch.nn.Linear(1, 1), np.float64(1)])
def test_classes_of_others_are_refused_by_name(tmp_path, value):
    torch.save({"model": {"a": torch.zeros(1)}, "extra": value}, tmp_path / "weights.pth")
    with pytest.raises(ProblemError, match=r"E09.*\n.* in a pickle"):
        load_checkpoint(tmp_path / "weights.pth")


def test_a_torchscript_archive_is_refused(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), tmp_path / "weights.pt")
    with pytest.raises(ProblemError, match="E09") as caught:
        load_checkpoint(tmp_path / "weights.pt")
    assert "a TorchScript archive" in caught.value.problems[0].found
    assert "torch.jit.load" in caught.value.problems[0].fix


def test_a_whole_module_is_refused_with_the_class_that_it_needs(tmp_path):
    from abawbench.models.backbones import build

    torch.save(build("tiny_iresnet", seed=0), tmp_path / "model.pt")
    with pytest.raises(ProblemError, match="E09") as caught:
        load_checkpoint(tmp_path / "model.pt")
    assert "abawbench.models.backbones.iresnet.IResNet in a pickle" in caught.value.problems[0].found
    assert "state_dict()" in caught.value.problems[0].fix


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"author": "me", "step": "3", "config": "{}"}])
def test_texts_in_the_header_of_another_program_change_nothing(mae_state, tmp_path, metadata):
    save_file(mae_state(), tmp_path / "weights.safetensors", metadata)
    loaded = load_checkpoint(tmp_path / "weights.safetensors")
    assert loaded.layout == "facebookresearch/mae or timm, encoder"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "tiny_iresnet"}'])
def test_a_description_that_is_damaged_is_not_passed_over(mae_state, tmp_path, text):
    save_file(mae_state(), tmp_path / "weights.safetensors", {"abawbench": text})
    with pytest.raises(ProblemError, match="E04"):
        load_checkpoint(tmp_path / "weights.safetensors")


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        load_checkpoint(tmp_path / "weights.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"hello", "another form"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
        (b"\x08\x07onnx", "another form"),
        (struct.pack("<Q", 10) + b'{"a":', "safetensors"),
        (struct.pack("<Q", 1 << 60) + b"{}", "another form"),
        (b"\x80\x02", "does not read"),
        (b"PK\x03\x04", "does not read"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_a_problem(tmp_path, content, said):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="E04") as caught:
        load_checkpoint(path)
    assert said in str(caught.value)


def test_a_zip_of_something_else_is_a_problem(tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.pth", "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(ProblemError, match="E04"):
        load_checkpoint(tmp_path / "weights.pth")


def test_a_saved_list_is_a_problem(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "weights.pth")
    with pytest.raises(ProblemError, match=r"E04.*\n.*a saved list"):
        load_checkpoint(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["zip.pth", "old.pth", "header.safetensors"])
def test_a_file_cut_off_anywhere_or_with_a_wrong_byte_is_never_a_traceback(write, tmp_path, name):
    whole = write({"a": torch.arange(20.0)}, name)
    if name == "old.pth":
        torch.save({"a": torch.arange(20.0)}, whole, _use_new_zipfile_serialization=False)
    data = whole.read_bytes()
    path = tmp_path / "damaged"
    rules = set()

    @given(st.data())
    def damaged(draw):
        place = draw.draw(st.integers(0, len(data) - 1))
        value = draw.draw(st.none() | st.integers(0, 255))
        path.write_bytes(data[:place] if value is None else data[:place] + bytes([value]) + data[place + 1 :])
        try:
            read(path)
        except ProblemError as error:
            rules.add(error.problems[0].rule)

    damaged()
    assert {"E04"} <= rules <= {"E04", "E09"}


def folder(tmp_path, config, **files):
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_folder_without_configuration_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match=r"E04.*\n.*config\.json"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_configuration_that_is_no_json_is_a_problem(tmp_path, text):
    with pytest.raises(ProblemError, match="E04"):
        load_checkpoint(folder(tmp_path, text))


def test_a_folder_without_weights_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="E11"):
        load_checkpoint(folder(tmp_path, {"model_type": "vit"}))


@pytest.mark.parametrize("part", ["../secret.bin", "absent.bin", "/etc/passwd"])
def test_an_index_may_name_files_of_its_folder_alone(tmp_path, part):
    (tmp_path / "inner").mkdir()
    torch.save({"a": torch.zeros(1)}, tmp_path / "secret.bin")
    path = folder(tmp_path / "inner", {"model_type": "vit"})
    (path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": part}}))
    with pytest.raises(ProblemError, match=r"E04.*\n.*index"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        ({"model_type": "no-such-type"}, "E10"),
        ({"architecture": "vit_base_patch16_224"}, "E10"),
        ({"model_type": ["vit"]}, "E10"),
        ({"model_type": "bert"}, "E10"),
        ({"model_type": "vit", "hidden_size": "wide"}, "E04"),
    ],
)
def test_a_folder_of_no_vision_network_is_a_problem(write, tmp_path, config, rule):
    write({"a": torch.zeros(1)}, "model.safetensors")
    with pytest.raises(ProblemError, match=rule):
        load_checkpoint(folder(tmp_path, config))
