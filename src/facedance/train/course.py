"""How far a training has come, and which of its weights become the adapter."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facedance.train import checkpoint
from facedance.train.learner import Learner
from facedance.train.selection import Judged, Selection

_log = logging.getLogger("facedance")


class Course:
    """The steps of a training and its looks at the dance that is held out, from the newest checkpoint on.

    Of several processes only the first adds to it.
    """

    def __init__(self, folder: Path, learner: Learner, dance: str = "") -> None:
        """Go on from the newest checkpoint in a folder, if there is one: the learner gets its state.

        A training that was given more patience goes on. One that was given less, and would have ended earlier, begins anew, as
        the weights that it would have ended with may be gone.

        `dance` is the digest of the one that is held out. Looks at two dances cannot be compared, so those at another one are
        forgotten, unless no look is to come.
        """
        self._folder, self._learner, self._dance = folder, learner, dance
        self.done = 0
        self.rows: list[dict[str, Any]] = []  # the metrics of every step
        self.heldout: list[dict[str, Any]] = []  # the losses on the clip held out
        self.selection = Selection(kept={} if learner.train.select == "best" else None)
        if (last := checkpoint.newest(folder)) is None:
            return
        seen, train = self.selection.restored(last.facts["judged"], last.tensors), learner.train
        if seen.ended_before(last.step, train.patience, len(train.phases)):
            _log.info("begins anew: with so little patience it would have ended before step %d", last.step)
            return
        learner.restore(last.tensors)
        self.done, self.rows = last.step, last.facts["rows"]
        over = self.done == sum(phase.steps for phase in train.phases) or seen.ended(train.patience, len(train.phases))
        if over or last.facts.get("dance") == dance:
            self.heldout, self.selection = last.facts["heldout"], seen
        else:
            _log.info("another dance is held out than up to step %d: looks are compared from there on", self.done)

    @property
    def ended(self) -> bool:
        """Whether the training has nothing more to gain."""
        train = self._learner.train
        return self.selection.ended(train.patience, len(train.phases))

    @property
    def adapter_step(self) -> int:
        """The step whose weights are the adapter's."""
        return self.done if self.selection.chosen is None else self.selection.chosen

    def add_step(self, row: dict[str, Any]) -> None:
        """Go on by a step with these metrics."""
        self.rows.append(row)
        self.done = row["step"]

    def add_look(self, losses: Sequence[dict[str, Any]], judged: Judged | None) -> None:
        """Add a look at the dance that is held out: its losses, and what the judges say if they looked."""
        self.heldout += losses
        if judged is not None:
            self.selection = self.selection.with_one_more(judged, self._learner.weights())

    def judged(self) -> list[dict[str, Any]]:
        """What the judges said of each look, and which one the adapter is from."""
        return [{**row, "adapter": int(row["step"] == self.adapter_step)} for row in self.selection.facts()]

    def put_chosen(self) -> None:
        """Give the learner the weights that become the adapter: the chosen ones, or else the last, averaged if they are."""
        if self.selection.chosen is None:
            self._learner.use_average()
        else:
            self._learner.use(self.selection.weights())

    def save(self) -> None:
        """Write a checkpoint."""
        facts = {"rows": self.rows, "heldout": self.heldout, "judged": self.selection.facts(), "dance": self._dance}
        tensors = self._learner.state() | self.selection.tensors()
        checkpoint.save(self._folder, checkpoint.Checkpoint(self.done, tensors, facts))
