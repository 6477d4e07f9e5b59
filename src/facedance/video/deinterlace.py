"""Whole pictures from interlaced ones, whose odd and even lines show different moments."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import av

from facedance.video.filters import filter_chain

# One frame for each frame, by the order of fields that each is marked with; unmarked ones stay as they are.
_WHOLE = "mode=send_frame:parity=auto:deint=interlaced"


class Deinterlacer:
    """Passes frames on as they are until the first interlaced one, from which on FFmpeg's bwdif works on those marked so.

    It gives a frame for each frame, some of them later, and keeps their times.
    """

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[Any, ...] = ()
        self._times: deque[float] = deque()

    @property
    def active(self) -> bool:
        """Whether an interlaced frame has come."""
        return self._graph is not None

    @property
    def waiting(self) -> int:
        """How many frames were taken in and not yet given back."""
        return len(self._times)

    def through(self, picture: av.VideoFrame | None, time: float) -> Iterator[tuple[av.VideoFrame, float]]:
        """Take in a frame with its time, or None at the end, and give those that are ready."""
        if picture is None:
            yield from self._flushed()
            return
        if self._graph is None and not picture.interlaced_frame:
            yield picture, time
            return
        shape = (picture.width, picture.height, picture.format.name)
        if shape != self._shape:
            yield from self._flushed()
            self._graph, self._shape = filter_chain(picture, [("bwdif", _WHOLE)]), shape
        assert self._graph is not None
        self._times.append(time)
        self._graph.push(picture)
        yield from self._ready()

    def _flushed(self) -> Iterator[tuple[av.VideoFrame, float]]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()

    def _ready(self) -> Iterator[tuple[av.VideoFrame, float]]:
        assert self._graph is not None
        while self._times:
            try:
                picture = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(picture, av.VideoFrame)
            yield picture, self._times.popleft()
