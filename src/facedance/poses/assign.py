"""Who of the people seen in a frame is who of the frames before, as far as there is no doubt.

People are matched from frame to frame at the least cost in all (Kuhn's Hungarian method, as in SORT: Bewley et al., ICIP 2016)
with where they would be if they went on as they did. Where another matching would cost about the same, as when two cross, a
tracklet ends: who is who beyond that is decided by all of the clip (`facedance.poses.identities`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from facedance.poses.skeleton import MEDIAPIPE

TRUNK = [MEDIAPIPE.index(name) for name in ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip")]
_LIMBS = [MEDIAPIPE.index(f"{side}_{name}") for side in ("left", "right") for name in ("elbow", "wrist", "knee", "ankle")]

COLOUR = 25.0
"""Distance in Lab at which two looks have as little in common as a trunk's length lies between them."""

_KAPPA = 0.4  # trunks: distance at which a joint is half in place, as in COCO's OKS
_REACH, _FARTHER = 1.0, 0.3  # trunks that somebody goes in a frame at most, and more for each frame in which they are not seen
_FORGOTTEN = 6  # frames without somebody, after whom they are looked for by all of the clip
_AHEAD = 3  # frames for which somebody unseen is taken to go on as before
_DOUBT = 0.4  # cost by which another matching must be worse
_UNMATCHED = 1.2  # cost of leaving somebody without a match, where matchings are compared
_RECENT = 12  # frames whose looks count


@dataclass(frozen=True)
class Seen:
    """The people in one frame."""

    people: NDArray[np.float32]  # (P, 33, 4) landmarks x, y, z, visibility in pixels
    mirror: NDArray[np.float32]  # (P, 33, 4) the same by a look at the mirror image; NaN where it has nobody there
    looks: NDArray[np.float32]  # (P, K, 3) colours in Lab of K parts of them; NaN where a part is out of the picture


@dataclass(frozen=True)
class Tracklet:
    """One person in some frames, in their order, and which of those seen there it is."""

    frames: list[int] = field(default_factory=list)
    which: list[int] = field(default_factory=list)

    def add(self, frame: int, which: int) -> None:
        """Go on to a later frame."""
        self.frames.append(frame)
        self.which.append(which)


def tracklets(clip: Sequence[Seen]) -> list[Tracklet]:
    """The tracklets of the frames of a clip, by where they begin. Everybody seen is in one of them."""
    found: list[Tracklet] = []
    running: list[Tracklet] = []
    for t, seen in enumerate(clip):
        running = [one for one in running if t - one.frames[-1] <= _FORGOTTEN]
        costs = np.array([_costs(one, clip, t) for one in running]).reshape(len(running), len(seen.people))
        matches = match(costs)
        doubtful = _doubtful(costs, matches)
        taken = {j for i, j in matches.items() if i not in doubtful}
        for i, j in matches.items():
            if i not in doubtful:
                running[i].add(t, j)
        running = [one for i, one in enumerate(running) if i not in doubtful]
        for j in range(len(seen.people)):
            if j not in taken:
                running.append(Tracklet([t], [j]))
                found.append(running[-1])
    return found


def match(costs: NDArray[np.float64]) -> dict[int, int]:
    """The matching of rows to columns that costs least, of costs (N, P); infinite is forbidden."""
    if not np.isfinite(costs).any():
        return {}
    rows, columns = linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e6))
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if np.isfinite(costs[i, j])}


def unit_of(person: NDArray[np.floating]) -> float:
    """Length of a trunk in pixels, of landmarks (33, >= 2): from mid-shoulders to mid-hips, or what it is in one who stoops."""
    trunk = person[TRUNK, :2]
    length = float(np.linalg.norm(trunk[1:3].mean(axis=0) - trunk[3:5].mean(axis=0)))
    return max(length, 0.2 * float(np.ptp(person[:, 1])), 1.0)


def place_of(person: NDArray[np.floating]) -> NDArray[np.float64]:
    """Middle (2,) of a trunk."""
    middle: NDArray[np.float64] = person[TRUNK[1:], :2].mean(axis=0).astype(np.float64)
    return middle


def look_distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """How differently two people are dressed, by their looks (K, 3), in `COLOUR`; 0 where nothing can be compared."""
    apart = np.linalg.norm(one - other, axis=-1) / COLOUR
    known = np.isfinite(apart)
    return float(np.minimum(apart[known], 2.0).mean()) if known.any() else 0.0


def usual_look(looks: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """The median (K, 3) of looks; NaN of parts that none knows."""
    stack = np.stack(looks).astype(np.float64)
    known = np.isfinite(stack).any(axis=0)
    usual = np.full(stack.shape[1:], np.nan)
    if known.any():
        usual[known] = np.nanmedian(stack[:, known], axis=0)
    return usual


def speed_of(tracklet: Tracklet, clip: Sequence[Seen], *, at_start: bool = False) -> NDArray[np.float64]:
    """Pixels (2,) a frame at a tracklet's end, or at its start."""
    part = slice(None, 4) if at_start else slice(-4, None)
    frames, which = tracklet.frames[part], tracklet.which[part]
    if len(frames) < 2:
        return np.zeros(2)
    first, last = (place_of(clip[frames[k]].people[which[k]]) for k in (0, -1))
    speed: NDArray[np.float64] = (last - first) / (frames[-1] - frames[0])
    return speed


def _costs(one: Tracklet, clip: Sequence[Seen], t: int) -> NDArray[np.float64]:
    """What it costs to take each of the people in frame t for who is followed, (P,)."""
    last = clip[one.frames[-1]].people[one.which[-1]]
    gap = t - one.frames[-1]
    expected = last[:, :2] + speed_of(one, clip) * min(gap, _AHEAD)
    unit = unit_of(last)
    recent = zip(one.frames[-_RECENT:], one.which[-_RECENT:], strict=True)
    usual = usual_look([clip[f].looks[k] for f, k in recent])
    costs = []
    for person, look in zip(clip[t].people, clip[t].looks, strict=True):
        away = np.linalg.norm(person[:, :2] - expected, axis=-1) / unit
        place = float(away[TRUNK].mean())
        limbs = 1 - float(np.exp(-((away[_LIMBS] / _KAPPA) ** 2) / 2).mean())
        size = abs(float(np.log(unit_of(person) / unit)))
        cost = place + 0.3 * limbs + 0.5 * size + look_distance(usual, look)
        costs.append(cost if place <= _REACH + _FARTHER * (gap - 1) else np.inf)
    return np.array(costs)


def _doubtful(costs: NDArray[np.float64], matches: dict[int, int]) -> set[int]:
    """The rows of costs (N, P) that might as well be matched otherwise."""
    doubtful = set()
    for i, j in matches.items():
        for k in range(costs.shape[0]):
            if k != i and np.isfinite(costs[k, j]):
                now, then = _cost(costs, k, matches.get(k)), _cost(costs, i, matches.get(k))
                if costs[k, j] + then - costs[i, j] - now < _DOUBT:
                    doubtful |= {i, k}
        for other in set(range(costs.shape[1])) - {*matches.values()}:
            if costs[i, other] - costs[i, j] < _DOUBT:
                doubtful.add(i)
    return doubtful


def _cost(costs: NDArray[np.float64], row: int, column: int | None) -> float:
    return _UNMATCHED if column is None else min(float(costs[row, column]), _UNMATCHED)
