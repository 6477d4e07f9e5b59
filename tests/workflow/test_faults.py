"""A few of the drawn faults; docs/reliability.md has a run of many."""

import pytest

from .faults import KINDS, Fault, suffer, violations
from .test_reproducible import digests

pytestmark = pytest.mark.thorough

SEEDS = (14, 24)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{Fault.drawn(seed).kind}-{Fault.drawn(seed).stage}")
def test_after_a_fault_the_next_run_gives_the_same_bytes(finished, project, seed):
    fault = Fault.drawn(seed)
    suffer(project, fault)
    assert violations(project, fault, digests(finished)) == []


def test_every_kind_meets_every_stage():
    pairs = {(fault.kind, fault.stage) for fault in map(Fault.drawn, range(63))}
    assert len(pairs) == 63
    assert {kind for kind, _ in pairs} == set(KINDS)
