"""The starting kit of a phase: how to take part, a sample submission, the list, and the scorer."""

from __future__ import annotations

from abawbench.base.markdown_text import marked_down
from abawbench.base.zip_bytes import zipped
from abawbench.organisers.bundles.inputs import PhaseFiles, root_of
from abawbench.organisers.events.event import Event
from abawbench.organisers.participants import markdown

README = """\
# {title}: {phase}

| here | what it is |
|:--|:--|
| `{sample}` | a submission of the right form, with the same answer in every row: replace its answers by yours |
| `{template}` | the rows to predict |
| `{scorer}` | the program that checks and scores submissions: Python 3.8 or later, and NumPy |

Check a submission before you send it; `"ok": true` says that it will be scored:

    python {scorer} - SUBMISSION --template {template}

The `-` stands for the truth. With labels that you have in its place, as those of the validation split, and a prediction
of the same rows, the program also scores: `python {scorer} LABELS SUBMISSION`.

To send it, zip {what} and upload the zip. Files that macOS or Windows add to a zip do no harm, nor does a folder around
it. A submission that is not scored says why in its log and on its page of results; it takes no place on the board.

{pages}"""


def starting_kit(event: Event, files: PhaseFiles, scorer: str) -> bytes:
    """The starting kit of a phase as a zip.

    Args:
        event: the event.
        files: the files of the phase; the truth is not in the kit.
        scorer: source of the frozen scorer.
    """
    name = f"score_{event.challenge.id.replace('-', '_')}.py"
    is_folder = root_of(files.sample) not in files.sample
    readme = README.format(
        title=marked_down(event.title),
        phase=marked_down(files.phase.name),
        sample=root_of(files.sample),
        template=root_of(files.template),
        scorer=name,
        what="the files of all units" if is_folder else "the file",
        pages=markdown(event.challenge, event),
    )
    members = [("README.md", readme.encode()), (name, scorer.encode())]
    return zipped([*members, *files.sample.items(), *files.template.items()])
