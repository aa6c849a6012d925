"""A new entry to fill in, and the placeholders that are left in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

from abawbench.base.files import make_folder, read_input, write_folder
from abawbench.base.installed import shipped_folder
from abawbench.base.placeholders import is_placeholder
from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.base.toml_text import parse_toml
from abawbench.entries.entry_file import FILE

Kind = Literal["onnx", "code", "image-classifier", "tool-output"]
# kind -> what the user puts into the folder beside the entry file
BRING: dict[str, str] = {
    "onnx": "the graph as model.onnx, one file with its weights inside",
    "code": "your network in entry.py, which holds a stand-in with random weights",
    "image-classifier": "the classifier as model/: config.json, *.safetensors, preprocessor_config.json",
    "tool-output": "the tables of the toolkit as tables/<unit>.csv",
}
NAME = re.compile(r"\d{4}_[a-z0-9-]+_[a-z0-9-]+")
_TITLE = "write what the entry is, in a few words"
_LICENCE = "write the SPDX id of the licence of its code"
_CODE_FILE = """\
name = ""
title = ""
kind = "code"
vocabulary = "abaw4-mtl"
trained_on = ["write the data sets of your weights"]
sees_truth = false
licence = ""

[picture]
size = 112
colour = "RGB"
crop = "arcface-112"
"""
_PAGE = """\
# {name}

What the entry is, how it was trained, under which licence its weights are, and what is assumed.

    abawbench check submissions/{name}
    abawbench predict {name} DATA -o STORE
"""


def make_entry_folder(name: str, kind: Kind, root: Path = Path("submissions")) -> Path:
    """Make the folder of a new entry, with placeholders that `check` refuses until they are filled in.

    Args:
        name: name of the entry, `<year>_<team>_<method>`.
        kind: what stands behind the entry.
        root: folder of the entries.

    Returns:
        The new folder: entry.toml, README.md, and entry.py for the kind `code`.

    Raises:
        ProblemError: E02 another form of name, C02 something is there already, F01 the folder cannot be written.
    """
    require_name(name)
    if kind not in BRING:
        raise ProblemError(Problem("E01", f"kind {kind}", "a kind of new entry", f"write {near_names(kind, BRING)}"))
    files = {FILE: _entry_file(name, kind), "README.md": _PAGE.format(name=name)}
    if kind == "code":
        files["entry.py"] = Path(__file__).with_name("code_template.py").read_text("utf-8")
    make_folder(root)
    write_folder(root / name, {file: text.encode() for file, text in files.items()})
    return root / name


def require_name(name: str) -> None:
    """Check the form of an entry's name. Raises: ProblemError E02, it has another one."""
    if not NAME.fullmatch(name):
        expected = "<year>_<team>_<method> in a-z, 0-9 and -, as 2026_me_mine"
        raise ProblemError(Problem("E02", f"name = {name}", expected, _name_fix(name)))


def find_placeholders(path: Path) -> tuple[Problem, ...]:
    """E02 for each field of an entry file that still holds a placeholder; none where the file cannot be read."""
    try:
        text = read_input(path).decode()
        record = parse_toml(text)
    except (OSError, ValueError, ProblemError):
        return ()
    lines = text.splitlines()
    return tuple(
        Problem(
            "E02",
            f'{field} = "{value}", a placeholder',
            "the facts of this entry",
            f"fill in {field}",
            str(path),
            next((number for number, line in enumerate(lines, start=1) if value in line), None),
        )
        for field, value in _texts(record)
        if is_placeholder(value)
    )


def _entry_file(name: str, kind: str) -> str:
    if kind == "code":
        text = _CODE_FILE
    else:
        text = (shipped_folder("submissions") / f"2026_abawbench_{kind}" / FILE).read_text("utf-8")
    for field, value in (("name", name), ("title", _TITLE), ("licence", _LICENCE)):
        text = re.sub(rf'^{field} = ".*"$', f'{field} = "{value}"', text, count=1, flags=re.MULTILINE)
    return text.replace("a template: copy the folder, ", "a template: ")


def _name_fix(name: str) -> str:
    """Advice on a name: the same words in the right form where they have one."""
    year, *others = re.sub(r"[^a-z0-9_-]+", "-", name.strip().casefold()).strip("-_").split("_")
    tidy = f"{year}_{others[0]}_{'-'.join(others[1:])}" if len(others) > 1 else ""
    return f"did you mean {tidy}?" if NAME.fullmatch(tidy) else "name year, team and method"


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a TOML document with its dotted name."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, part in cast(dict[str, Any], value).items():
            yield from _texts(part, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, part in enumerate(cast(list[Any], value)):
            yield from _texts(part, f"{place}.{number}")
