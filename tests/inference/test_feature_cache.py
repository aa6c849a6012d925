from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_units
from abawbench.clips.features import clips_of_features, write_features
from abawbench.inference.extract import extract
from abawbench.inference.feature_cache import open_cache, remove, summarise, verify
from tests.inference.conftest import write_crops
from tests.inference.test_extract import means


def with_recipe(crops, crop="aligned"):
    """The clips of the crops, of which one knows how it was cut."""
    recipe = {"crop": crop}
    return [replace(clip, crop_recipe=recipe) if clip.video == "one" else clip for clip in clips_of_units(crops)]


@pytest.fixture
def cache(tmp_path, crops):
    extract(means(), with_recipe(crops), tmp_path / "cache")
    return tmp_path / "cache"


def states(faults) -> dict[str, str]:
    return {fault.unit: fault.state for fault in faults}


def test_a_listing_adds_up(cache):
    found = summarise(cache)
    assert (found.units, found.frames, found.valid, found.width, found.dtype) == (3, 15, 15, 3, "float16")
    assert found.made_by == "means seed 0 layer -1 mean"
    assert found.bytes == sum(path.stat().st_size for path in cache.glob("*.safetensors"))
    assert found.faults == 0


def test_a_cache_that_nobody_touched_holds(cache, crops):
    index = open_cache(cache)
    ticks = []
    assert verify(index, tick=ticks.append) == ()
    assert ticks == ["one", "three", "two"]
    assert verify(index, with_recipe(crops)) == ()


# in the size of the header, its JSON, its key, the numbers
@pytest.mark.parametrize("place", [0, 9, 100, -1])
def test_a_flipped_bit_is_noticed_wherever_it_is(cache, place):
    path = cache / "three.safetensors"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    # bytes of another key pass for those of another run
    assert states(verify(open_cache(cache))) == {"three": "stale" if place == 100 else "corrupt"}


def test_a_cut_file_and_a_lost_file_and_a_file_too_many_are_noticed_by_readers_all_at_once(cache):
    path = cache / "three.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    (cache / "two.safetensors").unlink()
    write_features(cache / "four.safetensors", np.arange(1, 4), np.zeros((3, 3), np.float32))
    expected = {"four": "orphaned", "three": "corrupt", "two": "corrupt"}
    assert states(verify(open_cache(cache))) == expected
    with pytest.raises(ProblemError, match="E21") as refused:
        clips_of_features(cache)
    assert [str(problem.file).rsplit("/")[-1].split(".")[0] for problem in refused.value.problems] == list(expected)


def test_the_file_of_another_run_with_as_many_bytes_is_stale_to_readers(cache, tmp_path):
    write_crops(tmp_path / "others", {"three": 9, "x": 3})
    extract(means(), clips_of_units(tmp_path / "others"), tmp_path / "second")
    changed = tmp_path / "second" / "three.safetensors"
    write_crops(tmp_path / "again", {"x": 1, "three": 9})
    extract(means(), clips_of_units(tmp_path / "again"), tmp_path / "third")
    other = tmp_path / "third" / "three.safetensors"
    assert other.stat().st_size == changed.stat().st_size
    other.replace(changed)
    assert states(open_cache(tmp_path / "second").faults()) == {"three": "stale"}


def test_changed_and_lost_crops_and_another_recipe_are_stale(cache, crops, tmp_path):
    write_crops(tmp_path / "other", {"one": 1})
    (tmp_path / "other" / "one" / "00001.jpg").replace(crops / "three" / "00004.jpg")
    (crops / "two" / "00001.jpg").unlink()
    faults = verify(open_cache(cache), with_recipe(crops, "wide"))
    assert states(faults) == {"one": "stale", "three": "stale", "two": "stale"}
    assert len({fault.found for fault in faults}) == 3


def test_only_faulty_units_are_removed_and_a_run_makes_them_again(cache, crops):
    whole = {path.name: path.read_bytes() for path in cache.glob("*.*")}
    path = cache / "three.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (cache / "four.safetensors").write_bytes(b"")
    (cache / ".one.safetensors.half").write_bytes(b"half")
    index = open_cache(cache)
    remove(index, verify(index))
    assert sorted(path.name for path in cache.glob("*safetensors*")) == ["one.safetensors", "two.safetensors"]
    assert verify(open_cache(cache)) == ()
    summary = extract(means(), with_recipe(crops), cache)
    assert (summary.made, summary.kept) == (1, 2)
    assert {path.name: path.read_bytes() for path in cache.glob("*.*")} == whole


def test_what_was_made_anew_since_the_check_is_not_removed(cache, crops, tmp_path):
    (cache / "two.safetensors").write_bytes(b"")
    index = open_cache(cache)
    faults = verify(index)
    write_crops(tmp_path / "other", {"x": 1, "two": 1})
    (tmp_path / "other" / "two" / "00001.jpg").replace(crops / "two" / "00001.jpg")
    extract(means(), with_recipe(crops), cache)
    remove(index, faults)
    assert states(verify(open_cache(cache))) == {}
    assert (cache / "two.safetensors").is_file()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"form": 1, "mak', "no JSON"),
        ('{"form": 9, "maker": {}}', "form 9"),
        ('{"form": 1, "maker": {}, "parity": {}, "units": {"../x": {}}}', "an unreadable record"),
        ('{"form": 1, "maker": {}, "parity": {}, "units": {"x": {"maker": "a"}}}', "an unreadable record"),
    ],
)
def test_a_damaged_index_is_told(cache, content, found):
    (cache / "index.json").write_text(content)
    with pytest.raises(ProblemError, match=f"E21(?s:.*){found}"):
        clips_of_features(cache)


def test_features_of_others_with_an_index_of_their_own_are_read(tmp_path):
    write_features(tmp_path / "v.safetensors", np.arange(1, 4), np.zeros((3, 5), np.float32))
    (tmp_path / "index.json").write_text(json.dumps({"v": 3}))
    assert len(clips_of_features(tmp_path)) == 1
    with pytest.raises(ProblemError, match="E21"):
        open_cache(tmp_path)
