"""Work in processes of their own, some of which end."""

import faulthandler
import os
import signal
import time

import pytest

from facedance import workers
from facedance.job import InputError
from facedance.workers import Broken, alive, in_workers


def twice(items):
    """Twice each number; texts say what to do instead. The fact of one is given when the next is done, as poses are."""
    waiting = []
    for item in items:
        if item == "abort":
            faulthandler.disable()
            os.abort()
        if item == "exit":
            os._exit(3)
        if item == "sleep":
            time.sleep(60)
        if item == "refuse":
            raise InputError("no")
        if item == "fail":
            raise KeyError("a defect")
        waiting.append(2 * item)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting


@pytest.mark.parametrize("count", [1, 2, 9])
def test_each_item_has_its_fact(count):
    assert sorted(in_workers(twice, [1, 2, 3, 4, 5], count)) == [(i, 2 * i) for i in range(1, 6)]
    assert list(in_workers(twice, [], count)) == []


@pytest.mark.parametrize(
    ("end", "how"), [("abort", "its reader crashed (SIGABRT)"), ("exit", "its reader crashed (exit 3)"), ("sleep", "stood still")]
)
def test_an_item_that_ends_its_process_is_told_and_the_others_go_on(end, how, monkeypatch):
    monkeypatch.setattr(workers, "STILL_S", 0.2)
    for items in ([1, 2, end, 3, 4], [end, 1, end, 2, end])[: 1 if end == "sleep" else 2]:
        found = list(in_workers(twice, items, 1))
        assert [item for item, _ in found] == items
        for item, fact in found:
            assert how in fact.how if item == end else fact == 2 * item
    found = dict(in_workers(twice, [1, 2, end, 4, 5], 2))
    assert isinstance(found.pop(end), Broken)
    assert found == {1: 2, 2: 4, 4: 8, 5: 10}


def once(items):
    """Items of which the process that is the first to come across one is killed."""
    for item in items:
        if not item.exists():
            item.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield item.name


def test_a_worker_that_somebody_kills_costs_no_item(tmp_path):
    for count in (1, 3):
        items = [tmp_path / f"{count} {i}" for i in range(count)]
        assert [fact for _, fact in in_workers(once, items, 1)] == [item.name for item in items]


def test_what_is_raised_reaches_the_caller_and_the_others_end():
    for what, error in (("refuse", InputError), ("fail", KeyError)):
        with pytest.raises(error):
            list(in_workers(twice, [1, what, 2], 2))


def steadily(items):
    for item in items:
        for _ in range(5):
            time.sleep(0.1)
            alive()
        yield item


def test_a_sign_of_life_keeps_a_slow_worker_and_a_slow_taker_too(monkeypatch):
    monkeypatch.setattr(workers, "STILL_S", 0.3)
    found = []
    for item, fact in in_workers(steadily, [1, 2, 3], 1):
        time.sleep(0.5)
        found.append((item, fact))
    assert found == [(1, 1), (2, 2), (3, 3)]


def test_without_a_worker_a_sign_of_life_does_nothing():
    alive()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
