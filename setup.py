"""Builds the wheel: the folders beside the package go into it, as `abawbench/share`; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# folder, and what of it is shipped; weights of the entries are their users', those of their tiny twins are not
SHIPPED = {
    "data_manifests": ("*.toml",),
    "leaderboard/published": ("*.csv", "*.md"),
    "submissions": ("*/*.toml", "*/*.md", "*/*.py", "*/tiny.onnx", "*/tiny/*"),
}


class BuildWithFolders(build_py):
    """Copies the shipped folders into the package that is built."""

    def run(self):  # noqa: D102
        super().run()
        if self.editable_mode:
            return
        share = Path(self.build_lib) / "abawbench" / "share"
        shutil.rmtree(share, ignore_errors=True)
        for folder, patterns in SHIPPED.items():
            for path in (path for pattern in patterns for path in Path(folder).glob(pattern)):
                (share / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, share / path)


setup(cmdclass={"build_py": BuildWithFolders})
