"""A manifest as Croissant JSON-LD, the exchange format of data set descriptions.

Source: MLCommons, Croissant Format Specification 1.1 (mlcommons/croissant:docs/croissant-spec-1.1.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.datasets.manifests.catalogue import origin_of
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Numbers, Place

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
COPY = "copy"
_CROISSANT = (
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract"),
    *("field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "readLines", "recordSet", "references", "regex", "sdVersion", "separator"),
    *("source", "subField", "transform", "unArchive", "value"),
)
# appendix 1 of the specification
CONTEXT: Mapping[str, Any] = MappingProxyType(
    {
        "@language": "en",
        "@vocab": "http://schema.org/",
        "sc": "http://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{name: f"cr:{name}" for name in _CROISSANT},
    }
)
_SPLIT_URLS = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
_FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".parquet": "application/vnd.apache.parquet",
    ".npy": "application/x-npy",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
    ".tgz": "application/gzip",
    ".onnx": "application/octet-stream",
    ".md": "text/markdown",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".bmp": "image/bmp",
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".wav": "audio/wav",
}
_HELD = {"images": "image/jpeg", "videos": "video/mp4", "audio": "audio/wav"}
_SPDX = re.compile(r"(?:[A-Za-z]+[A-Za-z0-9]*-[A-Za-z0-9.-]*[0-9.]+|MIT)(?=$|[\s;,])")
_MAGIC = re.compile(r"[*?\[]")
_REPLACED = re.compile(r"\{[^}]*\}")


def croissant(manifest: Manifest) -> dict[str, Any]:
    """A manifest as a Croissant 1.1 document.

    Files of a data set that is not free to download have no addresses of their own: they are contained in the file
    object `copy`, whose address is the page that says how to obtain a copy.

    Raises:
        ProblemError: D01, it is not known who made the data set and when, which the specification requires.
    """
    origin = origin_of(manifest)
    if origin is None:
        found, expected = "no origin", "a table [origin] with creators, year, citation and source"
        raise ProblemError(Problem("D01", found, expected, "add it to the manifest", manifest.id))
    page = manifest.licence.url or origin.url or f"urn:dataset:{manifest.id}"
    described = manifest.summary if manifest.status == "documented" else f"{manifest.summary} (Not verified.)"
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": manifest.id,
        "alternateName": manifest.title,
        "description": described,
        "version": manifest.version,
        "license": _licence(manifest),
        "conditionsOfAccess": manifest.licence.access,
        "url": page,
        "creator": [{"@type": "sc:Person", "name": name} for name in origin.creators],
        "datePublished": str(origin.year),
        "citeAs": origin.citation,
        "isLiveDataset": False,
        "keywords": _keywords(manifest),
        **_based_on(manifest),
        "distribution": _distribution(manifest, page),
        "recordSet": [*_splits(manifest), *_classes(manifest), *(_labels(part) for part in manifest.labels)],
    }


def _licence(manifest: Manifest) -> str | dict[str, Any]:
    terms = manifest.licence.terms
    if match := _SPDX.match(terms):
        return f"https://spdx.org/licenses/{match[0]}"
    page = {} if manifest.licence.url is None else {"url": manifest.licence.url}
    return {"@type": "sc:CreativeWork", "name": terms, **page}


def _keywords(manifest: Manifest) -> list[str]:
    tasks = [facts.name.replace("_", " ") for part in manifest.labels for facts in part.tasks]
    return list(dict.fromkeys(["affective computing", "faces", *tasks]))


def _based_on(manifest: Manifest) -> dict[str, Any]:
    wholes = [part.dataset for part in manifest.related if part.how == "contained-in"]
    return {"isBasedOn": [{"@type": "sc:Dataset", "name": name} for name in wholes]} if wholes else {}


def _distribution(manifest: Manifest, page: str) -> list[dict[str, Any]]:
    """Downloads, the local copy, files with checksums, the layout, labels and pictures; each id occurs once."""
    licence = manifest.licence
    resources = [*_downloads(manifest)]
    resources.append(
        {
            "@type": "cr:FileObject",
            "@id": COPY,
            "name": COPY,
            "description": f"A local copy of the data set. {licence.access}",
            "contentUrl": page,
            "encodingFormat": "inode/directory",
        }
    )
    for checksum in manifest.checksums:
        hashed = {checksum.algorithm: checksum.hex} if checksum.algorithm in {"md5", "sha256"} else {}
        given = f"{checksum.algorithm} {checksum.hex}, from {checksum.source}"
        resources.append(_file(checksum.file, None, given) | hashed)
    resources.extend(_resource(place.path, [_everything(place)], place.holds, place.note) for place in manifest.layout)
    for label_set in manifest.labels:
        resources.append(_resource(_files_id(label_set), _patterns(label_set), None, ""))
        if label_set.image is not None:
            resources.append(_resource(_images_id(label_set), [_REPLACED.sub("*", label_set.image)], "images", ""))
    return _merged(resources)


def _downloads(manifest: Manifest) -> Iterable[dict[str, Any]]:
    from abawbench.datasets.fetch.sets import SETS

    if manifest.licence.fetch is None:
        return
    for file in SETS[manifest.licence.fetch].files:
        hashed = {} if file.sha256 is None else {"sha256": file.sha256}
        size = {} if file.size is None else {"contentSize": f"{file.size} B"}
        yield {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": file.url,
            "encodingFormat": _format(file.name, None),
            **size,
            **hashed,
        }


def _merged(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources with each id once; a later resource of the same id adds the fields that the first one lacks."""
    found: dict[str, dict[str, Any]] = {}
    for resource in resources:
        known = found.setdefault(resource["@id"], {})
        added = {name: value for name, value in resource.items() if name not in known}
        if known and known["@type"] == "cr:FileObject" and "containedIn" not in known:
            # a download is not in the copy, and an address has no glob
            added = {name: value for name, value in added.items() if name not in {"containedIn", "includes"}}
        known |= added
    return list(found.values())


