"""Imports what Snakemake and the scripts of jobs import of others, and forks for each; see __init__.py.

usage: server.py LISTENER FOLDER     (a file descriptor; it ends, and removes the folder, when its standard input ends)
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

IMPORTED = (
    *("snakemake.cli", "smart_open", "torch", "diffusers", "peft", "transformers", "av", "cv2", "decord", "dlib", "jinja2"),
    *("mediapipe", "pandas", "PIL.Image", "pyarrow.parquet", "pydantic", "safetensors.torch", "scipy.optimize", "skimage"),
    *("diffusers.models.autoencoders.autoencoder_kl_wan", "diffusers.models.transformers.transformer_wan_vace"),
    *("diffusers.pipelines.wan.pipeline_wan_vace", "transformers.models.umt5.modeling_umt5", "torch.utils.tensorboard"),
)


def serve(listener: socket.socket) -> None:
    """Fork for each connection until standard input ends. In what is forked it does not come back."""
    children: set[int] = set()
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if (child := os.fork()) == 0:
            listener.close()
            attend(connection)
        connection.close()
        children = {pid for pid in children | {child} if not os.waitpid(pid, os.WNOHANG)[0]}


def attend(connection: socket.socket) -> None:
    """Fork once more for what is asked for, and tell how it ends; kill it where nobody waits for it any more."""
    _, files, *_ = socket.recv_fds(connection, 1, 3)
    with connection.makefile(encoding="utf-8") as lines:
        request = json.loads(lines.readline())
    if (job := os.fork()) == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        end(run(*request))
    for file in files:
        os.close(file)
    ended = os.pidfd_open(job)
    if ended in select.select([ended, connection], [], [])[0]:
        connection.sendall(bytes([os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]) % 256]))
    else:
        os.kill(job, signal.SIGKILL)
    os._exit(0)


def run(program: str, arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    """Exit status of Snakemake or of a script, run as if it were in a Python of its own."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    try:
        if Path(program).name == "snakemake":
            sys.argv, sys.executable = [program, *arguments], str(Path(program).with_name("python"))
            sys.modules["snakemake.cli"].main()
        else:
            sys.argv = arguments
            sys.path.insert(0, str(Path(arguments[0]).parent))
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as given:
        if isinstance(given.code, str):
            raise
        return int(given.code or 0)
    return 0


def end(status: int) -> None:
    """Leave with what is left to do, but without taking all modules apart, which took half of a dry run's time."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # nobody shall look through all that
    with socket.socket(fileno=int(sys.argv[1])) as given:
        serve(given)
    shutil.rmtree(sys.argv[2])
