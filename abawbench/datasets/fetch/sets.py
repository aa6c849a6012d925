"""The openly licensed sets that can be downloaded: addresses, hashes, licences, and the source of each fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from abawbench.base.problems import Problem, ProblemError, near_names

_RAW = "https://raw.githubusercontent.com/"
_FIGSHARE = "https://ndownloader.figshare.com/files/"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to download.

    Attributes:
        name: name of the file in the set's folder; a file that ends in `.zip` is unpacked beside it.
        url: address of the file.
        sha256: hash of the file, None where no source gives it.
        size: size in bytes, None where no source gives it.
        source: source of address and hash; a text that begins with `assumed` is not confirmed by a second source.
    """

    name: str
    url: str
    sha256: str | None
    size: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Set:
    """Files that belong together under one licence.

    Attributes:
        name: name for `abawbench data fetch`.
        title: description in one line.
        licence: SPDX id of the licence.
        attribution: text that must be printed where the files are shown.
        page: page with a description and downloads by hand.
        files: all files of the set.
        listing: address of the repository's own list of the set's files, with the MD5 of each; None where every file
            has its hash here.
    """

    name: str
    title: str
    licence: str
    attribution: str
    page: str
    files: tuple[Source, ...]
    listing: str | None = None

    @property
    def notice(self) -> str:
        """Title, licence, attribution and page: the text that must be printed with the set."""
        return f"{self.title}\n  licence: {self.licence}\n  {self.attribution}\n  {self.page}"

    @property
    def terms(self) -> dict[str, str]:
        """Licence, attribution and page as plain data."""
        return {"licence": self.licence, "attribution": self.attribution, "page": self.page}

    def to_json(self) -> dict[str, Any]:
        """The set as plain data: name, title, terms, and each file with its source."""
        files = [
            {"name": part.name, "url": part.url, "sha256": part.sha256, "source": part.source} for part in self.files
        ]
        return {"set": self.name, "title": self.title, **self.terms, "files": files}


def _raw(repository: str, commit: str, path: str, sha256: str | None, size: int | None, source: str) -> Source:
    return Source(path.rpartition("/")[2], f"{_RAW}{repository}/{commit}/{path}", sha256, size, source)


_FERPLUS = "microsoft/FERPlus", "ae2128abf776409c93e50cf7c9d87180673314e6"
_YUNET = "ShiqiYu/libfacedetection.train", "0047ac24afb1a50a0c6105001c89d1b5b805dbf1"
_CREMA_D = "CheyneyComputerScience/CREMA-D", "1658cd342dff90010aa843eaeebd53610a08b1dc"
_WEBMORPH = "debruine/webmorphR, demo_stim(): figshare file of the set's author; MD5 from figshare's list of version 5"
_LONDON_CSV = "assumed: the number is used by participants' programs only; MD5 from figshare's list of version 5"

_ALL = (
    Set(
        name="london",
        title="Face Research Lab London Set, version 5: 102 adults, frontal, neutral and smiling",
        licence="CC-BY-4.0",
        attribution=(
            "DeBruine, L. & Jones, B. (2017). Face Research Lab London Set (v5). figshare. "
            "doi:10.6084/m9.figshare.5047666.v5. CC BY 4.0."
        ),
        page="https://doi.org/10.6084/m9.figshare.5047666.v5",
        files=(
            Source("neutral_front.zip", f"{_FIGSHARE}8541961", None, None, _WEBMORPH),
            Source("smiling_front.zip", f"{_FIGSHARE}8541964", None, None, _WEBMORPH),
            Source("london_faces_info.csv", f"{_FIGSHARE}27397184", None, None, _LONDON_CSV),
        ),
        listing="https://api.figshare.com/v2/articles/5047666/versions/5",
    ),
    Set(
        name="ferplus",
        title="FER+ labels: ten votes for each of the 35,887 pictures of FER2013, without the pictures",
        licence="MIT",
        attribution="Barsoum, E. et al. (2016). Training deep networks for facial expression recognition with "
        "crowd-sourced label distribution. ICMI. Copyright Microsoft Corporation, MIT.",
        page="https://github.com/microsoft/FERPlus",
        files=(
            _raw(
                *_FERPLUS,
                "fer2013new.csv",
                "9206e20d62f56475939f516847d61753e4860caeac9718b560129541b776fc2c",
                1_602_762,
                "microsoft/FERPlus:fer2013new.csv",
            ),
            _raw(
                *_FERPLUS, "LICENSE.md", None, None, "microsoft/FERPlus:LICENSE.md; assumed: its hash is not known here"
            ),
        ),
    ),
    Set(
        name="crema-d",
        title="CREMA-D labels: crowd votes for 7,442 acted clips, without the clips",
        licence="ODbL-1.0",
        attribution="Cao, H. et al. (2014). CREMA-D: crowd-sourced emotional multimodal actors dataset. IEEE "
        "Transactions on Affective Computing 5(4). Open Database License; contents: Database Contents License.",
        page="https://github.com/CheyneyComputerScience/CREMA-D",
        files=(
            _raw(
                *_CREMA_D,
                "processedResults/summaryTable.csv",
                "fb0e382700d32c0d9adc0c6815292215a36bcf912f2657048862c91e3bd2b317",
                449_048,
                "CheyneyComputerScience/CREMA-D:processedResults/summaryTable.csv",
            ),
        ),
    ),
    Set(
        name="yunet",
        title="YuNet-n face detector, ONNX weights with free batch and size",
        licence="Apache-2.0",
        attribution="YuNet, ShiqiYu/libfacedetection.train. "
        "Copyright (c) 2022 Shiqi Yu; 2018-2022 OpenMMLab. Apache-2.0.",
        page="https://github.com/ShiqiYu/libfacedetection.train",
        files=(
            _raw(
                *_YUNET,
                "onnx/yunet_n_dynamic.onnx",
                "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
                322_906,
                "ShiqiYu/libfacedetection.train:onnx/yunet_n_dynamic.onnx",
            ),
            _raw(
                *_YUNET,
                "LICENSE",
                "d096f0e4f790316e1df89675682a51c68ca64745a611689ccd37bd246835440e",
                11_494,
                "ShiqiYu/libfacedetection.train:LICENSE",
            ),
        ),
    ),
)

SETS: Mapping[str, Set] = MappingProxyType({item.name: item for item in _ALL})


def get_set(name: str) -> Set:
    """The set of this name. Raises: ProblemError D20, there is none."""
    if name in SETS:
        return SETS[name]
    fix = "see `abawbench data fetch` without a name; other sets: `abawbench data show NAME` says how to obtain them"
    raise ProblemError(Problem("D20", name, near_names(name, SETS), fix))
