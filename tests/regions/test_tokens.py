"""Parts of the picture as tokens."""

import pytest
import torch

from facedance.regions.tokens import region


def test_tokens_are_those_with_a_part_and_as_many_in_each_frame():
    part = torch.zeros(3, 4, 6)
    part[0, :2, :2], part[1, 2, 4], part[1, 0, 0] = 1, 0.5, 1
    found = region(part, (1, 2, 2))
    assert found is not None
    assert found.frames == 3
    assert len(found.token) == 3 * 2
    assert found.token.unique().equal(found.token)
    assert found.token.unflatten(0, (3, 2)).div(6, rounding_mode="floor").equal(torch.arange(3)[:, None].expand(3, 2))
    whole = torch.zeros(18).index_put((found.token,), found.weight[:, 0])
    assert whole.nonzero().flatten().tolist() == [0, 6, 11]
    assert whole[[0, 6, 11]].tolist() == [1, 0.25, 0.125]


def test_everything_is_all_tokens_in_their_order():
    found = region(torch.ones(2, 4, 4), (1, 2, 2))
    assert found is not None
    assert found.token.tolist() == list(range(8))
    assert found.weight.flatten().tolist() == [1.0] * 8


def test_nothing_is_no_region():
    assert region(torch.zeros(2, 4, 4), (1, 2, 2)) is None
    with pytest.raises(ValueError, match="2 latent frames"):
        region(torch.ones(2, 4, 4), (2, 2, 2))