def _file(path: str, holds: str | None, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": PurePosixPath(path).name,
        **({"description": description} if description else {}),
        "contentUrl": path,
        "containedIn": {"@id": COPY},
        "encodingFormat": _format(path, holds),
    }


def _resource(identifier: str, patterns: Sequence[str], holds: str | None, description: str) -> dict[str, Any]:
    """A file where one path names it, else a set of files."""
    if len(patterns) == 1 and patterns[0] == identifier and not _MAGIC.search(identifier):
        return _file(identifier, holds, description)
    return {
        "@type": "cr:FileSet",
        "@id": identifier,
        "name": identifier,
        **({"description": description} if description else {}),
        "containedIn": {"@id": COPY},
        "encodingFormat": _format(patterns[0], holds),
        "includes": patterns[0] if len(patterns) == 1 else list(patterns),
    }


def _everything(place: Place) -> str:
    """The pattern of a place; for a folder, of everything below it."""
    return place.path if PurePosixPath(place.path).suffix else f"{place.path.rstrip('/')}/**"


def _format(path: str, holds: str | None) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    return _FORMATS.get(suffix) or _HELD.get(holds or "", "text/plain")


def _patterns(label_set: LabelSet) -> list[str]:
    paths = [entry.rpartition("=")[2] for entry in label_set.files]
    return list(dict.fromkeys("**" if path in {".", "./"} else path for path in paths))


def _files_id(label_set: LabelSet) -> str:
    """The id of the files of a label set; a single file has its path as id."""
    patterns = _patterns(label_set)
    is_one = len(patterns) == 1 and not _MAGIC.search(patterns[0]) and PurePosixPath(patterns[0]).suffix
    return patterns[0] if is_one else f"files-{label_set.id}"


def _images_id(label_set: LabelSet) -> str:
    return f"images-{label_set.id}"


def _splits(manifest: Manifest) -> Iterable[dict[str, Any]]:
    if not manifest.splits:
        return
    fields = {"name": "sc:Text", "url": "cr:Split", "count": "sc:Integer", "unit": "sc:Text", "rule": "sc:Text"}
    rows = [(split.name, _SPLIT_URLS.get(split.name), split.count, split.unit, split.rule) for split in manifest.splits]
    yield _table("splits", "cr:Split", fields, rows, "Parts of the data set.")


def _classes(manifest: Manifest) -> Iterable[dict[str, Any]]:
    for label_set in manifest.labels:
        for facts in label_set.tasks:
            if not isinstance(facts, Classes):
                continue
            codes = facts.codes or tuple(range(len(facts.classes)))
            fields = {"code": "sc:Text" if isinstance(codes[0], str) else "sc:Integer", "name": "sc:Text"}
            columns: list[Sequence[Any]] = [codes, facts.classes]
            for name, targets in (("abaw", facts.abaw), ("compound", facts.compound)):
                if targets is not None:
                    fields[name] = "sc:Text"
                    columns.append(targets)
            about = f"Classes of {facts.name}: what a file writes, the name, and the ABAW class where there is one."
            rows = list(zip(*columns, strict=True))
            yield _table(_classes_id(label_set, facts), "sc:Enumeration", fields, rows, about, key="code")


