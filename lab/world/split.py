"""What the tiny model may learn from, and what it is tried on.

Three things are held out: identities (by name), a kind of face (glasses together with a full beard) and moves. The portrait's
own person is held out as well.
"""

from facedance.sample.motion import ARM_WAVE, ROBOT, SIDE_KICK, VOCABULARY, Move
from facedance.sample.traits import Traits, traits_of

HELDOUT_MOVES: tuple[Move, ...] = (ARM_WAVE, ROBOT, SIDE_KICK)


def training_moves() -> tuple[Move, ...]:
    """Every move of the sample's genres but those held out."""
    every = dict.fromkeys(move for moves in VOCABULARY.values() for move in moves)
    return tuple(move for move in every if move not in HELDOUT_MOVES)


def training_identity(index: int, seed: int) -> tuple[str, Traits]:
    """Name and traits of the index-th person of the training: the first of its names whose face is of a kind to train on."""
    for attempt in range(100):
        name = f"world {index}.{attempt}"
        traits = traits_of(name, seed)
        if not heldout_kind(traits):
            return name, traits
    raise ValueError(f"no face to train on among 100 names of person {index}; allowed are all but glasses with a full beard")


def heldout_kind(traits: Traits) -> bool:
    """Whether a face is of the kind that training never sees."""
    return traits.glasses and traits.beard == "full"
