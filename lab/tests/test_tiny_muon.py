"""Muon's matrices are orthogonal, and it finds the bottom of a valley."""

import torch

from lab.tiny.muon import Muon, orthogonal


def test_singular_values_are_brought_near_one_and_directions_are_kept():
    matrix = torch.randn(12, 40, generator=torch.Generator().manual_seed(0))
    result = orthogonal(matrix)
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(result.flatten(), (u @ v).flatten(), dim=0) > 0.97
    torch.testing.assert_close(orthogonal(matrix.T), result.T)


def test_both_kinds_of_parameters_reach_their_target():
    random = torch.Generator().manual_seed(1)
    matrix, vector = (torch.nn.Parameter(torch.randn(*shape, generator=random)) for shape in ((6, 8), (5,)))
    target = torch.randn(6, 8, generator=random)
    optimizer = Muon([matrix], [vector], 0.05, 0.05)
    start = None
    for step in range(200):
        loss = (matrix - target).square().sum() + (vector - 1).square().sum()
        start = start or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.factor = 1 - step / 200
        optimizer.step()
    assert loss.item() < 0.01 * start
