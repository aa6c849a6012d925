"""The line of README.md makes bash complete verbs, options and challenge ids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINE = 'eval "$(_ABAWBENCH_COMPLETE=bash_source abawbench)"'
ASK = """
COMP_WORDS=(abawbench "$@"); COMP_CWORD=$#
_abawbench_completion abawbench
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["sc"], ["score"]),
        (["data", "sh"], ["show"]),
        (["score", "abaw1-"], ["abaw1-va", "abaw1-expr", "abaw1-au"]),
        (["check", "ABAW4-"], ["abaw4-mtl", "abaw4-lsd"]),
        (["score", "--missing", "n"], ["nearest"]),
    ],
    ids=" ".join,
)
def test_bash_completes(words, found):
    assert LINE in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "--norc", "-c", f"{LINE}\n{ASK}", "bash", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == found, done.stderr
