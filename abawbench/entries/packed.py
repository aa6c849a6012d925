"""Entries in the form of a Hugging Face folder: config.json describes one, model.safetensors holds all of its weights.

The files of weights that an entry.toml would name are packed into one file, each under a prefix of its own, and
unpacked to the same bytes when the entry is loaded.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from abawbench.base.files import plain_name, read_input
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError

PACKED, TENSORS = "config.json", "model.safetensors"
# key of config.json that tells such a folder from those of other libraries; its value is the version of the form
KEY, FORM = "abawbench", 1


def is_packed(path: Path) -> bool:
    """True for a config.json that `pack` wrote."""
    if path.name != PACKED or not path.is_file():
        return False
    try:
        return KEY in parse_fields(read_input(path))
    except (OSError, ValueError, ProblemError):
        return False


def pack(content: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Pack an entry.

    Args:
        content: content of its entry.toml, whose files of weights lie beside it.
        files: these files by name, as safetensors.

    Returns:
        config.json and model.safetensors; equal entries give equal bytes.
    """
    from safetensors.torch import load, save

    tensors: dict[str, Any] = {}
    described: dict[str, Any] = {}
    for name, data in files.items():
        prefix = f"{Path(name).stem}."
        tensors |= {prefix + key: tensor for key, tensor in load(data).items()}
        sha256 = hashlib.sha256(data).hexdigest()
        described[name] = {"prefix": prefix, "sha256": sha256, "metadata": _metadata(data)}
    config = {KEY: FORM, "entry": content, "files": described}
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return {PACKED: text.encode(), TENSORS: save(tensors, {"format": "pt"})}


def read_packed(path: Path) -> dict[str, Any]:
    """The content of the entry.toml that a config.json holds.

    Raises:
        OSError, ProblemError: it cannot be read.
        ValueError: it is no JSON object, or one of another form.
    """
    config = parse_fields(read_input(path))
    if config.get(KEY) != FORM:
        raise ValueError(f"{KEY} = {config.get(KEY)!r}, where this version reads {FORM}")
    entry = config.get("entry")
    if not isinstance(entry, dict):
        raise ValueError("no field entry")
    return {str(name): value for name, value in entry.items()}


@contextmanager
def beside_weights(path: Path) -> Generator[Path]:
    """The path of an entry file with its files of weights beside it, as long as the context lasts.

    Args:
        path: an entry.toml, which stays where it is; or a config.json, whose weights are unpacked.

    Raises:
        ProblemError: E11 there is no model.safetensors; E04 it is damaged, or not the one of this config.json.
    """
    if not is_packed(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, data in _unpacked(path).items():
            (Path(folder) / name).write_bytes(data)
        yield Path(folder) / path.name


def _unpacked(path: Path) -> dict[str, bytes]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save

    packed = path.with_name(TENSORS)
    if not packed.is_file():
        raise ProblemError(Problem("E11", "no such file", "the weights of the entry", "bring the file", str(packed)))
    try:
        files = parse_fields(read_input(path))["files"]
        tensors = load_file(packed)
        made: dict[str, bytes] = {}
        for name, described in files.items():
            prefix = described["prefix"]
            own = {key.removeprefix(prefix): part for key, part in tensors.items() if key.startswith(prefix)}
            made[plain_name(name)] = save(own, described["metadata"])
        wrong = [name for name, data in made.items() if hashlib.sha256(data).hexdigest() != files[name]["sha256"]]
    except (AttributeError, KeyError, OSError, SafetensorError, TypeError, ValueError) as error:
        found, expected = f"damaged ({type(error).__name__}: {error})", "the weights that config.json describes"
        raise ProblemError(Problem("E04", found, expected, "export the entry again", str(packed))) from error
    if wrong:
        found, expected = f"other weights for {', '.join(wrong)}", "those that config.json describes"
        raise ProblemError(Problem("E04", found, expected, "bring both files of one export", str(packed)))
    return made


def _metadata(data: bytes) -> dict[str, str] | None:
    """The free text in the header of a safetensors file; None where it has none."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]).get("__metadata__")
