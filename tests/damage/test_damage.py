"""Damaged inputs end in a sentence or are used rightly; that whole ones are used shows that the readers read."""

import pytest

from tests.damage.inputs import READERS, make_inputs
from tests.damage.run import BAD, examine, no_threads, read_apart


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    no_threads()
    return make_inputs(tmp_path_factory.mktemp("whole"))


def test_whole_inputs_are_used(inputs, tmp_path):
    assert set(inputs.values()) == READERS.keys()
    for path, kind in inputs.items():
        out = tmp_path / path.name
        out.mkdir()
        assert read_apart(kind, path, path, out) == ("used", "")


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_input_ends_in_a_sentence_or_is_used_rightly(inputs, tmp_path, seed):
    outcome = examine(seed, inputs, tmp_path)
    assert outcome.verdict not in BAD, outcome
