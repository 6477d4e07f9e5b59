"""Who is in data/people: a folder is a person, and a picture that lies in none is one by itself."""

from collections.abc import Iterable
from pathlib import PurePath

from facedance.names import shard_of


def person_of(portrait: str) -> str:
    """The person whom a portrait shows, by its path in data/people."""
    folder, *inside = PurePath(portrait).parts
    return folder if inside else portrait


def in_parts(portraits: Iterable[str], parts: int) -> dict[str, list[str]]:
    """Portraits by the part in which they are looked at; all of one person are in the same."""
    shared: dict[str, list[str]] = {}
    for portrait in sorted(portraits):
        shared.setdefault(shard_of(person_of(portrait), parts), []).append(portrait)
    return dict(sorted(shared.items()))
