"""What is known of files as a page of one file."""

from collections.abc import Sequence
from pathlib import Path

from facedance.files import atomic
from facedance.job import InputError
from facedance.marks.verdict import Outcome, Verdict
from facedance.marks.words import SUMMARY, printable, sentences
from facedance.names import shown
from facedance.report.template import fill


def write_page(page: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the page. Raises InputError where it cannot be written."""
    files = [
        {"name": printable(shown(verdict.path)), "signed": verdict.outcome == Outcome.SIGNED, "sentences": sentences(verdict)}
        for verdict in verdicts
    ]
    counts = [(SUMMARY[outcome], sum(verdict.outcome == outcome for verdict in verdicts)) for outcome in Outcome]
    try:
        with atomic(page) as temporary:
            temporary.write_text(fill("marks/page.html", files=files, counts=counts), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{page} cannot be written ({error.strerror}): name another file after --html") from None
