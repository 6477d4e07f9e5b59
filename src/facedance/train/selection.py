"""Which validation's weights become the adapter, and when a training has nothing more to gain, by `facedance.evaluate.choice`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from facedance.evaluate import choice
from facedance.evaluate.choice import PCK_MARGIN
from facedance.evaluate.likeness import Likeness

_KEPT = "kept/"


@dataclass(frozen=True)
class Judged:
    """What the judges say of the render after a step, which is in a phase (from 1)."""

    step: int
    phase: int
    likeness: Likeness

    @property
    def figures(self) -> tuple[float, float, float]:
        """Those that decide, smaller ones being better."""
        return choice.distance_of(self.likeness), -choice.faces_of(self.likeness), -choice.pck_of(self.likeness)


def best_of(judged: Sequence[Judged]) -> Judged | None:
    """The one whose weights become the adapter, the earliest of equals; None where no face was found in any."""
    best = choice.best_of([one.likeness for one in judged])
    return None if best is None else judged[best]


def contenders(judged: Sequence[Judged]) -> list[Judged]:
    """Those that `best_of` may still choose, whatever comes: the others have an equal or better one in all three figures."""
    return [one for one in judged if not any(_surpasses(other, one) for other in judged)]


def has_ended(judged: Sequence[Judged], patience: int, last_phase: int) -> bool:
    """Whether to train no further: the last `patience` validations have brought nothing better, or the pose has fallen.

    The pose has fallen when PCK is below the best one's by more than its margin. A training ends in its last phase only (the
    phases before have not yet trained all that there is to train), and not before a face was found.
    """
    best = best_of(judged)
    if best is None or judged[-1].phase < last_phase:
        return False
    pck = [choice.pck_of(one.likeness) for one in judged]
    fallen = pck[-1] < max(pck) - PCK_MARGIN
    recent = judged[-patience:]
    return fallen or (recent[0].phase == last_phase and best not in recent)


def _surpasses(one: Judged, other: Judged) -> bool:
    better = all(mine <= theirs for mine, theirs in zip(one.figures, other.figures, strict=True))
    return better and (one.step < other.step if one.figures == other.figures else True)


@dataclass(frozen=True)
class Selection:
    """The validations of a training so far, and the weights of those that can still be chosen."""

    judged: tuple[Judged, ...] = ()
    kept: Mapping[int, Mapping[str, Tensor]] | None = None  # by step; None: the last weights are the adapter's, whatever is seen

    def with_one_more(self, one: Judged, weights: Mapping[str, Tensor]) -> "Selection":
        """The next validation, of these weights."""
        judged = (*self.judged, one)
        if self.kept is None:
            return replace(self, judged=judged)
        there = {**self.kept, one.step: weights}
        return Selection(judged, {other.step: there[other.step] for other in contenders(judged)})

    @property
    def chosen(self) -> int | None:
        """The step whose weights are the adapter's; None: those of the last step."""
        best = None if self.kept is None else best_of(self.judged)
        return None if best is None else best.step

    def weights(self) -> Mapping[str, Tensor]:
        """The weights of the chosen step, which there has to be."""
        assert self.kept is not None
        assert self.chosen is not None
        return self.kept[self.chosen]

    def ended(self, patience: int, last_phase: int) -> bool:
        """Whether the training has nothing more to gain."""
        return self.kept is not None and has_ended(self.judged, patience, last_phase)

    def ended_before(self, step: int, patience: int, last_phase: int) -> bool:
        """Whether it had nothing more to gain before a step that it has taken, as it can be where it was more patient."""
        looks = [one for one in self.judged if one.step < step]
        return any(replace(self, judged=tuple(looks[:n])).ended(patience, last_phase) for n in range(1, len(looks) + 1))

    def tensors(self) -> dict[str, Tensor]:
        """The kept weights by names, for a checkpoint."""
        steps = self.kept or {}
        return {f"{_KEPT}{step}/{name}": tensor for step, weights in steps.items() for name, tensor in weights.items()}

    def facts(self) -> list[dict[str, Any]]:
        """The validations as JSON can hold them: a row each."""
        return [{"step": one.step, "phase": one.phase, **asdict(one.likeness)} for one in self.judged]

    def restored(self, rows: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> "Selection":
        """What `facts` and `tensors` gave."""
        judged = tuple(
            Judged(row["step"], row["phase"], Likeness(**{k: v for k, v in row.items() if k not in {"step", "phase"}}))
            for row in rows
        )
        if self.kept is None:
            return replace(self, judged=judged)
        kept: dict[int, dict[str, Tensor]] = {}
        for path, tensor in tensors.items():
            if path.startswith(_KEPT):
                step, name = path.removeprefix(_KEPT).split("/", 1)
                kept.setdefault(int(step), {})[name] = tensor
        return Selection(judged, kept)
