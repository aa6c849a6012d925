"""Reads the content of a checkpoint file or folder without running any code in it."""

from __future__ import annotations

import argparse
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch

from abawbench.base.files import read_input
from abawbench.base.hashes import sha256_of_file, sha256_of_files
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.models.checkpoints.tensors import read_safetensors
from abawbench.models.preprocessor_config import FILE as PREPROCESSING

CONFIG = "config.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_LARGEST_HEADER = 100_000_000
# words in the errors of torch's restricted reader where a file holds more than tensors and plain values
_REFUSED = re.compile(r"GLOBAL|Unsupported|reduce for|Can only")
_CONVERT = (
    'where you trust it, load it with torch.load(file, map_location="cpu", weights_only=False) where its program is,'
    " and save the state_dict() of the network alone with safetensors.torch.save_file"
)
_FORMS = "a checkpoint: .pth, .pt, .bin, .ckpt or .safetensors, or a folder with config.json"


@dataclass(frozen=True, eq=False)
class Content:
    """The content of a file or folder.

    Attributes:
        tree: saved tensors and values; the tensors may still be on disk.
        sha256: hash of the file; of a folder, the hash of the names and bytes of config.json and the weights.
        size: bytes of the files of weights.
        metadata: text in the header of a safetensors file.
        config: configuration in a folder.
        preprocessing: content of preprocessor_config.json in a folder that has it.
    """

    tree: Mapping[str, Any]
    sha256: str
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    config: Mapping[str, Any] | None = None
    preprocessing: Mapping[str, Any] | None = None


def read(path: Path) -> Content:
    """Read a checkpoint; its format is recognised by the bytes, not by the name.

    Raises:
        ProblemError: F01 nothing there or not readable, E04 no checkpoint or a damaged one, E09 a pickle that holds
            more than tensors, plain values and argparse.Namespace, E11 a folder without weights.
    """
    try:
        if path.is_dir():
            return _folder(path)
        digest = sha256_of_file(path)
        tree, metadata = _file(path)
    except OSError as error:
        raise unreadable(path, error, "a readable checkpoint") from error
    return Content(tree, digest, path.stat().st_size, metadata)


def _file(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return _pickled(path, in_place=head.startswith(b"PK")), {}
    if len(head) > 8 and struct.unpack("<Q", head[:8])[0] < _LARGEST_HEADER and head[8:9] == b"{":
        return _safetensors(path)
    if head.startswith(b"version https://git-lfs"):
        raise _other(path, "a pointer of Git LFS, not the file itself", "fetch the file, as with git lfs pull")
    if path.suffix == ".onnx":
        raise _other(path, "an ONNX graph", "make an entry of it: abawbench entry new 2026_me_mine --kind onnx")
    raise _other(path, "an empty file" if not head else "a file of another form", "name the checkpoint itself")


def _pickled(path: Path, *, in_place: bool) -> Mapping[str, Any]:
    if in_place:
        _refuse_archive(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = torch.load(path, map_location="cpu", weights_only=True, mmap=in_place)
    except OSError:
        raise
    # a damaged file may fail in any way
    except Exception as error:
        message = str(error)
        if isinstance(error, pickle.UnpicklingError | RuntimeError) and _REFUSED.search(message):
            name = re.search(r"GLOBAL ([\w.]+)", message)
            found = f"{name[1]} in a pickle" if name else "a pickle that holds more than tensors"
            expected = "tensors and plain values"
            raise ProblemError(Problem("E09", found, expected, _CONVERT, str(path))) from error
        found = f"a file that does not read as one ({type(error).__name__})"
        raise _other(path, found, "fetch or copy the file again") from error
    if not isinstance(tree, Mapping):
        raise _other(path, f"a saved {type(tree).__name__}", "save the state dictionary of the network")
    return cast(Mapping[str, Any], tree)


def _refuse_archive(path: Path) -> None:
    """Refuse a zip that holds a program, or members larger than it could hold: torch writes them as they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        # torch then says so too
        return
    if any(re.search(r"(^|/)(code/|constants\.pkl$)", member.filename) for member in members):
        found = "a TorchScript archive, which holds a program and its weights"
        fix = (
            "where you trust it, save the state_dict() of torch.jit.load(path) with safetensors.torch.save_file, or"
            " load it in an entry of kind code"
        )
        raise ProblemError(Problem("E09", found, "tensors and plain values", fix, str(path)))
    total = sum(member.file_size for member in members)
    if total > 2 * path.stat().st_size:
        raise _other(path, f"an archive that unpacks to {total:,} bytes", "save it again with torch.save")


def _safetensors(path: Path) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    try:
        return read_safetensors(path)
    except ValueError as error:
        raise _other(path, f"a safetensors file that does not open ({error})", "fetch or copy it again") from error


def _folder(path: Path) -> Content:
    config = _json(path / CONFIG)
    files = weight_files(path)
    tree: dict[str, Any] = {}
    digest = sha256_of_files((path / CONFIG, *files))
    for file in files:
        tree |= _file(file)[0]
    preprocessing = _json(path / PREPROCESSING) if (path / PREPROCESSING).exists() else None
    size = sum(file.stat().st_size for file in files)
    return Content(tree, digest, size, config=config, preprocessing=preprocessing)


def weight_files(path: Path) -> list[Path]:
    """The file of the weights in a folder of transformers, or the parts that its index names.

    Raises:
        ProblemError: E04 an index that is damaged, or names files that are not in the folder; E11 there are no weights.
    """
    for name in _WEIGHTS:
        if (path / name).is_file():
            return [path / name]
        index = path / f"{name}.index.json"
        if not index.is_file():
            continue
        places = _json(index).get("weight_map")
        parts = (
            sorted({str(part) for part in cast(dict[str, Any], places).values()}) if isinstance(places, dict) else []
        )
        # a part may not lead out of the folder
        if parts and all(Path(part).name == part and (path / part).is_file() for part in parts):
            return [path / part for part in parts]
        raise _other(index, "an index that names files that are not there", "fetch the whole folder")
    expected = " or ".join(_WEIGHTS)
    raise ProblemError(Problem("E11", "a folder without weights", expected, "fetch the whole folder", str(path)))


def _json(path: Path) -> dict[str, Any]:
    try:
        return parse_fields(read_input(path))
    except FileNotFoundError as error:
        raise _other(path, "no such file in the folder", "name a folder as transformers saves it, or a file") from error
    except ValueError as error:
        raise _other(path, f"a file that is no JSON with fields ({error})", "fetch it again") from error


def _other(path: Path, found: str, fix: str) -> ProblemError:
    return ProblemError(Problem("E04", found, _FORMS, fix, str(path)))
