"""The face that a render is given is the face that it is scored against."""

import numpy as np
import pytest
import torch

from facedance.config.rendering import Blend
from facedance.evaluate.distances import People
from facedance.faces.embedding import Embedding
from facedance.render.blend import blended_faces, member_weights

A, B = Embedding(np.eye(3, dtype=np.float32)[0], 1.0), Embedding(np.eye(3, dtype=np.float32)[1], 1.0)


def test_interpolation_goes_along_the_great_circle() -> None:
    angles = torch.linspace(0, torch.pi / 2, 5)
    expected = torch.stack([angles.cos(), angles.sin(), 0 * angles], 1)
    moving = blended_faces({"a": A, "b": B}, Blend(between=("a", "b"), t="moving"), frames=5)
    assert torch.allclose(moving, expected, atol=1e-6)
    fixed = blended_faces({"a": A, "b": B}, Blend(between=("a", "b"), t=0.25), frames=5)
    assert torch.allclose(fixed, expected[1:2], atol=1e-6)
    still = blended_faces({"a": A, "b": A}, Blend(between=("a", "b"), t="moving"), frames=2)
    assert torch.equal(still, torch.from_numpy(np.stack([A.vector, A.vector])))


def test_weights_are_of_embeddings_and_adapters() -> None:
    blend = Blend(weights={"a": 1.0, "b": 3.0})
    assert torch.allclose(blended_faces({"a": A, "b": B}, blend, 5), torch.tensor([[1.0, 3.0, 0.0]]) / 10**0.5)
    assert member_weights(["a", "b"], blend) == {"a": 0.25, "b": 0.75}
    assert member_weights(["a", "b"], Blend(between=("b", "a"), t=0.25)) == {"b": 0.75, "a": 0.25}
    assert member_weights(["a", "b"], Blend(between=("a", "b"), t="moving")) == {"a": 0.5, "b": 0.5}
    assert member_weights(["a"], None) == {"a": 1.0}
    with pytest.raises(ValueError, match="2 people and no blend"):
        member_weights(["a", "b"], None)
    assert torch.equal(blended_faces({"a": A}, None, 5), torch.from_numpy(A.vector)[None])


@pytest.mark.parametrize(
    "spec",
    [
        None,
        Blend(weights={"ann": 1.0, "ben": 3.0, "eve": 0.5}),
        Blend(between=("ann", "ben"), t=0.3),
        Blend(between=("ben", "ann"), t="moving"),
    ],
)
def test_the_rendered_face_is_the_scored_one(spec: Blend | None) -> None:
    rng = np.random.default_rng(0)
    everybody = {name: Embedding.of(rng.normal(size=128) * length) for name, length in (("ann", 0.5), ("ben", 2.0), ("eve", 1.0))}
    latent_frames, frames = 13, 49  # each latent frame but the first covers four, and its face is the last one's
    people = People(everybody, {"it": spec} if spec else {}, [])
    members = spec.members if spec else ("ann",)
    rendered = blended_faces({name: everybody[name] for name in members}, spec, latent_frames).numpy()
    scored = people.target("it" if spec else "ann", range(0, frames, 4), of=frames)
    directions = [Embedding.of(raw).vector for raw in scored]  # the score's are of the recogniser's lengths
    assert rendered.shape[0] == (latent_frames if spec and spec.t == "moving" else 1)
    np.testing.assert_allclose(np.broadcast_to(rendered, scored.shape), directions, rtol=1e-6, atol=1e-7)
