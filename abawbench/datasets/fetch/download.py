"""Downloads that are resumed where they stopped."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import read_input
from abawbench.base.hashes import hashes_of_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unwritable

if TYPE_CHECKING:
    import requests

Progress = Callable[[str, int, int | None], None]
"""(file name, bytes so far, bytes in all or None), called after each block."""

# what a broken connection loses at most
BLOCK = 1 << 15
TIMEOUT_S = 30.0
# bytes of the largest file whose size is not known beforehand
LARGEST = 4 << 30
ATTEMPTS = 4
WORTH_A_RETRY = frozenset({408, 429, 500, 502, 503, 504})


def quiet(name: str, done: int, total: int | None) -> None:
    """Show no progress."""
    del name, done, total


class ResumingDownloader:
    """A downloader for pooch that keeps a partial file in `.<name>.part` and asks for the rest with an HTTP Range.

    The answer continues the file only where the server states the range that it sends; if it sends the whole file
    again, the download starts from the beginning. The request names the ETag or the date of the first answer, so that a
    file that has changed on the server is sent whole. A file that was put together from two downloads and has the wrong
    hash is downloaded once more.
    """

    def __init__(
        self,
        path: Path,
        expected: str | None,
        *,
        size: int | None = None,
        fix: str,
        progress: Progress = quiet,
        pause_s: float = 1.0,
    ) -> None:
        """Prepare the download of one file.

        Args:
            path: path of the file; the partial file lies beside it.
            expected: `sha256:...` or `md5:...` of the whole file, None where it is not known.
            size: bytes of the whole file, None where they are not known; what is longer is cut off and refused.
            fix: advice for a failed download, for messages.
            progress: called after each block.
            pause_s: pause in seconds before the second attempt; it is twice as long before the third.
        """
        self._name = path.name
        self._part = path.with_name(f".{path.name}.part")
        self._state = path.with_name(f".{path.name}.part.json")
        self._expected = expected
        self._largest = LARGEST if size is None else size
        self._fix = fix
        self._progress = progress
        self._pause_s = pause_s

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Download to `output_file`, as pooch asks. Raises: ProblemError D21, D22, F01."""
        del pooch
        import requests

        reason = ""
        for attempt in range(ATTEMPTS):
            time.sleep(self._pause_s * attempt)
            resumed = self._part.is_file()
            try:
                reason = self._get(url)
                if not reason and self._is_expected(url, may_retry=resumed):
                    shutil.move(self._part, str(output_file))
                    self._state.unlink(missing_ok=True)
                    return
                reason = reason or "the two parts do not fit"
            except requests.ReadTimeout:
                reason = f"no answer within {TIMEOUT_S:g} s"
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                reason = reason_of(error)
                if isinstance(error, requests.ConnectTimeout) or "Max retries" in str(error):
                    raise self._failed(url, reason) from error
            except requests.RequestException as error:
                raise self._failed(url, reason_of(error)) from error
            except OSError as error:
                fix = "make room or name another folder with --to, then run again: what was got is kept"
                raise unwritable(self._part, error, fix=fix) from error
        raise self._failed(url, reason)

    def _get(self, url: str) -> str:
        """Append the server's answer to the partial file; return why it is not whole, or an empty text."""
        import requests

        state = self._kept(url)
        have = self._part.stat().st_size if state else 0
        headers = {"Accept-Encoding": "identity", "User-Agent": "abawbench"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if state["validator"]:
                headers["If-Range"] = state["validator"]
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code == 416:
                self._forget()
                return "the file is another one now"
            if not response.ok:
                reason = f"HTTP {response.status_code} {response.reason}"
                if response.status_code in WORTH_A_RETRY:
                    return reason
                raise self._failed(url, reason)
            if (encoding := response.headers.get("Content-Encoding", "identity")).lower() != "identity":
                # what it unpacks to has no bounds, and an unpacked file would have another hash
                raise self._failed(url, f"an answer in {encoding}, which was not asked for")
            first, total = _range(response)
            if total is not None and total > self._largest:
                raise self._too_long(url, f"{total:,} bytes")
            if first not in {0, have} or (first and state["total"] != total):
                self._forget()
                return "the file is another one now"
            have = first
            state = {"url": url, "total": total, "validator": _validator(response)}
            self._state.write_text(json.dumps(state))
            with self._part.open("ab" if have else "wb") as file:
                for block in response.iter_content(BLOCK):
                    have += len(block)
                    if have > self._largest:
                        raise self._too_long(url, "more bytes")
                    file.write(block)
                    self._progress(self._name, have, total)
        return "" if total in {None, have} else "the connection ended early"

    def _kept(self, url: str) -> dict[str, Any]:
        """The record of an earlier download of this address; empty where there is none, and its part is removed."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            state = parse_fields(read_input(self._state))
            if self._part.stat().st_size and {"total", "validator"} <= state.keys() and state["url"] == url:
                return state
        self._forget()
        return {}

    def _is_expected(self, url: str, *, may_retry: bool) -> bool:
        if self._expected is None:
            return True
        algorithm, _, wanted = self._expected.partition(":")
        (found,) = hashes_of_file(self._part, [algorithm])
        if found == wanted:
            return True
        self._forget()
        if may_retry:
            return False
        raise ProblemError(wrong_hash(self._name, algorithm, found, wanted, url))

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def _too_long(self, url: str, found: str) -> ProblemError:
        self._forget()
        fix = f"do not use that address; or {self._fix}"
        return ProblemError(Problem("D22", f"{found} from {url}", f"{self._largest:,} bytes", fix, self._name))

    def _failed(self, url: str, reason: str) -> ProblemError:
        have = self._part.stat().st_size if self._part.is_file() else 0
        kept = f"run again: {have:,} bytes are kept and the rest is asked for; or " * bool(have)
        return ProblemError(Problem("D21", f"{url}: {reason}", "the whole file", kept + self._fix, self._name))


def wrong_hash(name: str, algorithm: str, found: str, wanted: str, where: str) -> Problem:
    """The problem of a file with another hash than expected: D22."""
    return Problem(
        "D22",
        f"{algorithm} {found} from {where}",
        f"{algorithm} {wanted}",
        "download again; if the hash is still wrong, the file was replaced at its source: do not use it",
        name,
    )


def _range(response: requests.Response) -> tuple[int, int | None]:
    """First byte of an answer, and the size of the whole file where the server states it."""
    if response.status_code == 206:
        pattern = r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)"
        told = re.fullmatch(pattern, response.headers.get("Content-Range", ""))
        if told is not None:
            return int(told[1]), None if told[2] == "*" else int(told[2])
        return -1, None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _validator(response: requests.Response) -> str | None:
    tag = response.headers.get("ETag", "")
    # a weak tag may not stand in If-Range (RFC 9110, 13.1.5)
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def reason_of(error: Exception) -> str:
    """The reason of a failed request, in a few words."""
    text = str(error)
    if "IncompleteRead" in text or "Connection broken" in text:
        return "the connection ended early"
    if "resolve" in text or "resolution" in text:
        return "the host's name is not known: no network?"
    return "no connection" if "Max retries" in text else text.partition("\n")[0]
