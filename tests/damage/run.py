"""Damaged inputs through the stages that read them: no traceback, no hang, no wrong result, little memory.

usage: python -m tests.damage.run --count 500 --first-seed 0        (about half a second each)
"""

import argparse
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from facedance.job import InputError
from tests.damage.damages import DAMAGES
from tests.damage.inputs import READERS, Wrong, make_inputs

LIMIT_S, LIMIT_MB = 60, 4000
BAD = ("traceback", "wrong", "hang", "memory")


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged input: `verdict` is used, refused or one of BAD."""

    seed: int
    file: str
    damage: str
    verdict: str
    said: str


def examine(seed: int, inputs: dict[Path, str], folder: Path) -> Outcome:
    """Damage an input, drawn from the seed, and give it to its stage in a process of its own."""
    draw = random.Random(seed)
    whole = draw.choice(sorted(inputs))
    damage = draw.choice(sorted(DAMAGES))
    place = folder / f"seed_{seed}"
    place.mkdir()
    path = place / whole.name
    path.write_bytes(DAMAGES[damage](whole.read_bytes(), draw))
    verdict, said = read_apart(inputs[whole], path, whole, place)
    shutil.rmtree(place)
    return Outcome(seed, whole.name, damage, verdict, said)


def read_apart(kind: str, path: Path, whole: Path, out: Path) -> tuple[str, str]:
    """Give an input to its stage in a process of its own; the verdict, and what was said."""
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    process = context.Process(target=_read, args=(kind, path, whole, out, answers))
    started = time.monotonic()
    process.start()
    while process.is_alive() and answers.empty() and time.monotonic() - started < LIMIT_S:
        process.join(0.02)
    verdict, said = ("hang", f"after {LIMIT_S} s") if process.is_alive() and answers.empty() else ("traceback", "it died")
    if not answers.empty():
        verdict, said = answers.get()
    process.kill() if verdict == "hang" else process.join()
    return verdict, said


def _read(kind: str, path: Path, whole: Path, out: Path, answers) -> None:  # type: ignore[no-untyped-def]
    try:
        reason = READERS[kind](path, whole, out)
        answer = ("refused", reason) if reason else ("used", "")
    except InputError as error:
        answer = ("refused", str(error))
    except Wrong as error:
        answer = ("wrong", str(error))
    except ValueError as error:  # params.yaml: the Snakefile says it as a sentence
        sentence = kind == "params" and "\n\n" not in str(error)
        answer = ("refused", str(error)) if sentence else ("traceback", traceback.format_exc())
    except Exception:  # noqa: BLE001  (what is looked for)
        answer = ("traceback", traceback.format_exc())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    if peak > LIMIT_MB:
        answer = ("memory", f"{peak:.0f} MB")
    answers.put(answer)


def no_threads() -> None:
    """A forked process would wait for ever for the threads that torch and OpenCV have begun here."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    no_threads()
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary, "whole")
        whole.mkdir()
        inputs = make_inputs(whole)
        outcomes = []
        for seed in range(given.first_seed, given.first_seed + given.count):
            outcome = examine(seed, inputs, Path(temporary))
            outcomes.append(outcome)
            if outcome.verdict in BAD:
                print(f"seed {seed}: {outcome.file} {outcome.damage}: {outcome.verdict}\n{outcome.said}", flush=True)
    print("| kind | used | refused | " + " | ".join(BAD) + " |\n|" + " --- |" * 7)
    for kind in READERS:
        counts = Counter(o.verdict for o in outcomes if inputs[whole / o.file] == kind)
        print(f"| {kind} | " + " | ".join(str(counts[verdict]) for verdict in ("used", "refused", *BAD)) + " |")
    sys.exit(any(o.verdict in BAD for o in outcomes))


if __name__ == "__main__":
    main()
