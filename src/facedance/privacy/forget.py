"""Forgetting a person: `python -m facedance.privacy.forget ann` removes what was made of ann, and says what it could not remove.

Photos and everything that comes of them are personal data. Tables and the page that tell of several people are removed
too: the next run makes them anew, without this person.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from facedance.files import remove
from facedance.job import InputError
from facedance.privacy.personal_data import Traces, find_traces, known_people, photos_of, word


def forget(root: Path, identity: str, *, photos: bool) -> Traces:
    """Remove what was made of `identity` in the project at `root`, and with `photos` the photos too; what was removed.

    Raises:
        InputError: nobody is called so, Snakemake is at work, or params.yaml cannot be read.
    """
    if identity not in (known := known_people(root)):
        raise InputError(f"nobody is called {identity!r}; known are {', '.join(sorted(known)) or 'none'}")
    if any(root.glob(".snakemake/locks/*")):
        raise InputError("Snakemake is at work here and would make new files: let it end (`snakemake --unlock` if it was killed)")
    traces = find_traces(root, identity)
    for path in traces.made:
        remove(path)
    folder = photos_of(root, identity)
    if photos and os.path.lexists(folder):
        remove(folder)
        return replace(traces, made=(*traces.made, folder))
    return traces


def what_is_left(root: Path, identity: str, blends: Sequence[str]) -> list[str]:
    """Lines that tell where else the person still is, and how to remove it there."""
    lines = []
    if os.path.lexists(photos := photos_of(root, identity)):
        lines.append(f"- the photos in {photos.relative_to(root)}: PHOTOS=yes (or --photos) removes them as well")
    if entries := [line for name in ("params.yaml", "dvc.yaml") for line in _mentions(root / name, (identity, *blends))]:
        lines.append("- these lines: take the name out, or the next run makes everything again")
        lines += [f"    {entry}" for entry in entries]
    return [
        *lines,
        "- names of files and logs of past runs in .snakemake: `rm -rf .snakemake`, no result depends on it",
        "- dvc.lock, and DVC's copies in .dvc/cache and on remotes: first `dvc repro` without this person, then `dvc gc -w` and",
        "  `dvc gc -w --cloud`, which remove all that the files here now do not need (docs/privacy.md)",
        "- params.yaml and dvc.lock in the history of git, and copies that were made elsewhere",
    ]


def _mentions(file: Path, names: Sequence[str]) -> list[str]:
    if not file.exists():
        return []
    lines = [line.partition(" #")[0].rstrip() for line in file.read_text().splitlines()]
    return [f"{file.name}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if any(word(n).search(line) for n in names)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Forget the person named on the command line, in the project of the current folder."""
    parser = argparse.ArgumentParser(prog="python -m facedance.privacy.forget", description="Remove what was made of one person.")
    parser.add_argument("identity", help="name of the person, as in params.yaml or results/faces")
    parser.add_argument("--photos", action="store_true", help="remove data/photos/<identity> as well")
    given = parser.parse_args(arguments)
    root = Path()
    try:
        removed = forget(root, given.identity, photos=given.photos)
    except InputError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be removed ({error.strerror}): let it be removed, and call this again for the rest")
    blends = f", with the blends {', '.join(removed.blends)}" if removed.blends else ""
    casts = f", with the casts {', '.join(removed.casts)}" if removed.casts else ""
    print(f"forgot {given.identity}{blends}{casts}: {len(removed.made)} files and folders removed")
    for path in removed.made:
        print(f"    {path}")
    print("what is left:", *what_is_left(root, given.identity, removed.blends), sep="\n")


if __name__ == "__main__":
    main()
