"""The wheel, installed in a folder of its own: what comes with abawbench is found from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
FOLDERS = ("abawbench", "data_manifests", "leaderboard/published", "submissions")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the unpacked wheel, built from a copy of the tracked files and some weights beside them."""
    pytest.importorskip("setuptools", "77")
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SETUP, *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a checkout of git")
    for name in listed.stdout.splitlines():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "submissions" / "2026_abawbench_onnx" / "model.onnx").write_bytes(b"weights of somebody")
    build = "import setuptools.build_meta as meta, sys; meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(site)], cwd=source, check=True, capture_output=True)
    (wheel,) = site.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    return site


def run(site, folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "abawbench", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_has_manifests_entries_and_facts_and_nobodys_weights(site):
    share = site / "abawbench" / "share"
    for folder in FOLDERS[1:]:
        assert any((share / folder).iterdir())
    names = {path.name for path in (ROOT / "submissions").iterdir() if (path / "entry.toml").is_file()}
    assert {path.name for path in (share / "submissions").iterdir()} == names
    assert not (share / "submissions" / "2026_abawbench_onnx" / "model.onnx").exists()
    assert (share / "submissions" / "2026_abawbench_image-classifier" / "tiny" / "config.json").is_file()


def test_the_leaderboard_is_built_in_an_empty_folder(site, tmp_path):
    done = run(site, tmp_path, "leaderboard", "build", "--root", "out")
    assert done.returncode == 0, done.stderr
    assert "| organiser" in (tmp_path / "out" / "abaw10-va.md").read_text()


def test_a_data_set_is_known_in_an_empty_folder(site, tmp_path):
    assert run(site, tmp_path, "data", "show", "disfa").returncode == 0


def test_the_published_pairs_come_with_it(site):
    name = "abawbench/tuning/trials/published_pairs.csv"
    assert (site / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("name", ["2026_abawbench_mean", "2019_kollias_facebehaviornet/tiny"])
def test_an_entry_is_checked_in_an_empty_folder(site, tmp_path, name):
    pytest.importorskip("torch")
    done = run(site, tmp_path, "check", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPTED" in done.stdout


def test_the_demo_runs_in_an_empty_folder(site, tmp_path):
    done = run(site, tmp_path, "demo", "--videos", "14", "--frames", "16")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "demo" / "leaderboard" / "abaw4-mtl.md").is_file()
