"""What there is: packages, GPU, onnxruntime's providers, and how fast the GPU multiplies and copies."""

import functools
import importlib
import json
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import torch
from steps import fastest

from gpu.acts import Acts, Measured

_IMPORTED = ("diffusers", "transformers", "peft", "accelerate", "av", "cv2", "decord", "dlib", "pandas", "safetensors")
_OPTIONAL = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnx",
    "insightface",
    "triton",
    "flash-attn",
    "sageattention",
    "kernels",
    "diffsynth",
)
_PROVIDERS = Path(__file__).with_name("onnx_providers.py")


def parts(small: bool) -> Acts:
    """Rows about the machine."""
    yield "GPU", _gpu
    yield "packages", _packages
    yield "the project", _project
    yield "matrix product, bfloat16", functools.partial(_product, 512 if small else 8192)
    yield "copy on the device", functools.partial(_copy, 2**24 if small else 2**31)
    for before in ("nothing", "preload", "torch"):
        yield f"onnxruntime after {before}", functools.partial(_providers, before)


def _gpu() -> Measured:
    if not torch.cuda.is_available():
        return Measured(note=f"none; torch {torch.__version__}")
    device = torch.cuda.get_device_properties(0)
    return Measured(
        note=f"{device.name}, {device.total_memory / 2**30:.1f} GiB, {device.multi_processor_count} multiprocessors, "
        f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    )


def _packages() -> Measured:
    """Versions, and how long importing took; what cannot be imported is named with the reason."""
    started, said = time.monotonic(), []
    for name in _IMPORTED:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            said.append(f"{name}: {error}")
        else:
            said.append(f"{name} {getattr(module, '__version__', 'there')}")
    took = time.monotonic() - started
    installed = {name: version for name in _OPTIONAL if (version := _version(name))}
    return Measured(took, note=", ".join([*said, *(f"{name} {version}" for name, version in installed.items())]))


def _project() -> Measured:
    """How long importing takes what trains and renders."""
    started = time.monotonic()
    for name in ("facedance.train.learner", "facedance.wan.pipeline", "facedance.plan.peaks"):
        importlib.import_module(name)
    driver = importlib.import_module("facedance.wan.device").driver_version()
    return Measured(time.monotonic() - started, note=f"driver {driver or 'none'}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _product(size: int) -> Measured:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return Measured(fastest(lambda: [left @ right for _ in range(10)], 3) / 10, 2 * size**3 / 1e12)


def _copy(count: int) -> Measured:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = torch.ones(count, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    took = fastest(lambda: target.copy_(source), 5)
    return Measured(took, note=f"{2 * count / took / 1e9:,.0f} GB/s, read and written")


def _providers(before: str) -> Measured:
    """What a session really runs on, in a process of its own, since torch leaves its libraries in this one."""
    done = subprocess.run([sys.executable, str(_PROVIDERS), before], capture_output=True, text=True, check=False)
    if done.returncode:
        return Measured(note=done.stderr.strip().splitlines()[-1])
    said = json.loads(done.stdout.splitlines()[-1])
    return Measured(said["seconds"], note=f"built with {', '.join(said['built'])}; a session has {', '.join(said['session'])}")
