"""Ways in which a file is damaged: cut short, bits turned over, another file's beginning, parts lost, doubled or blank."""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

HEADS = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    b"\x00\x00\x00 ftypisom\x00\x00\x02\x00",
    b"RIFF\xff\xff\xff\xffAVI LIST",
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
    b"PK\x03\x04\x14\x00",
    b"<!DOCTYPE html><html>",
    b"version https://git-lfs.github.com/spec/v1\n",
)
"""First bytes of files of other kinds."""


def truncated(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def flipped(data: bytes, draw: random.Random) -> bytes:
    """One to 40 bits turned over, anywhere."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 3, 40])):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def flipped_head(data: bytes, draw: random.Random) -> bytes:
    """The same among the first 200 bytes, where sizes and counts are."""
    end = min(200, len(data))
    return flipped(data[:end], draw) + data[end:]


def other_head(data: bytes, draw: random.Random) -> bytes:
    head = draw.choice(HEADS)
    return head + data[len(head) :]


def blanked(data: bytes, draw: random.Random) -> bytes:
    """A stretch of zeros, as a disk leaves where it lost a block."""
    start = draw.randrange(len(data))
    length = min(draw.choice([16, 512, 4096]), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def lost(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.choice([1, 64, 5000]) :]


def doubled(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + data[start : start + draw.choice([1, 64, 5000])] + data[start:]


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = MappingProxyType(
    {
        "truncated": truncated,
        "flipped": flipped,
        "flipped head": flipped_head,
        "other head": other_head,
        "blanked": blanked,
        "lost": lost,
        "doubled": doubled,
    }
)
