"""abawbench doctor: what is installed, what is missing, and the command that gets it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click

from abawbench.base.installed import VERSION, versions_of
from abawbench.base.problems import Problem, ProblemError, render
from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json, print_paragraph, print_table

# where the module has another name than the package that brings it
MODULES = {
    "markdown-it-py": "markdown_it",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+?)(?:>=([0-9.]+))?(?:; extra == \"(\w+)\")?")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that abawbench works with.

    Attributes:
        group: `core`, an extra, `weights`, `hardware` or `shipped`.
        name: name of the thing.
        state: `ok`, `missing` where something optional is not there, or `wrong`.
        found: what was found, such as a version.
        get: command that gets it; None where there is nothing to get.
        path: where it is, for files and folders.
    """

    group: str
    name: str
    state: Literal["ok", "missing", "wrong"]
    found: str
    get: str | None = None
    path: str | None = None


@click.command()
@json_option
@exits_on_problems
def command(as_json: bool) -> None:
    """Say what is installed, what is missing, and which command gets it: versions, extras, weights, GPU.

    Exit status: 0 where what is there works, also where something optional is missing; 1 where something is broken.

    \b
    Example:
      abawbench doctor
      abawbench doctor --json
    """
    problems: list[Problem] = []
    items = [*_versions(), *_libraries(problems), *_weights(problems), _gpu(), *_shipped(problems)]
    if as_json:
        print_json({"items": [asdict(item) for item in items]}, problems=problems, ok=not problems)
    else:
        headers = ["part", "name", "state", "found"]
        print_table([[item.group, item.name, item.state, item.found] for item in items], headers, keys=2)
        click.echo()
        for item in items:
            if item.path is not None:
                click.echo(f"{item.name}: {item.path}")
        commands = dict.fromkeys(item.get for item in items if item.get is not None)
        click.echo()
        if problems:
            click.echo(render(problems))
        for get in commands:
            names = ", ".join(item.name for item in items if item.get == get)
            print_paragraph(f"missing {names}:")
            click.echo(f"    {get}")
        click.echo("broken: see above" if problems else "all is here" if not commands else "the rest works")
    if problems:
        sys.exit(1)


def _versions() -> Iterator[Item]:
    yield Item("core", "abawbench", "ok", VERSION)
    yield Item("core", "python", "ok", f"{platform.python_version()}, {platform.system()} {platform.machine()}")


def _libraries(problems: list[Problem]) -> Iterator[Item]:
    """The libraries that the metadata of the installed package names, of the core and of each extra."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        required = requires("abawbench") or []
    except PackageNotFoundError:
        problems.append(Problem("D53", "abawbench is not installed", "an installed package", "pip install ."))
        return
    for text in required:
        match = REQUIREMENT.fullmatch(text.strip())
        if match is None or match[3] in {"dev", "all"}:
            continue
        name, least, extra = match[1], match[2], match[3]
        fix = f"pip install 'abawbench[{extra}]'" if extra else f"pip install '{name}{f'>={least}' if least else ''}'"
        found = _version(name)
        if found is not None and (not least or not found[:1].isdigit() or _number(found) >= _number(least)):
            yield Item(extra or "core", name, "ok", found)
            continue
        shown = f"{found or 'none'}, {least or 'any'} or newer needed"
        if found is None and extra:
            yield Item(extra, name, "missing", "not installed", fix)
            continue
        problems.append(Problem("D53", f"{name} {found or 'is not installed'}", f"{least or 'any'} or newer", fix))
        yield Item(extra or "core", name, "wrong", shown, fix)


def _version(name: str) -> str | None:
    """The version of a library; `installed` where another package brings the same module; None where none does."""
    module = MODULES.get(name, name.replace("-", "_"))
    if importlib.util.find_spec(module) is None:
        return None
    return versions_of([name]).get(name, "installed, as another package")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def _weights(problems: list[Problem]) -> Iterator[Item]:
    """YuNet's weights, which `faces` and `predict` of videos need."""
    from abawbench.faces.detector import FETCH, VARIABLE, weights_path

    named = os.environ.get(VARIABLE)
    source = f"named by {VARIABLE}" if named else f"got by `{FETCH}`"
    try:
        yield Item("weights", "YuNet", "ok", source, path=str(weights_path()))
    except ProblemError as error:
        (problem,) = error.problems
        if problem.rule == "F01" and not named:
            yield Item("weights", "YuNet", "missing", "for faces and videos", FETCH)
            return
        problems.append(problem)
        yield Item("weights", "YuNet", "wrong", problem.found, FETCH, problem.file)
    except ModuleNotFoundError as error:
        fix = f"pip install 'abawbench[video]' && {FETCH}"
        yield Item("weights", "YuNet", "missing", f"for faces and videos; no module {error.name}", fix)


def _gpu() -> Item:
    if importlib.util.find_spec("torch") is None:
        return Item("hardware", "GPU", "missing", "unknown without torch; all works on the CPU")
    import torch

    cuda: Any = torch.cuda
    if not cuda.is_available():
        built = torch.version.cuda
        why = "this torch is built without CUDA" if built is None else f"none that torch (CUDA {built}) can use"
        return Item("hardware", "GPU", "missing", f"{why}; all works on the CPU")
    return Item("hardware", "GPU", "ok", ", ".join(cuda.get_device_name(one) for one in range(cuda.device_count())))


def _shipped(problems: list[Problem]) -> Iterator[Item]:
    from abawbench.base.installed import shipped_folder

    for name in ("data_manifests", "submissions", "leaderboard/published"):
        try:
            yield Item("shipped", name, "ok", "found", path=str(shipped_folder(name)))
        except ProblemError as error:
            problems += error.problems
            yield Item("shipped", name, "wrong", "not found", "pip install --force-reinstall abawbench")
