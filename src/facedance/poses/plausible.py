"""Whether a skeleton can be the dancer's: reasons to refuse a clip rather than to draw an audience's arms as a dancer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.config.sections import Poses
from facedance.poses.looks import AGREED, Looks
from facedance.poses.skeleton import MEDIAPIPE
from facedance.poses.track import Sightings

_SEEN = 0.5
"""Visibility from which MediaPipe takes a joint for seen."""

_JUMP = 0.3
"""In heights: hips do not move so far in a sixteenth of a second."""

_SLIPS_APART = 160
"""Frames: a jump in each of so many is a slip of the tracker, and the clip goes on."""

_STILL = 0.01
"""In heights: joints of somebody who dances move farther within a clip."""

_OFF = 0.3
"""In heights: the middle of a skeleton is nearer than this to the middle of the person whom the detector sees."""

_HEIGHTS = 0.6, 1.6
"""Its height by that person's height."""

_LONGER = 1.45
"""A lower leg is about as long as an upper one: 1.1 times in the sample's clips, 1.4 where a thigh points at the viewer."""


def _indices(*names: str) -> list[int]:
    return [MEDIAPIPE.index(f"{side}_{name}") for name in names for side in ("left", "right")]


_LEGS = _indices("knee", "ankle")
_HIPS = _indices("hip")
_BODY = _indices("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_TOLERANCE = np.repeat([2 * AGREED, AGREED], [10, 2])  # ankles are what an audience hides, and where a guess shows first


@dataclass(frozen=True)
class _Track:
    looks: Looks
    sightings: Sightings
    size: tuple[int, int]
    params: Poses

    @property
    def joints(self) -> NDArray[np.float32]:
        return self.looks.joints

    @property
    def tracked(self) -> NDArray[np.bool_]:
        """(T,) whether the frame has a skeleton."""
        return np.isfinite(self.joints[:, 0, 0])

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(T, 33) whether a joint is within the picture."""
        return np.asarray(((self.joints[..., :2] >= 0) & (self.joints[..., :2] < self.size)).all(axis=-1))

    @property
    def legs_hidden(self) -> NDArray[np.bool_]:
        """(N,) whether a knee or an ankle is not to be seen, in the N frames with a skeleton."""
        return np.asarray((~self.inside | (self.looks.seen < _SEEN))[self.tracked][:, _LEGS].any(axis=1))

    @property
    def height(self) -> float:
        """Usual height of the skeleton in pixels."""
        return max(float(np.nanmedian(np.ptp(self.joints[..., 1], axis=1))), 1.0)


def implausible(looks: Looks, sightings: Sightings, size: tuple[int, int], params: Poses) -> str:
    """Why these joints cannot be a dancer's in pictures of this width and height, or cannot be relied on; "" if they can."""
    track = _Track(looks, sightings, size, params)
    if not np.isfinite(track.joints[:, 0, 0]).any():
        return ""  # that nobody is tracked is told elsewhere
    return next((reason for check in _CHECKS if (reason := check(track))), "")


def _unseen(track: _Track) -> str:
    """A skeleton on an empty stage: the tracker goes on with what it once took for somebody."""
    seen = np.isfinite(track.sightings.dancer[:, 0, 0])
    if seen.mean() >= 0.5:
        return ""
    return f"the detector sees nobody in {(~seen).sum()} of {len(seen)} frames that it looked at"


def _upside_down(track: _Track) -> str:
    nose, hips = track.joints[:, 0, 1], track.joints[:, _HIPS, 1].mean(axis=1)
    below = int((nose > hips).sum())
    tracked = int(np.isfinite(nose).sum())
    return f"the head is below the hips in {below} of {tracked} frames" if below > tracked / 2 else ""


def _still(track: _Track) -> str:
    body = track.joints[:, _BODY, :2]
    moved = float(np.nanmedian(np.linalg.norm(np.nanmax(body, axis=0) - np.nanmin(body, axis=0), axis=-1))) / track.height
    few = f"nothing moves: joints stay within {100 * moved:.1f} % of the dancer's height, as in a still picture"
    return few if len(body) > 1 and moved < _STILL else ""


def _jumps(track: _Track) -> str:
    hips = track.joints[:, _HIPS, :2].mean(axis=1)
    steps = np.linalg.norm(np.diff(hips, axis=0), axis=-1) / track.height
    if (steps > _JUMP).sum() <= (len(hips) - 1) // _SLIPS_APART:
        return ""
    at = int(np.nanargmax(steps))
    return f"the dancer jumps by {steps[at]:.1f} of their height from frame {at} to {at + 1}, as where pictures are cut"


def _elsewhere(track: _Track) -> str:
    known = np.isfinite(track.sightings.dancer[:, 0, 0]) & np.isfinite(track.joints[track.sightings.frames, 0, 0])
    if not known.any():
        return ""
    low, high = (
        [edge(joints[known][..., :2], axis=1) for joints in (track.joints[track.sightings.frames], track.sightings.dancer)]
        for edge in (np.min, np.max)
    )
    (height, wanted) = (high[k][:, 1] - low[k][:, 1] for k in range(2))
    off = np.linalg.norm((low[0] + high[0] - low[1] - high[1]) / 2, axis=-1) / wanted > _OFF
    off |= (height / wanted < _HEIGHTS[0]) | (height / wanted > _HEIGHTS[1])
    if off.mean() <= 0.5:
        return ""
    return f"the skeleton is elsewhere than the person whom the detector sees in {off.sum()} of {len(off)} frames"


def _legless(track: _Track) -> str:
    inside, hidden = track.inside[:, _LEGS], track.legs_hidden
    share = float(hidden.mean())
    if share <= track.params.max_hidden_legs:
        return ""
    where = "outside the picture" if (~inside[track.tracked][:, -2:]).any(axis=1).mean() > 0.5 else "hidden"
    return f"the legs are {where} in {100 * share:.0f} % of the frames; max_hidden_legs is {track.params.max_hidden_legs:g}"


def _unsure(track: _Track) -> str:
    """Joints that are not drawn, because they are outside or hidden, do not count."""
    drawn = (track.inside & (track.looks.seen >= track.params.min_visibility))[track.tracked]
    share = ((track.looks.apart[track.tracked][:, _BODY] > _TOLERANCE) & drawn[:, _BODY]).mean(axis=0)
    worst = int(share.argmax())
    if share[worst] <= track.params.max_unsure:
        return ""
    name = MEDIAPIPE[_BODY[worst]].replace("_", " ")
    limit = f"max_unsure is {track.params.max_unsure:g}"
    return f"two looks differ on the {name} in {100 * share[worst]:.0f} % of the frames; {limit}"


def _misshapen(track: _Track) -> str:
    """Of legs that it does not see, MediaPipe makes up lower ones that are too long."""
    joints = track.joints[track.tracked][~track.legs_hidden][..., :2]
    for side in ("left", "right") if len(joints) else ():
        hip, knee, ankle = (joints[:, MEDIAPIPE.index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
        upper, lower = (float(np.percentile(np.linalg.norm(a - b, axis=-1), 90)) for a, b in ((hip, knee), (knee, ankle)))
        if lower > _LONGER * upper:
            return f"the {side} lower leg is {lower / max(upper, 1e-6):.1f} times as long as the upper one"
    return ""


_CHECKS: tuple[Callable[[_Track], str], ...] = (_unseen, _upside_down, _still, _jumps, _elsewhere, _legless, _unsure, _misshapen)
