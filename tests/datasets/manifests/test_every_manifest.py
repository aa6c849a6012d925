"""Every manifest in data_manifests/, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from abawbench.challenges import CHALLENGES, Challenge
from abawbench.datasets.manifests import manifests, origin_of, read_manifest
from abawbench.datasets.manifests.facts import facts_of, overview
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Split

FOLDER = Path(__file__).parents[3] / "data_manifests"
FILES = sorted(FOLDER.glob("*_*.toml"))
# one for each data set that the project's page of facts describes
NAMES = {
    *("abaw-lsd", "aff-wild", "aff-wild2", "affectnet", "bah", "bp4d", "bp4d-plus", "c-expr-db", "casia-webface"),
    *("celeba", "cfee", "ck-plus", "clothing-attributes", "crema-d", "cub-200", "disfa", "disfa-plus", "dvd"),
    *("emotionet", "fer2013", "ferplus", "gft", "hume-reaction", "hume-vidmimic2", "london", "mmi", "ms-celeb-1m"),
    *("oulu-casia", "raf-au", "raf-ce", "raf-db", "s-aff-wild2", "shoes", "vggface2"),
}
LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}

parametrised = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_is_a_manifest_for_every_data_set():
    assert {path.stem.partition("_")[0] for path in FILES} >= NAMES
    assert set(manifests()) == {path.stem for path in FILES}


@parametrised
def test_it_parses_and_holds_together(path):
    assert read_manifest(path).id == path.stem


@parametrised
def test_a_source_covers_every_fact_and_an_assumption_says_why(path):
    manifest = read_manifest(path)
    for fact in facts_of(manifest):
        source = manifest.source_of(fact)
        assert source not in {"assumed: no source given", ""}, fact
        assert not source.startswith("assumed") or len(source) > len("assumed: "), fact


@parametrised
def test_who_made_it_is_known(path):
    origin = origin_of(read_manifest(path))
    assert origin is not None
    assert 2000 <= origin.year <= 2026
    assert origin.source


@parametrised
def test_checksums_have_the_length_of_their_algorithm(path):
    for checksum in read_manifest(path).checksums:
        assert len(checksum.hex) == LENGTHS[checksum.algorithm]


@parametrised
def test_further_numbers_that_name_classes_add_up_to_no_more_than_the_split(path):
    manifest = read_manifest(path)
    for split in manifest.splits:
        for label_set in manifest.labels:
            for facts in label_set.tasks:
                named = [split.counts[name] for name in getattr(facts, "classes", ()) if name in split.counts]
                if split.count is not None and split.unit in {"images", "rows", "videos"}:
                    assert sum(named) <= split.count


@parametrised
def test_no_label_set_maps_contempt_onto_disgust_or_anger(path):
    for label_set in read_manifest(path).labels:
        for facts in label_set.tasks:
            if isinstance(facts, Classes) and facts.abaw is not None:
                assert not {
                    (name, target)
                    for name, target in zip(facts.classes, facts.abaw, strict=True)
                    if name.lower().startswith("contempt") and target not in {"contempt", ""}
                }


def test_overlapping_data_sets_know_of_each_other_by_name():
    known = {manifest.name: {part.dataset for part in manifest.related} for manifest in manifests().values()}
    for part in ("aff-wild", "s-aff-wild2", "abaw-lsd"):
        assert "aff-wild2" in known[part]
        assert part in known["aff-wild2"]
    for one, other in (("disfa", "disfa-plus"), ("fer2013", "ferplus"), ("raf-db", "raf-au"), ("raf-ce", "raf-au")):
        assert other in known[one] or one in known[other]


def test_origins_are_of_names_that_exist():
    assert set(manifests().origins) - {"synthetic"} <= {path.stem.partition("_")[0] for path in FILES}


def numbers(
    manifest: Manifest, label_set: LabelSet, split: Split, challenge: Challenge
) -> Iterator[tuple[str, int, int]]:
    """(what, the manifest's number, the challenge's) wherever both state one."""
    size = challenge.sizes.get(split.name.replace("private-test", "private test"))
    if size is None:
        return
    is_only = len(manifest.labels) == 1
    stated = {
        "units": [f"units_{label_set.id}", *(["units", "videos"] if is_only else [])],
        "rows": [f"rows_{label_set.id}", *(["rows"] if is_only else [])],
        "labelled_rows": ["labelled_rows"],
    }
    of_split = {("videos", "units"), ("rows", "rows"), ("images", "rows")}
    for field, names in stated.items():
        theirs = getattr(size, field)
        ours = [split.counts[name] for name in names if name in split.counts]
        if split.count is not None and (split.unit, field) in of_split and is_only:
            ours.append(split.count)
        if theirs is not None:
            yield from ((f"{split.name} {field}", one, theirs) for one in ours)
    for task, theirs in challenge.valid_rows.get(split.name, {}).items():
        for name in (f"valid_rows_{task}", f"valid_frames_{task}"):
            if name in split.counts:
                yield f"{split.name} {name}", split.counts[name], theirs


def compared() -> Iterator[tuple[str, str, int, int]]:
    for manifest in manifests().values():
        for label_set in manifest.labels:
            for name in label_set.challenges:
                challenge = CHALLENGES[name]
                # an older edition may be named for the form of its files alone
                if manifest.version != str(challenge.edition):
                    continue
                for split in manifest.splits:
                    for what, ours, theirs in numbers(manifest, label_set, split, challenge):
                        yield manifest.id, f"{name} {what}", ours, theirs


def test_sizes_agree_with_the_frozen_challenges_where_both_state_them():
    found = list(compared())
    assert len(found) >= 100
    assert [one for one in found if one[2] != one[3]] == []


def test_the_overview_has_a_row_for_every_manifest():
    assert re.findall(r"^\| \[([^]]+)\]", overview(), re.MULTILINE) == list(manifests())


def test_the_page_of_data_sets_is_the_overview():
    # made anew by: python -c 'from abawbench.datasets.manifests.facts import overview; print(overview(), end="")'
    assert (FOLDER.parent / "docs" / "datasets.md").read_text() == overview()
