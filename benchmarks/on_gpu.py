"""What ten minutes of a GPU settle: speed, memory and every switch at full size, with random weights and without internet.

usage: python benchmarks/on_gpu.py [--small] [--parts NAME ...] [--seconds 480] [--peak TFLOPS] [--out FOLDER]

On a machine that has torch but not the rest and no internet, the rest is carried in wheels/: see benchmarks/gpu_wheels.sh.
Parts run in the order of their importance, each within its share of the time. What fails is a row that says why, and the next
goes on. After each row results.json and results.md are written to --out ($OUT, or results/on_gpu). --small, the default where
torch sees no GPU, runs every part on a CPU with a tiny model. --peak is the dense bfloat16 speed in the card's data sheet, of
which a row's share is told; without it that of known cards, or else of a large matrix product measured here.
"""

import argparse
import gc
import importlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

GIB = 2**30
DATA_SHEETS = {
    "H100 PCIe": 756,
    "H100": 989,
    "H200": 989,
    "B200": 2250,
    "A100": 312,
    "L40S": 362,
    "RTX 4090": 165,
    "RTX 5090": 210,
}
"""10^12 operations a second in bfloat16 with sums in float32, without sparsity, by a piece of the card's name."""


@dataclass(frozen=True)
class Part:
    """A function `place` ("module:function") that gives rows, and its share of the time at full size."""

    place: str
    seconds: float


PARTS: Mapping[str, Part] = {
    "machine": Part("gpu.machine:parts", 60),
    "clips": Part("gpu.training:clips", 90),
    "video": Part("gpu.rendering:video", 60),
    "photos": Part("gpu.training:photos", 40),
    "passes": Part("gpu.rendering:passes", 80),
    "ladder": Part("gpu.rendering:ladder", 100),
    "vae": Part("gpu.rendering:vae", 60),
    "diffusers": Part("gpu.rendering:diffusers", 60),
    "recogniser": Part("gpu.training:recogniser", 30),
    "compiled": Part("gpu.rendering:compiled", 90),
    "peer": Part("gpu.peer:parts", 120),
}


@dataclass(frozen=True)
class Row:
    """What was found, or why nothing was."""

    part: str
    name: str
    seconds: float | None = None  # of what the name says
    work: float | None = None  # 10^12 operations in these seconds
    peak: float | None = None  # GiB that torch held of the GPU at most
    predicted: float | None = None  # GiB
    note: str = ""
    took: float = 0.0  # seconds, all of it


def main() -> None:
    """Run the parts, print their rows, and write them."""
    given = arguments()
    # cuBLAS is deterministic only with this, and looks before its first product; on Hopper it is torch's own setting.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    given.out.mkdir(parents=True, exist_ok=True)
    started, rows = time.monotonic(), []
    for name in given.parts:
        ends = started + given.seconds
        if not given.small:
            ends = min(ends, time.monotonic() + PARTS[name].seconds)
        for row in rows_of(name, given.small, ends):
            rows.append(row)
            print(shown(row), flush=True)
            write(given, rows, time.monotonic() - started)
    print(f"{time.monotonic() - started:.0f} s; {given.out / 'results.md'}")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", default=not torch.cuda.is_available())
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=480.0)
    parser.add_argument("--peak", type=float)
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "results/on_gpu")))
    return parser.parse_args()


def rows_of(name: str, small: bool, ends: float) -> Iterator[Row]:
    """The rows of a part, until it or the time has ended. What is under way is not cut short."""
    forget()  # the part before
    acts: Any = None

    def next_act() -> Any:
        nonlocal acts
        if acts is None:
            module, _, function = PARTS[name].place.partition(":")
            acts = getattr(importlib.import_module(module), function)(small)
        return next(acts, None)

    while True:
        if time.monotonic() > ends:
            yield Row(name, "the rest", note="no time was left")
            break
        found = attempt(next_act)
        if isinstance(found, str):
            yield Row(name, "the rest", note=found)
        if found is None or isinstance(found, str):
            break
        yield measured(name, *found)


def measured(part: str, name: str, act: Callable[[], Any]) -> Row:
    """One row: what the act says, with the most memory that torch held meanwhile."""
    forget()
    started = time.monotonic()
    found = attempt(act)
    took = round(time.monotonic() - started, 1)
    peak = torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else None
    if isinstance(found, str):
        return Row(part, name, peak=peak, note=found, took=took)
    predicted = None if found.predicted is None else found.predicted / GIB
    return Row(part, name, found.seconds, found.work, peak, predicted, found.note, took)


def attempt(act: Callable[[], Any]) -> Any:
    """What an act gives, or in one line why it gave nothing.

    Whatever goes wrong is caught: machine time is dear, and one missing kernel or full memory must not cost the other numbers.
    """
    try:
        return act()
    except Exception as error:  # noqa: BLE001
        first, *_ = str(error).strip().splitlines() or [""]  # torch's advice follows in others
        return f"{type(error).__name__}: {first}"


def forget() -> None:
    """Give back what nobody holds any more, and count the most memory anew."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def shown(row: Row) -> str:
    """A row as it is printed."""
    peak = "" if row.peak is None else f"{row.peak:7.2f} GiB"
    predicted = "" if row.predicted is None else f" (predicted {row.predicted:.2f})"
    spent = "" if row.seconds is None else f"{row.seconds:9.4f} s"
    return f"{row.part:10} {row.name:45} {spent:11} {peak}{predicted} {row.note} [{row.took:g} s]"


def write(given: argparse.Namespace, rows: list[Row], took: float) -> None:
    """Both files, each whole at any time."""
    ceiling, whose = ceiling_of(given.peak, rows)
    facts = {"small": given.small, "seconds": round(took, 1), "ceiling": ceiling, "ceiling_of": whose}
    texts = {
        "results.json": json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1),
        "results.md": table(rows, facts),
    }
    for name, text in texts.items():
        part = given.out / f"{name}.part"
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(given.out / name)


def ceiling_of(peak: float | None, rows: list[Row]) -> tuple[float | None, str]:
    """10^12 operations a second that the card can do, and who says so."""
    if peak:
        return peak, "--peak"
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    for name, known in DATA_SHEETS.items():
        if name in card:
            return known, f"the data sheet of {name}"
    product = next((row for row in rows if row.name.startswith("matrix product") and row.seconds and row.work), None)
    return (product.work / product.seconds, "a matrix product measured here") if product else (None, "nothing")  # type: ignore[operator]


def table(rows: list[Row], facts: Mapping[str, Any]) -> str:
    """Markdown."""
    size = "a tiny size: these numbers say only that all parts run" if facts["small"] else "full size"
    lines = [
        f"Measured at {size}, in {facts['seconds']:.0f} s. Shares are of {number(facts['ceiling'], ',.1f')} TFLOP/s "
        f"({facts['ceiling_of']}); memory is in GiB.",
        "",
        "| part | what | s | TFLOP/s | share | memory | predicted | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        speed = row.work / row.seconds if row.work and row.seconds else None
        share = speed / facts["ceiling"] if speed and facts["ceiling"] else None
        cells = [
            row.part, row.name, number(row.seconds, ".4g"), number(speed, ".4g"), number(share, ".0%"), number(row.peak, ".2f"),
            number(row.predicted, ".2f"), row.note.replace("|", "/"),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def number(value: float | None, how: str) -> str:
    """A number, or nothing where there is none."""
    return "" if value is None else format(value, how)


if __name__ == "__main__":
    main()
