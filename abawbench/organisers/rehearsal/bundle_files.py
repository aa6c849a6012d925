"""The files of a bundle, from its folder or its zip, and which platform they are for."""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

from abawbench.base.files import read_input
from abawbench.base.folders import is_litter
from abawbench.base.problems import Problem, ProblemError, not_found, unreadable
from abawbench.organisers.rehearsal.sent import NotUnpackedError, unpack

# file by which a platform knows a bundle -> the platform
MARKS = {"competition.yaml": "codabench", "challenge_config.yaml": "evalai", "metric.py": "kaggle"}
PLATFORMS = tuple(MARKS.values())
LARGEST_YAML = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A bundle.

    Attributes:
        platform: codabench, evalai or kaggle.
        files: contents by path below the root of what is uploaded.
        source: folder or zip, for messages.
    """

    platform: str
    files: Mapping[str, bytes]
    source: str

    def place(self, name: str) -> str:
        """A file of the bundle in messages."""
        return f"{self.source}:{name}"


@dataclass(frozen=True)
class Stage:
    """A truth against which submissions are scored, with the program that does it.

    Attributes:
        name: codename of the phase, or name of the task.
        program: files of the scoring program.
        reference: files of the reference data.
        keys: the keys, labels or columns of the board, of which the first ranks.
        challenge: id of the challenge; None where the bundle does not say.
        truth: path of the truth in `reference`; None where the bundle does not say.
        template: path of the list in `reference`; None where the bundle does not say.
        split: codename of the split under which results are given, on EvalAI.
        settings: further files of the platform's own.
    """

    name: str
    program: Mapping[str, bytes]
    reference: Mapping[str, bytes]
    keys: tuple[str, ...]
    challenge: str | None = None
    truth: str | None = None
    template: str | None = None
    split: str = ""
    settings: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def below(self, path: str) -> dict[str, bytes]:
        """The files at a path of the reference data, or below it, by the rest of their path."""
        if path in self.reference:
            return {PurePosixPath(path).name: self.reference[path]}
        return {name[len(path) + 1 :]: data for name, data in self.reference.items() if name.startswith(f"{path}/")}


@dataclass(frozen=True)
class Inspected:
    """A bundle that was looked through.

    Attributes:
        stages: what can be run, one for each phase.
        problems: what is wrong with its files, notes included.
    """

    stages: tuple[Stage, ...]
    problems: tuple[Problem, ...]


def open_bundle(path: Path, platform: str | None = None) -> Opened:
    """Open a bundle: the folder that `abawbench bundle` wrote, the folder of its content, or the zip to upload.

    Args:
        path: folder or zip.
        platform: name of the platform; None to tell it from the files.

    Raises:
        ProblemError: F01 it cannot be read, Z01 it is no zip, O20 it is no bundle of that platform.
    """
    if not path.exists():
        raise not_found(path, "a bundle")
    if path.is_dir():
        inner = [name for name in PLATFORMS if (path / name).is_dir() and platform in {None, name}]
        root = path / inner[0] if len(inner) == 1 and not any((path / mark).exists() for mark in MARKS) else path
        files = {
            file.relative_to(root).as_posix(): read_input(file)
            for file in sorted(root.rglob("*"))
            if file.is_file() and not is_litter(file.relative_to(root).as_posix())
        }
    else:
        try:
            files = {name: data for name, data in unpack(read_input(path)).items() if not is_litter(name)}
        except OSError as error:
            raise unreadable(path, error) from error
        except NotUnpackedError as error:
            fix = "name the folder or the zip of a bundle"
            raise ProblemError(Problem("Z01", str(error), "a zip of a bundle", fix, str(path))) from error
    return Opened(platform or _platform(files, path), files, str(path))


def _platform(files: Mapping[str, bytes], path: Path) -> str:
    found = [platform for mark, platform in MARKS.items() if mark in files]
    if len(found) == 1:
        return found[0]
    names = {posixpath.basename(name): name for name in files}
    nested = [names[mark] for mark in MARKS if mark in names]
    if nested:
        fix = "put the files into the root of the zip, without a folder around them"
        raise ProblemError(Problem("O20", f"'{nested[0]}' in a folder", "the file in the root", fix, str(path)))
    expected = f"one of {', '.join(MARKS)} in the root"
    raise ProblemError(Problem("O20", "a folder or zip without it", expected, "name a bundle", str(path)))


def parse_yaml(bundle: Opened, name: str) -> Any:
    """The content of a YAML file of a bundle, read as the platforms read it.

    Raises:
        ProblemError: O20, there is no such file in the root, or it is no YAML of keys and values.
    """
    import yaml

    if name not in bundle.files:
        fix = "put it into the root of the zip"
        raise ProblemError(Problem("O20", f"no {name} in the root", "the file that describes it", fix, bundle.source))
    data = bundle.files[name]
    try:
        if len(data) > LARGEST_YAML:
            raise ValueError(f"{len(data):,} bytes")
        value = yaml.safe_load(data.decode("utf-8"))
        if not isinstance(value, dict):
            raise ValueError("no keys")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        found = " ".join(str(error).split())[:200]
        raise ProblemError(
            Problem("O20", found, "YAML of keys and values", "correct it", bundle.place(name))
        ) from error
    return cast(Any, value)


def date_problem(value: Any, where: str, file: str) -> Problem | None:
    """O22 for a date that a platform misreads; None for a quoted one in UTC."""
    fix = "write it in quotes and in UTC, as '2026-07-17 11:59:59'"
    expected = "a date in quotes, with its time of day, in UTC"
    if isinstance(value, datetime.date):
        found = f"{where}: {value} without quotes, which loses its time of day"
        return Problem("O22", found, expected, fix, file)
    try:
        moment = datetime.datetime.fromisoformat(str(value))
    except ValueError:
        return Problem("O22", f"{where}: '{value}', which is no date", expected, fix, file)
    if moment.utcoffset():
        return Problem("O22", f"{where}: '{value}', of which the zone is thrown away", expected, fix, file)
    if len(str(value)) <= len("2026-07-17"):
        return Problem("O22", f"{where}: '{value}' without a time of day", expected, fix, file)
    return None
