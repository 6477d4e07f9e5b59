"""Which names are meant by the patterns of params.yaml."""

import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether the name of a video is meant by one of these glob patterns, however their accents are written."""
    return any(fnmatchcase(name, unicodedata.normalize("NFC", pattern)) for pattern in patterns)
