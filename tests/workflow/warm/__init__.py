"""Snakemake and its jobs in processes that have imported already what they import, because half of a small job's time is that.

A server has imported it, and forks for each of them. `snakemake`, and the `python` with which it starts scripts, are client.py:
it has the server run what it was asked for, in its folder, with its environment, files and end. Of this project the server
imports nothing.
"""

import functools
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent


def warmed(environment: Mapping[str, str], hash_seed: int) -> dict[str, str]:
    """The environment with a `snakemake` that runs warm, in which sets of texts have the order that comes with the seed."""
    folder, _ = _started(hash_seed)
    path = f"{folder}{os.pathsep}{environment['PATH']}"
    return {**environment, "PATH": path, "WARM_ADDRESS": str(folder / "socket"), "WARM_PYTHON": sys.executable}


@functools.cache
def _started(hash_seed: int) -> tuple[Path, subprocess.Popen[bytes]]:
    """Folder with the programs and the socket of a new server, which ends and removes it when its standard input ends.

    That is when this process does: the server is given back, and so kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    for name in ("snakemake", "python"):
        (folder / name).symlink_to(_HERE / "client.py")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, str(_HERE / "server.py"), str(listener.fileno()), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            start_new_session=True,
        )
    return folder, server
