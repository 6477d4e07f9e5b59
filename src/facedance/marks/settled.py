"""The same bytes each time: what c2pa draws by chance is drawn from the content instead.

It puts 16 random bytes beside each assertion, so that nobody can guess what a redacted one said; nothing is redacted here.
They change the assertion's digest in the claim, and so the signature. All of these have a fixed length, so they are replaced
in the file. Boxes are those of ISO/IEC 14496-12 (length, kind, content) and, in the manifest, of ISO/IEC 19566-5 (JUMBF).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # of the box in an mp4 that holds the manifests
_SALT, _SALT_BYTES = b"\0\0\0\x18c2sh", 16
_HEAD = 8  # bytes of a box's length and kind


@dataclass
class Notary:
    """Signs, and remembers what."""

    sign: Callable[[bytes], bytes]
    data: bytes = field(default=b"", init=False)
    signature: bytes = field(default=b"", init=False)

    def __call__(self, data: bytes) -> bytes:
        """The signature of `data`."""
        self.data, self.signature = data, self.sign(data)
        return self.signature


def settle(video: Path, notary: Notary) -> None:
    """Give the newest manifest of an mp4, which `notary` has just signed, salts that its content decides, and sign it again."""
    with open(video, "r+b") as file:
        at, length = _manifests(file)
        file.seek(at)
        store, data = bytearray(file.read(length)), notary.data
        for start, end in _assertions(store):
            salt = store.index(_SALT, start, end) + len(_SALT)
            before = _digest(store, start, end)
            store[salt : salt + _SALT_BYTES] = bytes(_SALT_BYTES)
            store[salt : salt + _SALT_BYTES] = _digest(store, start, end)[:_SALT_BYTES]
            after = _digest(store, start, end)
            store, data = bytearray(_replaced(bytes(store), before, after)), _replaced(data, before, after)
        file.seek(at)
        file.write(_replaced(bytes(store), notary.signature, notary.sign(data)))


def _manifests(file: BinaryIO) -> tuple[int, int]:
    """Place and length of the box with all manifests."""
    place = 0
    while len(head := file.read(_HEAD + 16)) == _HEAD + 16:
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind == b"uuid" and head[_HEAD:] == _C2PA:
            rest = file.read(length - len(head))
            inner = rest.index(b"jumb") - 4  # after version, purpose and an offset
            return place + len(head) + inner, length - len(head) - inner
        place += int.from_bytes(head[_HEAD : 2 * _HEAD], "big") if length == 1 else length
        file.seek(place)
    raise ValueError("there is no manifest in this file")


def _assertions(store: bytearray) -> list[tuple[int, int]]:
    """Where the assertions of the newest manifest begin and end, which is the last in the store."""
    *_, (start, end) = _boxes(store, 0, len(store))
    *_, (start, end) = _children(store, start, end)
    parts = [part for part in _children(store, start, end) if store.find(b"c2as", *part) == part[0] + 2 * _HEAD]
    return _children(store, *parts[0])


def _children(store: bytearray, start: int, end: int) -> list[tuple[int, int]]:
    """The superboxes in a superbox, behind its description."""
    return [(a, b) for a, b in _boxes(store, start + _HEAD, end) if store[a + 4 : a + _HEAD] == b"jumb"]


def _boxes(store: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        length = int.from_bytes(store[start : start + 4], "big")
        yield start, start + length
        start += length


def _digest(store: bytearray, start: int, end: int) -> bytes:
    """What a claim knows an assertion by: the digest of its box without length and kind."""
    return hashlib.sha256(store[start + _HEAD : end]).digest()


def _replaced(data: bytes, before: bytes, after: bytes) -> bytes:
    if (count := data.count(before)) != 1:
        raise ValueError(f"a manifest holds {count} times what it should hold once; this version of c2pa writes another form")
    return data.replace(before, after)
