"""A frozen scorer runs under every Python from 3.8 on that is here, with NumPy before and after 2."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from abawbench.challenges import CHALLENGES
from tests.organisers.frozen.scorers import random_files, scorer, source

# one challenge of each kind of metric and of format
CHOSEN = ("abaw4-mtl", "abaw3-va", "abaw5-eri", "abaw11-ah", "abaw10-vd", "london-identity")
SEEDS = range(4)
# where `.ci/install` keeps NumPy for each Python, as 3.9-1.26.4
NUMPIES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "abawbench" / "numpies"
PROGRAM = """
import importlib.util, json, sys
import numpy

found = []
for path, *words in json.load(open(sys.argv[1])):
    spec = importlib.util.spec_from_file_location("scorer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found.append(module.evaluate(*words, intervals=True))
print(json.dumps([numpy.__version__, found]))
"""


def pythons() -> dict[str, Path]:
    """Pythons from 3.8 on by version: those on the path, and those of pyenv."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin"))
    found: dict[str, Path] = {}
    for path in (path for folder in folders if folder.name != "shims" for path in sorted(folder.glob("python3.*"))):
        version = re.fullmatch(r"python(3\.(\d+))", path.name)
        if version and int(version[2]) >= 8:
            found.setdefault(version[1], path)
    return found


def leaves(value: Any) -> list[Any]:
    """Everything in nested dictionaries and lists, names included, in their order."""
    if isinstance(value, dict):
        return [leaf for name, part in value.items() for leaf in (name, *leaves(part))]
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, list | tuple) else [value]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Words of `evaluate` behind the path of a scorer, and what it gives here."""
    folder = tmp_path_factory.mktemp("scorers")
    words: list[list[str]] = []
    here = []
    for identifier in CHOSEN:
        path = folder / f"{identifier}.py"
        path.write_text(source(identifier))
        for seed in SEEDS:
            files = random_files(CHALLENGES[identifier], folder / f"{identifier}-{seed}", seed)
            given = [str(files.truth), str(files.prediction), str(files.template)]
            words.append([str(path), *given])
            here.append(scorer(identifier).evaluate(*given, intervals=True))
    (folder / "words.json").write_text(json.dumps(words))
    return folder / "words.json", leaves(here)


@pytest.mark.parametrize("version", pythons())
def test_a_scorer_gives_the_same_figures_under_another_python_and_numpy(version, cases):
    numpies = sorted(NUMPIES.glob(f"{version}-*[0-9]"))
    if not numpies:
        pytest.skip(f"no NumPy for Python {version} in {NUMPIES}: .ci/install brings it")
    words, here = cases
    for numpy in numpies:
        done = subprocess.run(
            [pythons()[version], "-W", "error", "-c", PROGRAM, words],
            env={"PYTHONPATH": str(numpy), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        used, found = json.loads(done.stdout)
        assert numpy.name.endswith(used)
        there = leaves(found)
        assert [leaf for leaf in there if not isinstance(leaf, float)] == [
            one for one in here if not isinstance(one, float)
        ]
        # linear algebra of another build adds up in another order
        assert [leaf for leaf in there if isinstance(leaf, float)] == pytest.approx(
            [leaf for leaf in here if isinstance(leaf, float)], abs=1e-12
        )
