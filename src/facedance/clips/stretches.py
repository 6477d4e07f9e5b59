"""The stretches of a video in which exactly one dancer is seen: whoever comes, leaves or joins bounds them.

Of a group, they are those in which anybody is seen.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.clips.in_view import find_dancers
from facedance.clips.timing import Stretch

EVERY_S = 0.25
"""How often people are looked for where a video has to be looked at closely."""

_MISSED = 2  # looks in a row at which a dancer may be overlooked, or somebody else seen, without ending a stretch

People = NDArray[np.floating]
"""Landmarks (P, 33, >= 2) of the people in a frame."""


def looks(scene: Stretch) -> NDArray[np.float64]:
    """The times in seconds at which people are looked for in a scene."""
    return scene.start + np.arange(0, max(scene.end - scene.start, 0), EVERY_S)


def solos(scene: Stretch, times: NDArray[np.float64], people: Sequence[People], *, group: bool) -> list[Stretch]:
    """The stretches of a scene in which one dancer, or the group, is seen, from `people` seen at each of `times` (N,)."""
    alone = [not find_dancers([seen], group=group)[1] for seen in people]
    at = np.flatnonzero(alone)
    if not len(at):
        return []
    found = []
    for run in np.split(at, np.flatnonzero(np.diff(at) > _MISSED + 1) + 1):
        # Before the first and after the last look nothing says that the dancer is not there.
        start = scene.start if run[0] == 0 else float(times[run[0]])
        end = scene.end if run[-1] == len(times) - 1 else float(times[run[-1]])
        found.append(Stretch(start, end))
    return found
