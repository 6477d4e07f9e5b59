"""A full disk: one sentence, nothing half-written under a final name, and the work goes on when there is room again."""

import contextlib
import os
import subprocess

import pytest

from facedance.video.opening import UnreadableVideo
from facedance.video.times import inspect

pytestmark = pytest.mark.thorough


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of `size` bytes at `folder`, which is moved aside."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.parametrize(
    ("folder", "target", "size"),
    [
        ("results/clips", "results/clips/shards/0000.csv", 70_000),  # videos, by FFmpeg
        ("results/latents", "results/latents/shards/0000.csv", 600_000),  # tensors, by safetensors
        ("results/train", "results/train/eileen/adapter.safetensors", 400_000),
        ("results/render", "results/render/eileen/0000.csv", 24_000),
    ],
)
def test_a_full_disk_leaves_no_half_written_file(project, folder, target, size):
    subprocess.run(["rm", "-rf", str(project[folder])], check=True)
    with small_disk(project[folder], size):
        done = project.snakemake(target, check=False)
        text = done.stdout + done.stderr
        assert done.returncode != 0
        assert "disk is full" in text, text[-3000:]
        assert "Traceback" not in text
        assert not list(project[folder].rglob("*.part*"))
        for video in project[folder].rglob("*.mp4"):
            try:
                assert len(inspect(video).timestamps) == 9
            except UnreadableVideo as error:
                pytest.fail(f"{video} is half-written: {error}")
    project.snakemake(target)
    assert project.planned(target) == {}
