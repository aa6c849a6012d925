"""Checkpoints that are wrong on purpose: a problem before anything is built, never another error."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints import load_checkpoint
from tests.damage import changed_bytes, outcome


def refused(path: Path, rule: str) -> str:
    with pytest.raises(ProblemError, match=rule) as error:
        load_checkpoint(path)
    return str(error.value)


def saved(tree: object, path: Path) -> Path:
    torch.save(tree, path)
    return path


def test_a_checkpoint_that_contains_itself_is_refused(tmp_path):
    tree: dict = {"epoch": 1}
    tree["model"] = tree
    assert "no tensors, but epoch, model" in refused(saved(tree, tmp_path / "net.pth"), "E10")


def test_a_checkpoint_in_a_hundred_thousand_dictionaries_is_refused(tmp_path):
    # the pickle is written by hand, since pickling goes down itself
    depth = 100_000
    opened = (pickle.EMPTY_DICT + pickle.SHORT_BINUNICODE + b"\x05model") * depth
    data = pickle.PROTO + b"\x02" + opened.replace(pickle.SHORT_BINUNICODE + b"\x05", pickle.BINUNICODE + b"\x05\0\0\0")
    data += pickle.EMPTY_DICT + pickle.SETITEM * depth + pickle.STOP
    path = saved({"x": torch.zeros(1)}, tmp_path / "net.pth")
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, data if name.endswith("data.pkl") else content)
    refused(path, "E10|E04")


ODD = {
    "sparse": lambda: torch.eye(4).to_sparse(),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(4, 4), 0.1, 0, torch.qint8),
    "complex": lambda: torch.ones(4, 4, dtype=torch.complex64),
    "meta": lambda: torch.ones(4, 4, device="meta"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ODD)
def test_tensors_of_other_kinds_are_refused_by_name(mae_state, tmp_path, kind):
    state = {**mae_state(), "norm.weight": ODD[kind]()}
    assert "norm.weight" in refused(saved(state, tmp_path / "net.pth"), "E04|E09")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_told(mae_state, write, value):
    state = mae_state()
    state["blocks.1.mlp.fc1.weight"][3, 5] = value
    assert "blocks.1.mlp.fc1.weight" in refused(write(state), "E22")


def test_a_tensor_larger_than_its_file_is_refused(mae_state, tmp_path):
    state = {**mae_state(), "norm.weight": torch.ones(1).expand(10**6, 10**6)}
    assert "bytes of the file hold" in refused(saved(state, tmp_path / "net.pth"), "E04")


@pytest.mark.parametrize("number", ["999999999", "9" * 5000, "00"])
def test_the_number_of_a_block_is_not_believed(mae_state, write, number):
    state = {**mae_state(), f"blocks.{number}.norm1.weight": torch.ones(192)}
    refused(write(state), "E08|E10")


@pytest.mark.parametrize("name", ["patch_embed.proj.weight", "pos_embed", "blocks.0.mlp.fc1.weight", "cls_token"])
@pytest.mark.parametrize(
    "shape", [(), (0,), (192,), (0, 0, 0, 0), (192, 3, 0, 0), (192, 3, 8, 9), (192, 0), (1, 10**5, 192)]
)
def test_a_tensor_of_any_shape_is_a_problem(mae_state, write, name, shape):
    refused(write({**mae_state(), name: torch.zeros(shape)}), "E08|E10|E17")


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.uint8, torch.float64, torch.float8_e4m3fn])
def test_a_tensor_of_any_number_type_is_a_network_or_a_problem(mae_state, write, kind):
    state = mae_state()
    path = write({**state, "norm.weight": torch.ones(192).to(kind)})
    outcome(lambda: load_checkpoint(path))


HEADERS = {
    "beyond the file": b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}',
    "another length": b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
    "backwards": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}',
    "below zero": b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
    "huge": b'{"a":{"dtype":"F32","shape":[1%s],"data_offsets":[0,4]}}' % (b"0" * 400),
    "unknown type": b'{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}',
    "texts": b'{"a":"b"}',
    "nested": b'{"a":' + b"[" * 50_000,
    "no JSON": b"{",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_safetensors_file_with_a_lying_header_is_refused(tmp_path, name):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(HEADERS[name])) + HEADERS[name] + bytes(4))
    refused(path, "E04")


def test_a_zip_that_unpacks_to_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", bytes(1 << 24))
    assert "16,777,216 bytes" in refused(path, "E04")


def test_files_with_other_bytes_are_a_network_or_a_problem(mae_state, tmp_path):
    state = {name: tensor for name, tensor in mae_state().items() if "blocks" not in name}
    files = {"a.safetensors": save(state), "a.pth": saved(state, tmp_path / "b.pth").read_bytes()}
    for name, data in files.items():
        path = tmp_path / name
        for other in changed_bytes(data, number=60):
            path.write_bytes(other)
            outcome(lambda path=path: load_checkpoint(path))


def test_a_device_is_no_checkpoint(tmp_path):
    (tmp_path / "zero.pth").symlink_to("/dev/zero")
    refused(tmp_path / "zero.pth", "F01")


def test_the_weights_of_an_entry_are_refused_alike(tmp_path):
    from torch import nn

    from abawbench.entries.networks.frame_encoder import load_state

    module = nn.Linear(2, 2)
    for value, rule in (({"weight": torch.full((2, 2), float("nan")), "bias": torch.zeros(2)}, "E22"), ({}, "E08")):
        save_file(value, tmp_path / "heads.safetensors")
        with pytest.raises(ProblemError, match=rule):
            load_state(module, tmp_path / "heads.safetensors")
    data = save({name: tensor.detach() for name, tensor in module.state_dict().items()})
    for other in changed_bytes(data):
        (tmp_path / "heads.safetensors").write_bytes(other)
        outcome(lambda: load_state(module, tmp_path / "heads.safetensors"))