def _classes_id(label_set: LabelSet, facts: Classes) -> str:
    return f"classes-{label_set.id}-{facts.name}"


def _table(
    identifier: str,
    data_type: str,
    fields: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
    description: str,
    key: str = "name",
) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": identifier,
        "name": identifier,
        "description": description,
        "dataType": data_type,
        "key": {"@id": f"{identifier}/{key}"},
        "field": [
            {"@type": "cr:Field", "@id": f"{identifier}/{name}", "name": name, "dataType": kind}
            for name, kind in fields.items()
        ],
        "data": [{f"{identifier}/{name}": value for name, value in zip(fields, row, strict=True)} for row in rows],
    }


def _labels(label_set: LabelSet) -> dict[str, Any]:
    identifier = f"labels-{label_set.id}"
    fields = [
        {"@type": "cr:Field", "@id": f"{identifier}/{name}", "name": name}
        | facts
        | {"source": _source(label_set, name, place)}
        for place, (name, facts) in enumerate(_columns(label_set).items())
    ]
    if label_set.image is not None:
        fields.append(
            {
                "@type": "cr:Field",
                "@id": f"{identifier}/image",
                "name": "image",
                "description": f"The row's picture: {label_set.image}",
                "dataType": "sc:ImageObject",
                "source": {"fileSet": {"@id": _images_id(label_set)}, "extract": {"fileProperty": "content"}},
            }
        )
    of = f" Annotation of {', '.join(label_set.challenges)}." if label_set.challenges else ""
    return {
        "@type": "cr:RecordSet",
        "@id": identifier,
        "name": identifier,
        "description": f"Labels as the reader '{label_set.reader}' of abawbench takes them from the files.{of}",
        "field": fields,
    }


def _columns(label_set: LabelSet) -> dict[str, dict[str, Any]]:
    """Descriptions of the fields by name, in the file's order; the name of a task precedes a name that repeats."""
    found: dict[str, dict[str, Any]] = {}
    for facts in label_set.tasks:
        absent = f"; not annotated: {', '.join(map(str, facts.missing))}" if facts.missing else ""
        if isinstance(facts, Classes):
            kind = "sc:Text" if facts.codes and isinstance(facts.codes[0], str) else "sc:Integer"
            found[facts.name] = {
                "description": f"Class of {facts.name}{absent}.",
                "dataType": [kind, "cr:Label"],
                "references": {"@id": f"{_classes_id(label_set, facts)}/code"},
            }
            continue
        for column in facts.columns:
            is_number = isinstance(facts, Numbers)
            about = f"{facts.low:g} to {facts.high:g}" if is_number else f"present from {facts.positive_from:g} on"
            name = f"{facts.name}-{column}" if column in found else column
            found[name] = {
                "description": f"{facts.name}: {column}, {about}{absent}.",
                "dataType": ["sc:Float", "cr:Label"],
            }
    return found


def _source(label_set: LabelSet, name: str, place: int) -> dict[str, Any]:
    """Where the values of a field stand in the files, as far as Croissant can express it."""
    files = _files_id(label_set)
    kind = "fileSet" if files == f"files-{label_set.id}" else "fileObject"
    where = {kind: {"@id": files}}
    match label_set.reader:
        case "class-folders":
            return where | {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": r"([^/]+)/[^/]+$"}}
        case "table" if label_set.options.get("header", True) is True and "listed" not in label_set.options:
            column = label_set.options.get(name, name)
            return where | (_of_line(column) if isinstance(column, int) else {"extract": {"column": column}})
        case "official":
            return where | _of_official(label_set, name, place)
        case _:
            return where | {"extract": {"fileProperty": "content"}}


def _of_official(label_set: LabelSet, name: str, place: int) -> dict[str, Any]:
    layout = get(label_set.challenges[0]).annotation_format if label_set.challenges else ""
    if layout == "unit-txt":
        is_class = any(isinstance(facts, Classes) for facts in label_set.tasks)
        # classes stand as one number below a header of their names
        return _of_line(0) if is_class else {"extract": {"column": name}}
    # a name or path stands before the values
    return _of_line(place + 1)


def _of_line(place: int) -> dict[str, Any]:
    return {"extract": {"fileProperty": "lines"}, "transform": {"regex": f"^(?:[^,]*,){{{place}}}([^,]*)"}}
