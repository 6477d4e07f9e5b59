"""Which tracklets of a clip are of one person: by where they end and begin, and by how the person looks all along.

Tracklets are joined two by two at the least cost in all (Huang, Wu and Nevatia, ECCV 2008). Then stretches of two people are
exchanged as long as that makes the whole more likely: only all of a clip tells whether those who met have crossed or turned back.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.poses.assign import Seen, Tracklet, look_distance, match, place_of, speed_of, tracklets, unit_of, usual_look
from facedance.workers import alive

_SHORT = 3  # frames: fewer say little of who it is; such fragments are joined to whom they fill a gap of
_LEAST, _LEAST_SHARE = 6, 0.15  # frames, and share of the clip's, that somebody is seen in
_SMALL = 0.4  # of the largest dancer: who is smaller stands behind them
_GIANT = 1.6  # times the largest dancer of whom there is much: two people who are taken for one for a moment
_JOIN = 4.0  # cost from which two tracklets are of two people
_FARTHEST = 2.5  # cost of the longest way
_PATIENCE = 4.0  # frames unseen after which a way counts half
_LOOK = 4.0  # cost of a wholly different look
_SURE = 0.6  # cost by which an exchange must be worse, for being sure
_LONG = 12  # frames after which a look counts fully
_NEAR = 0.8  # trunks from where somebody in a gap should be


@dataclass(frozen=True)
class Who:
    """Which of those seen in a frame each dancer is."""

    which: NDArray[np.int64]  # (P, T), -1 where they are not seen
    surety: float  # share of the frames in which a dancer is seen in which nobody else might as well be them


@dataclass(frozen=True)
class _Part:
    """A tracklet and what joining it goes by."""

    tracklet: Tracklet
    look: NDArray[np.float64]  # (K, 3)
    unit: float
    ends: tuple[NDArray[np.float64], NDArray[np.float64]]  # (2,) where it begins and ends
    speeds: tuple[NDArray[np.float64], NDArray[np.float64]]  # (2,) there

    @property
    def start(self) -> int:
        return self.tracklet.frames[0]

    @property
    def end(self) -> int:
        return self.tracklet.frames[-1]

    @property
    def weight(self) -> float:
        return min(len(self.tracklet.frames), _LONG) / _LONG


_Chain = list[_Part]


def who_is_who(clip: Sequence[Seen]) -> Who:
    """Who is who in all frames, numbered from left to right in the first frame; who comes later has a later number."""
    found = tracklets(clip)
    parts = [_part(one, clip) for one in found if len(one.frames) >= _SHORT]
    chains = _settled(_joined(parts))
    chains = _dancers(chains, len(clip))
    chains.sort(key=_order)
    which = np.full((len(chains), len(clip)), -1)
    for row, chain in zip(which, chains, strict=True):
        for part in chain:
            row[part.tracklet.frames] = part.tracklet.which
    _fill(which, [one for one in found if len(one.frames) < _SHORT], clip)
    doubtful = _unsure(chains)
    return Who(which, 1 - doubtful / max(int((which >= 0).sum()), 1))


def _dancers(chains: Sequence[_Chain], frames: int) -> list[_Chain]:
    """Those chains of a clip that are dancers, by how long they are seen and by how large they are."""
    counts = [sum(len(part.tracklet.frames) for part in chain) for chain in chains]
    tall = [float(np.median([part.unit for part in chain])) for chain in chains]
    lasting = max((unit for unit, count in zip(tall, counts, strict=True) if 2 * count >= max(counts)), default=0.0)
    kept = [
        (chain, unit)
        for chain, unit, count in zip(chains, tall, counts, strict=True)
        if count >= max(_LEAST, _LEAST_SHARE * frames) and (2 * count >= max(counts) or unit <= _GIANT * lasting)
    ]
    largest = max((unit for _, unit in kept), default=0.0)
    return [chain for chain, unit in kept if unit >= _SMALL * largest]


def _part(one: Tracklet, clip: Sequence[Seen]) -> _Part:
    people = [clip[t].people[k] for t, k in zip(one.frames, one.which, strict=True)]
    return _Part(
        one,
        usual_look([clip[t].looks[k] for t, k in zip(one.frames, one.which, strict=True)]),
        float(np.median([unit_of(person) for person in people])),
        (place_of(people[0]), place_of(people[-1])),
        (speed_of(one, clip, at_start=True), speed_of(one, clip)),
    )


def _joined(parts: Sequence[_Part]) -> list[_Chain]:
    """Chains of tracklets, each joined to the one that goes on with it."""
    count = len(parts)
    costs = np.full((count, 2 * count), np.inf)
    for i, j in itertools.permutations(range(count), 2):
        if parts[i].end < parts[j].start:
            costs[i, j] = _way(parts[i], parts[j]) + _LOOK * look_distance(parts[i].look, parts[j].look)
    costs[np.arange(count), count + np.arange(count)] = _JOIN  # nothing goes on with it
    follows = {i: j for i, j in match(costs).items() if j < count}
    chains = []
    for i in sorted(set(range(count)) - {*follows.values()}):
        chain = [parts[i]]
        while (i := follows.get(i, -1)) >= 0:
            chain.append(parts[i])
        chains.append(chain)
    return chains


def _way(one: _Part, other: _Part) -> float:
    """How far who ends at `one` is from going on with `other`, the less the longer they are not seen."""
    gap = other.start - one.end
    ahead = min(gap, 4)
    there = one.ends[1] + one.speeds[1] * ahead
    back = other.ends[0] - other.speeds[0] * ahead
    unit = (one.unit + other.unit) / 2
    far = (np.linalg.norm(there - other.ends[0]) + np.linalg.norm(back - one.ends[1])) / 2 / unit
    size = abs(float(np.log(one.unit / other.unit)))
    return min(float(far) / (1 + (gap - 1) / _PATIENCE), _FARTHEST) + size


def _settled(chains: list[_Chain]) -> list[_Chain]:
    """The chains after all exchanges of stretches that make them more likely, the best first."""
    while True:
        better = [
            (cost, i, j, swapped)
            for i, j in itertools.combinations(range(len(chains)), 2)
            for cost, swapped in _exchanges(chains[i], chains[j])
        ]
        cost, i, j, swapped = min(better, key=lambda one: one[0], default=(0.0, 0, 0, ([], [])))
        if cost > -1e-6:
            return [chain for chain in chains if chain]
        chains[i], chains[j] = swapped


def _exchanges(one: _Chain, other: _Chain) -> list[tuple[float, tuple[_Chain, _Chain]]]:
    """What it costs, beyond what is, to exchange what two chains have between two moments, for all that can be."""
    alive()
    now = _cost(one) + _cost(other)
    cuts = sorted({part.end for part in (*one, *other)})
    cuts = [cut for cut in cuts if not any(part.start <= cut < part.end for part in (*one, *other))]
    found = []
    for first, last in itertools.combinations([-1, *cuts], 2):
        inner = [[part for part in chain if first < part.start <= last] for chain in (one, other)]
        outer = [[part for part in chain if not first < part.start <= last] for chain in (one, other)]
        if not any(inner) or not any(outer):
            continue
        swapped = tuple(sorted(a + b, key=lambda part: part.start) for a, b in zip(outer, inner[::-1], strict=True))
        found.append((_cost(swapped[0]) + _cost(swapped[1]) - now, (swapped[0], swapped[1])))
    return found


def _cost(chain: _Chain) -> float:
    """How unlikely it is that a chain is one person."""
    if not chain:
        return 0.0
    ways = sum(_way(a, b) for a, b in itertools.pairwise(chain))
    usual = _usual(chain)
    return ways + _LOOK * sum(part.weight * look_distance(part.look, usual) for part in chain)


def _usual(chain: _Chain) -> NDArray[np.float64]:
    """The look (K, 3) that a chain has most of the time."""
    return usual_look([part.look for part in chain for _ in range(1 + len(part.tracklet.frames) // _SHORT)])


def _order(chain: _Chain) -> tuple[int, float]:
    first = chain[0]
    return (0 if first.start <= _SHORT else first.start), float(first.ends[0][0])


def _unsure(chains: Sequence[_Chain]) -> int:
    """Frames of stretches that two people might as well exchange."""
    doubtful: set[tuple[int, int]] = set()
    for one, other in itertools.combinations(chains, 2):
        for cost, (swapped, _) in _exchanges(one, other):
            if cost < _SURE:
                kept = {id(part) for part in swapped}
                moved = [part for part in one if id(part) not in kept] + [part for part in other if id(part) in kept]
                stayed = [part for part in (*one, *other) if not any(part is it for it in moved)]
                less = min(moved, stayed, key=lambda parts: sum(len(part.tracklet.frames) for part in parts))
                doubtful |= {(t, k) for part in less for t, k in zip(part.tracklet.frames, part.tracklet.which, strict=True)}
    return len(doubtful)


def _fill(which: NDArray[np.int64], fragments: Sequence[Tracklet], clip: Sequence[Seen]) -> None:
    """Give fragments to those in whose gaps they lie, in place."""
    for fragment in fragments:
        for t, k in zip(fragment.frames, fragment.which, strict=True):
            person = clip[t].people[k]
            offers = []
            for i, row in enumerate(which):
                if row[t] < 0 and (expected := _expected(row, t, clip)) is not None:
                    offers.append((float(np.linalg.norm(place_of(person) - expected)) / unit_of(person), i))
            away, i = min(offers, default=(np.inf, -1))
            if away < _NEAR:
                which[i, t] = k


def _expected(row: NDArray[np.int64], t: int, clip: Sequence[Seen]) -> NDArray[np.float64] | None:
    """Where somebody (2,) should be in a gap, between where they are before and after it; None outside."""
    known = np.flatnonzero(row >= 0)
    before, after = known[known < t], known[known > t]
    if not len(before) or not len(after):
        return None
    a, b = int(before[-1]), int(after[0])
    start, end = (place_of(clip[f].people[row[f]]) for f in (a, b))
    expected: NDArray[np.float64] = start + (end - start) * ((t - a) / (b - a))
    return expected
