"""Commands of abawbench, shown and run as a user would run them."""

from __future__ import annotations

import subprocess
import sys


def abawbench(*words: object) -> str:
    """Show a command, run it, and return its output; a command that fails ends the program, its problems printed."""
    command = [str(word) for word in words]
    print(f"$ abawbench {' '.join(command)}", flush=True)
    run = [sys.executable, "-m", "abawbench", *command]
    done = subprocess.run(run, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout
