"""How far a running job is and how long it will still take, from what it says in its log and from earlier runs.

Times are seconds of `time.time()`, as files have them too.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facedance.job import ERROR

_STEP = re.compile(r"(\d+) of (\d+)")
_TAIL = 4096  # bytes, some dozens of lines


@dataclass(frozen=True)
class Step:
    """`done` of `total` steps, seen at `time`."""

    done: int
    total: int
    time: float


@dataclass
class Running:
    """A job that runs: what it does, in words, its rule, its log and when it started."""

    name: str
    rule: str
    log: Path
    started: float
    first: Step | None = None
    last: Step | None = None

    def look(self, now: float) -> None:
        """Read its newest step: of the last line that has one the first, as in "photo 3 of 12, a.jpg: 1 of 2 faces"."""
        found = [match for line in self.lines() if (match := _STEP.search(line))]
        if found:
            step = Step(int(found[-1][1]), int(found[-1][2]), now)
            self.first = self.first or step
            if self.last is None or step.done != self.last.done:
                self.last = step

    def left(self, now: float, usual: float | None) -> float | None:
        """Seconds that it still takes: by the pace of its steps, else of the `usual` seconds; None if nothing is known."""
        if self.first and self.last and self.last.done > self.first.done:
            pace = (self.last.time - self.first.time) / (self.last.done - self.first.done)
            return max(self.last.time + pace * (self.last.total - self.last.done) - now, 0)
        return None if usual is None else max(self.started + usual - now, 0)

    def complaint(self) -> str:
        """Why it failed, in its own words if it had any."""
        last = ["", *self.lines()][-1]
        if ERROR in last:
            return f"{self.name}: {last.partition(ERROR)[2]}"
        return f"{self.name}: ended without saying why; the last line of {self.log} is {last!r}"

    def lines(self) -> list[str]:
        """The last lines of its log; none as long as only an earlier run has written there."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log.stat().st_size - _TAIL, 0))
                new = self.log.stat().st_mtime >= self.started
                return file.read().decode(errors="replace").splitlines() if new else []
        except OSError:
            return []


def usual_seconds(rule: str, logs: Path) -> float | None:
    """What a job of `rule` took in earlier runs, the mean of its benchmarks logs/<rule>.tsv and logs/<rule>/*.tsv."""
    seconds = []
    for path in [*logs.glob(f"{rule}.tsv"), *logs.glob(f"{rule}/*.tsv")]:
        with path.open(newline="", encoding="utf-8") as file:
            seconds += [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return sum(seconds) / len(seconds) if seconds else None


def all_left(running: Sequence[float | None], waiting: Sequence[float | None], lanes: int) -> float | None:
    """Seconds that all jobs still take, `lanes` side by side; None if those of one are not known."""
    known = [seconds for seconds in [*running, *waiting] if seconds is not None]
    return max([sum(known) / lanes, *known], default=0) if len(known) == len(running) + len(waiting) else None
