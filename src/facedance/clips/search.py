"""Which parts of a video become clips: the first that can be used.

Clips follow one another from the beginning of each scene on. Only where one of them shows nobody, several people, or a dancer
who comes late or leaves early is the video looked at closely, for the stretches in which one dancer is seen. When no stretch
has room for a whole clip, the longest gives a shorter one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.clips.in_view import count_dancers, find_dancers
from facedance.clips.stretches import People, looks, solos
from facedance.clips.timing import Stretch, fitting_frames, frame_indices, window_starts
from facedance.config.sections import WanModel

_SAMPLES = 10  # frames of a clip in which people are looked for
_ABSENT = 2  # samples without the dancer at a clip's beginning or end that mean that the dancer is not there

Look = Callable[[Sequence[int]], Mapping[int, People]]
"""The people in the frames of these indices, which ascend."""


@dataclass(frozen=True)
class Candidate:
    """A part of a video that may become a clip."""

    start: float  # seconds
    indices: NDArray[np.int64]  # (frames,) of the source's frames
    boxes: NDArray[np.float64]  # (N, 4) of the dancer, or of all of a group, in some of them
    reason: str  # why it cannot be used, or ""
    settled: bool  # whether the dancer is there from its beginning to its end
    dancers: int  # how many dance at once


@dataclass(frozen=True)
class Search:
    """What is searched, and for what."""

    scenes: Sequence[Stretch]
    timestamps: NDArray[np.float64]  # (N,)
    wan: WanModel
    most: int  # clips
    look: Look
    group: bool = False  # whether several people dance

    def candidates(self, windows: Sequence[tuple[float, int]]) -> list[Candidate]:
        """Windows, given by start and number of frames, with what is seen in them."""
        clips = [frame_indices(self.timestamps, start, self.wan.fps, frames) for start, frames in windows]
        samples = [clip[np.linspace(0, len(clip) - 1, _SAMPLES).round().astype(int)].tolist() for clip in clips]
        seen = self.look(sorted({index for sample in samples for index in sample}))
        found = []
        for (start, _), clip, sample in zip(windows, clips, samples, strict=True):
            people = [seen[index] for index in sample]
            boxes, reason = find_dancers(people, group=self.group)
            ends = [*people[:_ABSENT]], [*people[-_ABSENT:]]
            settled = not reason and all(any(len(frame) for frame in end) for end in ends)
            found.append(Candidate(start, clip, boxes, reason, settled, self.count(people)))
        return found

    def count(self, people: Sequence[People]) -> int:
        """How many dance in frames in which these are seen."""
        return count_dancers(people) if self.group else 1

    def whole_windows(self, stretches: Sequence[Stretch]) -> list[tuple[float, int]]:
        """The first whole clips that stretches have room for."""
        starts = [start for s in stretches for start in window_starts(s, self.wan.fps, self.wan.frames, self.most)]
        return [(start, self.wan.frames) for start in starts[: self.most]]

    def longest(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """The longest of the stretches that have room for a clip, the first of equals; none where all are too short."""
        roomy = [s for s in stretches if fitting_frames(s, self.wan.fps, self.wan.frames)]
        return [max(roomy, key=lambda s: s.room(self.wan.fps))] if roomy else []

    def longest_window(self, stretches: Sequence[Stretch]) -> list[tuple[float, int]]:
        """The longest clip that one of the stretches has room for, the first of equals; none where all are too short."""
        windows = [(s.start, fitting_frames(s, self.wan.fps, self.wan.frames)) for s in stretches]
        return [max(windows, key=lambda window: window[1])] if any(frames for _, frames in windows) else []


def find_clips(search: Search, complete: bool) -> tuple[list[Candidate], bool]:
    """The clips of a video in their order, with those that were tried at its beginning and cannot be used.

    Args:
        complete: whether the scenes are all that the video has; if not, they are its beginning.

    Returns:
        The candidates, none where there is no room for any, and whether there is no need to look further into the video.
    """
    windows = search.whole_windows(search.scenes)
    first = search.candidates(windows or (search.longest_window(search.scenes) if complete else []))
    if all(one.settled for one in first):
        return first, complete or len(windows) == search.most
    stretches = [stretch for shot in looked_at(search) for stretch in shot.solos(search.group)]
    closely = [one for one in search.candidates(search.whole_windows(stretches)) if not one.reason]
    if len(closely) == search.most or not complete:
        return closely, complete or len(closely) == search.most
    closely = closely or [one for one in search.candidates(search.longest_window(stretches)) if not one.reason]
    if not closely and any(not one.reason for one in first):
        return first, True  # somebody is seen there, if not all the time: following the dancer will tell
    return _in_order(closely, first), True


@dataclass(frozen=True)
class Shot:
    """A scene and who is seen in it."""

    scene: Stretch
    times: NDArray[np.float64]  # (N,) seconds
    people: Sequence[People]  # at each of them

    def solos(self, group: bool) -> list[Stretch]:
        """Its stretches with one dancer, or with the group."""
        return solos(self.scene, self.times, self.people, group=group)


def looked_at(search: Search) -> list[Shot]:
    """All scenes, looked at closely."""
    times = [looks(scene) for scene in search.scenes]
    at = [[int(frame_indices(search.timestamps, time, 1.0, 1)[0]) for time in moments.tolist()] for moments in times]
    seen = search.look(sorted({index for indices in at for index in indices}))
    people = [[seen[index] for index in indices] for indices in at]
    return [Shot(*shot) for shot in zip(search.scenes, times, people, strict=True)]


def _in_order(used: Sequence[Candidate], tried: Sequence[Candidate]) -> list[Candidate]:
    """Candidates that are used, and those that were tried and overlap none of them."""
    taken = {index for one in used for index in one.indices.tolist()}
    left = [one for one in tried if one.reason and not taken & set(one.indices.tolist())]
    return sorted([*used, *left], key=lambda one: one.start)
