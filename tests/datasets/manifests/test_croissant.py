"""Documents held to the Croissant 1.1 specification: required properties, types, ids and references."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import manifests, read_manifest
from abawbench.datasets.manifests.croissant import croissant
from tests.datasets.conftest import BASE, write_manifest

URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
REQUIRED = {
    "sc:Dataset": {
        *("@context", "conformsTo", "name", "description", "license", "url", "creator", "datePublished"),
        "distribution",
    },
    "cr:FileObject": {"@id", "name", "contentUrl", "encodingFormat"},
    "cr:FileSet": {"@id", "name", "includes", "encodingFormat"},
    "cr:RecordSet": {"@id", "name", "field"},
    "cr:Field": {"@id", "name", "dataType"},
}
ALLOWED = {
    "cr:FileObject": {"description", "containedIn", "contentSize", "sha256", "md5", "sameAs"},
    "cr:FileSet": {"description", "containedIn", "excludes"},
    "cr:RecordSet": {"description", "dataType", "key", "data", "examples"},
    "cr:Field": {"description", "source", "references", "subField", "value", "isArray", "arrayShape"},
}
DATA_TYPES = {"sc:Text", "sc:Integer", "sc:Float", "sc:Boolean", "sc:URL", "sc:ImageObject", "cr:Label", "cr:Split"}
FILE_PROPERTIES = {"fullpath", "filename", "content", "lines", "lineNumbers"}
OF_TYPE = {"sc:Text": str, "cr:Split": str, "sc:Integer": int, "sc:Float": float}

parametrised = pytest.mark.parametrize("identifier", list(manifests()))


def faults(document: dict[str, Any]) -> Iterator[str]:
    """What the specification forbids, in words."""
    context = document["@context"]
    yield from missing(document, document["@type"])
    if document["conformsTo"] != "http://mlcommons.org/croissant/1.1" or context["conformsTo"] != "dct:conformsTo":
        yield "it does not declare its version"
    if not URI.fullmatch(document["url"]):
        yield f"url {document['url']}"
    if not re.fullmatch(r"\d{4}(-\d\d-\d\d)?", document["datePublished"]):
        yield "no date"
    if document["isLiveDataset"] is not False:
        yield "a live data set"
    nodes = [*document["distribution"], *document["recordSet"], *fields_of(document)]
    ids = [node["@id"] for node in nodes]
    yield from {f"id {name} is not unique" for name in ids if ids.count(name) > 1}
    by_id = {node["@id"]: node for node in nodes}
    for node in nodes:
        kind = node["@type"]
        yield from missing(node, kind)
        yield from (f"{node['@id']}: {name} is no property" for name in unknown(node, context))
    for resource in document["distribution"]:
        yield from resource_faults(resource, by_id)
    for record_set in document["recordSet"]:
        yield from record_set_faults(record_set, by_id)
    for field in fields_of(document):
        yield from field_faults(field, by_id)


def missing(node: dict[str, Any], kind: str) -> Iterator[str]:
    for name in REQUIRED[kind] - {"dataType"} | ({"dataType"} if kind == "cr:Field" else set()):
        if node.get(name) in (None, "", [], {}):
            yield f"{node.get('@id', 'the data set')} lacks {name}"


def unknown(node: dict[str, Any], context: dict[str, Any]) -> set[str]:
    of_schema_org = {"name", "description", "contentUrl", "contentSize", "encodingFormat", "sha256", "sameAs"}
    kind = node["@type"]
    extra = set(node) - REQUIRED[kind] - ALLOWED[kind] - {"@type"}
    return extra | {name for name in node if name[0] != "@" and name not in context and name not in of_schema_org}


def fields_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [field for record_set in document["recordSet"] for field in record_set["field"]]


def refers(reference: Any, by_id: dict[str, Any], *kinds: str) -> bool:
    return set(reference) == {"@id"} and by_id.get(reference["@id"], {}).get("@type") in kinds


def resource_faults(resource: dict[str, Any], by_id: dict[str, Any]) -> Iterator[str]:
    name = resource["@id"]
    if "containedIn" in resource:
        if not refers(resource["containedIn"], by_id, "cr:FileObject", "cr:FileSet"):
            yield f"{name} is contained in nothing"
        if URI.fullmatch(resource.get("contentUrl", "")):
            yield f"{name} is contained, and its address is not relative"
    elif resource["@type"] == "cr:FileObject" and not URI.fullmatch(resource["contentUrl"]):
        yield f"{name} has no address"
    for algorithm, length in (("sha256", 64), ("md5", 32)):
        if algorithm in resource and not re.fullmatch(f"[0-9a-f]{{{length}}}", resource[algorithm]):
            yield f"{name}: {algorithm}"
    if not re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", resource["encodingFormat"]):
        yield f"{name}: {resource['encodingFormat']} is no media type"


def record_set_faults(record_set: dict[str, Any], by_id: dict[str, Any]) -> Iterator[str]:
    name = record_set["@id"]
    own = {field["@id"]: field for field in record_set["field"]}
    if "key" in record_set and record_set["key"]["@id"] not in own:
        yield f"{name}: the key is no field of its own"
    yield from (f"{name}: {field} is not named after it" for field in own if not field.startswith(f"{name}/"))
    if record_set.get("dataType") in {"sc:Enumeration", "cr:Split"}:
        if "key" not in record_set or f"{name}/name" not in own:
            yield f"{name}: an enumeration needs a key and a name"
        keys = [row.get(record_set["key"]["@id"]) for row in record_set["data"]]
        if len(set(keys)) < len(keys):
            yield f"{name}: keys repeat"
    for row in record_set.get("data", []):
        if set(row) != set(own):
            yield f"{name}: a row has other fields"
        for field, value in row.items():
            if value is not None and not isinstance(value, OF_TYPE[own[field]["dataType"]]):
                yield f"{field}: {value!r} is of another type"


def field_faults(field: dict[str, Any], by_id: dict[str, Any]) -> Iterator[str]:
    name = field["@id"]
    kinds = field["dataType"] if isinstance(field["dataType"], list) else [field["dataType"]]
    if not set(kinds) <= DATA_TYPES or kinds == ["cr:Label"]:
        yield f"{name}: data type {kinds}"
    if "references" in field and not refers(field["references"], by_id, "cr:Field"):
        yield f"{name} refers to no field"
    source = field.get("source")
    if source is None:
        return
    place = [key for key in ("fileObject", "fileSet") if key in source]
    wanted = {"fileObject": "cr:FileObject", "fileSet": "cr:FileSet"}
    if len(place) != 1 or not refers(source[place[0]], by_id, wanted[place[0]]):
        yield f"{name} has no source"
    extract = source["extract"]
    if len(extract) != 1 or not (
        extract.get("fileProperty") in FILE_PROPERTIES or isinstance(extract.get("column"), str)
    ):
        yield f"{name}: extract {extract}"
    if "transform" in source and re.compile(source["transform"]["regex"]).groups != 1:
        yield f"{name}: a regular expression has one group"


@parametrised
def test_every_manifest_gives_a_valid_document(identifier):
    document = json.loads(json.dumps(croissant(manifests()[identifier]), allow_nan=False))
    assert list(faults(document)) == []


@parametrised
def test_a_document_says_what_the_manifest_says(identifier):
    manifest = manifests()[identifier]
    document = croissant(manifest)
    assert (document["name"], document["version"]) == (identifier, manifest.version)
    assert document["conditionsOfAccess"] == manifest.licence.access
    splits = next((one["data"] for one in document["recordSet"] if one["@id"] == "splits"), [])
    assert [(row["splits/name"], row["splits/count"]) for row in splits] == [
        (split.name, split.count) for split in manifest.splits
    ]
    hashes = {resource.get("md5") for resource in document["distribution"]}
    assert {one.hex for one in manifest.checksums if one.algorithm == "md5"} <= hashes


def damaged(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("license",), None),
        (("creator",), []),
        (("conformsTo",), "http://mlcommons.org/croissant/0.8"),
        (("url",), "somewhere"),
        (("datePublished",), "long ago"),
        (("distribution", 1, "containedIn"), {"@id": "nothing"}),
        (("distribution", 1, "encodingFormat"), "text"),
        (("distribution", 1, "@id"), "copy"),
        (("recordSet", 0, "key"), {"@id": "splits/none"}),
        (("recordSet", 0, "data", 0, "splits/count"), "many"),
        (("recordSet", 1, "data", 0, "classes-faces-expression/code"), 1),
        (("recordSet", 2, "field", 0, "references"), {"@id": "splits"}),
        (("recordSet", 2, "field", 0, "source", "extract"), {"fileProperty": "colour"}),
        (("recordSet", 2, "field", 1, "dataType"), ["cr:Label"]),
        (("recordSet", 2, "field", 1, "colour"), "red"),
    ],
)
def test_the_check_finds_what_the_specification_forbids(manifest_file, path, value):
    document = json.loads(json.dumps(croissant(read_manifest(manifest_file))))
    assert list(faults(document)) == []
    assert list(faults(damaged(document, path, value))) != []


def test_a_labelled_column_is_taken_from_its_file(manifest_file):
    document = croissant(read_manifest(manifest_file))
    labels = next(one for one in document["recordSet"] if one["@id"] == "labels-faces")
    field = next(one for one in labels["field"] if one["name"] == "AU12")
    assert field["source"] == {"fileObject": {"@id": "labels.csv"}, "extract": {"column": "AU12"}}
    assert field["description"] == "action_units: AU12, present from 1 on; not annotated: 9.0."


@pytest.mark.parametrize(
    ("place", "line", "value"), [(0, "a,b,c", "a"), (2, "a,b,c", "c"), (1, "v/1.jpg,0.5,1", "0.5")]
)
def test_a_column_without_name_is_taken_by_its_place(place, line, value):
    document = croissant(manifests()["s-aff-wild2_4"])
    labels = next(one for one in document["recordSet"] if one["@id"] == "labels-multi_task")
    regex = labels["field"][0]["source"]["transform"]["regex"].replace("{1}", f"{{{place}}}")
    found = re.match(regex, line)
    assert found is not None
    assert found[1] == value


def test_a_free_set_gives_its_downloads_and_a_known_licence_its_page():
    document = croissant(manifests()["london_5"])
    assert document["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    addresses = {one["name"]: one.get("contentUrl", "") for one in document["distribution"]}
    assert addresses["neutral_front.zip"].startswith("https://ndownloader.figshare.com/")


def test_data_to_be_asked_for_have_the_page_that_says_how():
    document = croissant(manifests()["raf-db_1"])
    copy = next(one for one in document["distribution"] if one["@id"] == "copy")
    assert copy["contentUrl"] == manifests()["raf-db_1"].licence.url
    assert manifests()["raf-db_1"].licence.access in copy["description"]
    assert document["license"]["@type"] == "sc:CreativeWork"


def test_a_set_whose_makers_are_unknown_is_a_problem(tmp_path):
    text = BASE[: BASE.index("[origin]")] + BASE[BASE.index("[sources]") :]
    with pytest.raises(ProblemError, match="D01"):
        croissant(read_manifest(write_manifest(tmp_path, text)))
