"""Who should be seen in a render, and what of each: one person, or a person in the place of each dancer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facedance.config.cast import NO_PERSON, NOBODY, dancer_in_words, who_is
from facedance.evaluate import distances
from facedance.evaluate.agreement import Wanted
from facedance.evaluate.observe import Observation


@dataclass(frozen=True)
class LookedFor:
    """The dancers of a render who are looked for."""

    who: dict[int, str]  # whom each becomes, by number
    driving: NDArray[np.float32] | None  # (P, T, 17, 3) x, y and visibility of their poses; None where it is not known
    several: bool  # whether the clip has several: then each is looked for in their place, else the one wherever they are

    def in_words(self, name: str, number: int) -> str:
        """One of them in a render of this name, for people to read."""
        return dancer_in_words(self.who[number], number) if self.several else name


@dataclass(frozen=True)
class Dancer:
    """What is seen of one dancer in a render."""

    number: int
    seen: Observation
    there: NDArray[np.bool_] | None  # (T,) frames in which they should be there; None for all


def shown_in(name: str, driving: NDArray[np.float32] | None) -> LookedFor:
    """Those of a person, blend or cast in a clip with these driving poses (P, T, 17, 3), without those who are not shown."""
    if driving is None or len(driving) == 1:
        return LookedFor({1: who_is(name, 1)}, driving, several=False)
    becomes = {number: who_is(name, number) for number in range(1, len(driving) + 1)}
    who = {number: becomes[number] for number in becomes if becomes[number] != NOBODY}
    return LookedFor(who, driving[[number - 1 for number in who]], several=True)


def wanted_of(people: distances.People, shown: LookedFor, dancer: Dancer, near: float) -> Wanted:
    """What one of those shown should look like; a face that is nearer than `near` counts as recognised."""
    who, seen, there = shown.who[dancer.number], dancer.seen, dancer.there
    driving = None if shown.driving is None else shown.driving[[*shown.who].index(dancer.number)]
    if who in NO_PERSON:
        return Wanted(None, np.empty((0, seen.faces.shape[1]), np.float32), near, driving, there=there)
    others = sorted({*shown.who.values()} - {who, *NO_PERSON})
    target, *rivals = (people.target(one, seen.scored.tolist(), len(seen.people)) for one in (who, *others))
    return Wanted(target, people.others(who), near, driving, np.stack(rivals) if rivals else None, there)
