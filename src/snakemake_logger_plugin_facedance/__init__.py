"""What Snakemake shows a person at a terminal: which jobs run, how far each is, and how long it will take.

`logger: facedance` in a profile switches it on. Without a terminal, and for a dry run, Snakemake's own lines stay.
Either way the last thing said is why a job failed.
"""

import os
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from facedance.job import LOG_ONLY
from facedance.progress import Running, all_left, usual_seconds

PRINTED = {None, LogEvent.RUN_INFO, LogEvent.ERROR, LogEvent.GROUP_ERROR}
"""Events whose text is printed above the display, which stands for all others."""


class LogHandler(LogHandlerBase):
    """Follows the jobs in the thread that Snakemake logs in; `table` is drawn in one of rich's."""

    writes_to_stream = False
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        asked = self.common_settings
        plain = asked.dryrun or asked.verbose or asked.quiet or os.environ.get("TERM") == "dumb"
        self.writes_to_stream = sys.stderr.isatty() and not plain
        terminal = os.fdopen(os.dup(2), "w", encoding="utf-8") if self.writes_to_stream else None
        self.console = Console(
            file=terminal, stderr=True, force_terminal=self.writes_to_stream, no_color=asked.nocolor or None,
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        self.display: Live | None = None
        self.kept: dict[int, int] = {}
        self.running: dict[int, Running] = {}
        self.failed: dict[int, Running] = {}
        self.waiting: Counter[str] = Counter()
        self.usual: dict[str, float | None] = {}
        self.began = time.time()
        self.done, self.lanes = 0, 1

    def emit(self, record: Any) -> None:
        match event := getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self.waiting = Counter({rule: count for rule, count in record.stats.items() if rule != "total"})
                self.usual = {rule: usual_seconds(rule, Path("logs")) if _works(rule) else 0 for rule in self.waiting}
                if self.writes_to_stream:
                    self.draw()
            case LogEvent.JOB_INFO:
                if not self.failed.pop(record.jobid, None):  # else it is tried again
                    self.waiting[record.rule_name] -= 1
                log = Path(record.log[0] if record.log else os.devnull)
                name = record.rule_msg or record.rule_name
                self.running[record.jobid] = Running(name, record.rule_name, log, record.created)
                self.lanes = max(self.lanes, len(self.running))
            case LogEvent.JOB_FINISHED:
                self.done += 1
                if job := self.running.pop(record.job_id, None):
                    self.say(f"{job.name}: done in {_clock(record.created - job.started)}")
            case LogEvent.JOB_ERROR:
                if job := self.running.pop(record.jobid, None):
                    self.failed[record.jobid] = job
        if event in PRINTED and not record.getMessage().startswith("Select jobs"):
            self.say(self.format(record))

    def say(self, line: str) -> None:
        if self.writes_to_stream:
            self.console.print(line)

    def draw(self) -> None:
        """Show the display, and let what this process and its jobs print go above it, not through it."""
        os.environ[LOG_ONLY] = "yes"
        read, write = os.pipe()
        for fd in filter(os.isatty, (1, 2)):
            self.kept[fd] = os.dup(fd)
            os.dup2(write, fd)
        os.close(write)
        self.reader = threading.Thread(target=self.pass_on, args=(read,), daemon=True)
        self.reader.start()
        self.display = Live(console=self.console, get_renderable=self.table, refresh_per_second=2, transient=True,
                            redirect_stdout=False, redirect_stderr=False)  # fmt: skip
        self.display.start()

    def pass_on(self, read: int) -> None:
        with open(read, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                self.say(line.rstrip().rpartition("\r")[2])  # of a library's own bar only how it ended

    def table(self) -> Table:
        """A row for the whole run, and one for each job."""
        now, jobs = time.time(), list(self.running.values())
        for job in jobs:
            job.look(now)
        running = [job.left(now, self.usual.get(job.rule)) for job in jobs]
        waiting = [self.usual.get(rule) for rule, count in self.waiting.items() for _ in range(count)]
        left = all_left(running, waiting, self.lanes)
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_row("all jobs", *_bar(self.done, self.done + len(self.failed) + len(jobs) + len(waiting)),
                      _clock(now - self.began), "" if left is None else f"about {_clock(left)} left")  # fmt: skip
        for job, seconds in zip(jobs, running, strict=True):
            steps = (job.last.done, job.last.total) if job.last else (0, 0)
            table.add_row(
                job.name, *_bar(*steps), _clock(now - job.started), "" if seconds is None else f"{_clock(seconds)} left"
            )
        return table

    def close(self) -> None:
        if self.display:
            sys.stdout.flush()
            for fd, kept in self.kept.items():
                os.dup2(kept, fd)
            self.reader.join(timeout=2)
            self.display.stop()
            self.display = None
        while self.failed:
            self.console.print(self.failed.popitem()[1].complaint(), style="bold red")
        super().close()


def _bar(done: int, total: int) -> tuple[ProgressBar, str]:
    return ProgressBar(total or None, done, width=20), f"{done} of {total}" if total else ""


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _works(rule: str) -> bool:
    """Whether a rule has a script, and is not only a name for its inputs."""
    places = (Path(), Path(__file__).parents[2])  # with --directory the program is elsewhere
    return any(path for place in places for folder in ("", "*/") for path in place.glob(f"{folder}scripts/{rule}.py"))
