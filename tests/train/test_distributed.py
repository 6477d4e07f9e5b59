"""Several processes that work together: what they add up, and that they end together."""

import fcntl
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import torch

from facedance import gpus
from facedance.job import InputError
from facedance.train import distributed
from facedance.train.distributed import ALONE, Rank, in_processes


def fresh(target, *arguments) -> multiprocessing.Process:
    """A process that has computed nothing yet, as a rule's script has not."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    return process


def add_up(folder: Path) -> None:
    def work(rank: Rank) -> None:
        parameters = [torch.zeros(2, 2), torch.zeros(3), torch.zeros(1)]
        if rank.number == 0:
            parameters[0].grad = torch.full((2, 2), 1.0)
        parameters[1].grad = torch.full((3,), 10.0 + rank.number)
        rank.add_gradients(parameters)
        rank.add_gradients([torch.zeros(1)])  # which nobody has one for
        items = rank.gather([(item, rank.number) for item in rank.share(5)])
        torch.save(([p.grad for p in parameters], items), folder / f"{rank.number}.pt")

    in_processes(2, work)


def test_gradients_are_summed_and_items_keep_their_order(tmp_path):
    process = fresh(add_up, tmp_path)
    process.join(120)
    assert process.exitcode == 0
    for number in range(2):
        (first, second, none), items = torch.load(tmp_path / f"{number}.pt")
        assert torch.equal(first, torch.ones(2, 2))
        assert torch.equal(second, torch.full((3,), 21.0))
        assert none is None
        assert items == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]


def fail(folder: Path, how: str) -> None:
    def work(rank: Rank) -> None:
        (folder / f"{rank.number}.pid").write_text(str(os.getpid()))
        rank.gather([rank.number])  # both have begun
        if rank.number == 0:
            time.sleep(300)
        if how == "full":
            raise OSError(28, "No space left on device", "x.safetensors")
        os.kill(os.getpid(), signal.SIGKILL)

    try:
        in_processes(2, work)
    except (OSError, RuntimeError) as error:
        (folder / "error").write_text(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize(
    ("how", "said"),
    [("full", "OSError: [Errno 28] No space left"), ("killed", "RuntimeError: training process 1 of 2 ended with -9")],
)
def test_when_one_fails_the_others_are_ended_and_it_is_named(tmp_path, how, said):
    process = fresh(fail, tmp_path, how)
    process.join(60)
    assert process.exitcode == 0
    assert (tmp_path / "error").read_text().startswith(said)
    assert not psutil.pid_exists(int((tmp_path / "0.pid").read_text()))


def take_gpus(folder: Path, there: int) -> None:
    """Two processes on a machine where so many GPUs are seen; they compute on the CPU all the same."""
    choose = distributed._choose_backend
    gpus._visible = lambda: [str(number) for number in range(there)]
    torch.cuda.is_available = lambda: True
    torch.cuda.set_device = lambda number: (folder / f"{number}.gpu").touch()
    distributed._choose_backend = lambda rank: "gloo" if choose(rank) == "nccl" else ""
    tempfile.tempdir = str(folder)
    try:
        in_processes(2, lambda rank: rank.gather([rank.number]))
    except InputError as error:
        (folder / "error").write_text(str(error))


def test_each_process_takes_a_gpu_that_no_other_job_has(tmp_path):
    with (tmp_path / "facedance-gpu-1.lock").open("w") as another:
        fcntl.flock(another, fcntl.LOCK_EX)
        for there in (3, 2):
            for file in tmp_path.glob("*.gpu"):
                file.unlink()
            process = fresh(take_gpus, tmp_path, there)
            process.join(60)
            assert process.exitcode == 0
            assert (tmp_path / "error").exists() == (there == 2)
            assert sorted(file.stem for file in tmp_path.glob("*.gpu")) == ["0", "2"][: there - 1]
    assert (tmp_path / "error").read_text().startswith("fewer than the 2 GPUs asked for are free: wait for other jobs")


def wait_in_two(folder: Path) -> None:
    def work(rank: Rank) -> None:
        (folder / f"{rank.number}.pid").write_text(str(os.getpid()))
        time.sleep(300)

    in_processes(2, work)


def test_a_killed_job_leaves_no_process_behind(tmp_path):
    process = fresh(wait_in_two, tmp_path)
    files = [tmp_path / f"{number}.pid" for number in range(2)]
    until(lambda: all(file.exists() and file.read_text() for file in files))
    process.kill()
    process.join()
    until(lambda: not any(psutil.pid_exists(int(file.read_text())) for file in files))


def until(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_alone_everything_is_one_s_own():
    assert list(ALONE.share(3)) == [0, 1, 2]
    assert ALONE.gather(["a", "b"]) == ["a", "b"]
