"""`python -m abawbench`: the command line."""

from __future__ import annotations

from abawbench.cli import main

if __name__ == "__main__":
    main(prog_name="abawbench")
