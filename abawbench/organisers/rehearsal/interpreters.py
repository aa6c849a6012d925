"""The interpreter that runs the program of a bundle: this one, the one asked for, or Python 3.9 with NumPy 1.26."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError

OLD_PYTHON, OLD_NUMPY = (3, 9), "1.26"
_ASK = "import sys, numpy; print(sys.version_info[0], sys.version_info[1], numpy.__version__)"
_ANSWER_S = 30


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that has NumPy.

    Attributes:
        path: path of the program.
        version: first two numbers of its version.
        numpy: version of its NumPy.
    """

    path: str
    version: tuple[int, int]
    numpy: str

    @property
    def is_old(self) -> bool:
        """True for Python 3.9 with NumPy 1.26."""
        return self.version == OLD_PYTHON and self.numpy.startswith(f"{OLD_NUMPY}.")

    @property
    def name(self) -> str:
        """Name for a reader, as `Python 3.11, NumPy 2.4.6`."""
        return f"Python {self.version[0]}.{self.version[1]}, NumPy {self.numpy}"


def this_interpreter() -> Interpreter:
    """The interpreter that runs now."""
    import numpy as np

    return Interpreter(sys.executable, (sys.version_info[0], sys.version_info[1]), np.__version__)


def ask(path: str) -> Interpreter:
    """The interpreter at a path.

    Raises:
        ProblemError: C02, it does not run or has no NumPy.
    """
    found = _probe(path)
    if found is None:
        fix = f"name one that has it: `{path} -m pip install numpy`"
        raise ProblemError(Problem("C02", f"--python {path}", "a Python that runs and has NumPy", fix))
    return found


def old_interpreter() -> Interpreter | None:
    """A Python 3.9 with NumPy 1.26 on this machine; None where there is none."""
    places = [shutil.which(f"python{OLD_PYTHON[0]}.{OLD_PYTHON[1]}")]
    roots = (os.environ.get("PYENV_ROOT", "~/.pyenv") + "/versions", "~/.local/share/uv/python", "~/miniconda3/envs")
    for root in roots:
        places += [str(path) for path in sorted(Path(root).expanduser().glob("*3.9*/bin/python"))]
    found = (_probe(place) for place in places if place is not None)
    return next((one for one in found if one is not None and one.is_old), None)


@functools.cache
def _probe(path: str) -> Interpreter | None:
    try:
        called = subprocess.run(  # noqa: S603
            [path, "-I", "-c", _ASK], check=True, capture_output=True, timeout=_ANSWER_S, text=True
        )
        major, minor, numpy = called.stdout.split()
        return Interpreter(path, (int(major), int(minor)), numpy)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
