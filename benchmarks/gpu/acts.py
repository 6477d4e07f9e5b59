"""What a part gives; it needs no package, so that a part can tell which are missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What a row says, where there is something to say; a row's peak memory is read by whoever asks for the row."""

    seconds: float | None = None
    work: float | None = None  # 10^12 floating point operations in these seconds
    predicted: int | None = None  # bytes of the GPU's memory
    note: str = ""


Acts = Iterator[tuple[str, Callable[[], Measured]]]
"""Names of rows, and what gives them."""
