"""Run the benchmarks: all of them with `python -m benchmarks`, or some with `python -m benchmarks NAME ...`."""

from __future__ import annotations

import importlib
import platform
import sys

from abawbench.base.problems import did_you_mean, near_names

# modules of this folder, each with a function main; faces, predict and a part of leaks need the real data
BENCHMARKS = (
    "scoring",
    "batch",
    "batch_costs",
    "tuning",
    "ensembles",
    "gains",
    "synthetic",
    "clips",
    "leaks",
    "faces",
    "forward",
    "predict",
    "temporal",
    "training",
    "compound_scores",
    "coverage",
    "smoothing",
)


def main(names: list[str]) -> None:
    """Run the benchmarks of these names, or all of them."""
    for name in names:
        if name not in BENCHMARKS:
            raise SystemExit(f"no benchmark '{name}'; {did_you_mean(name, BENCHMARKS, near_names(name, BENCHMARKS))}")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    for name in names or BENCHMARKS:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
