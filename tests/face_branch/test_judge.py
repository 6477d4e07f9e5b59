"""What is made of what was seen."""

import numpy as np

from facedance.face_branch.judge import WAYS, Sight, scores
from facedance.faces.embedding import Embedding

ANN, BOB = (Embedding.of(np.array(values)) for values in ([1.0, 0.0], [0.0, 1.0]))


def test_scores_tell_whom_the_recogniser_names():
    gallery = {"ann": ANN, "bob": BOB}
    seen = {"ann": (ANN, ANN, None, BOB), "bob": (BOB, ANN, ANN, ANN)}
    others = {"ann": "bob", "bob": "ann"}
    sights = [Sight(way, who, others[who], face) for who, faces in seen.items() for way, face in zip(WAYS, faces, strict=True)]
    table = scores(sights, gallery)
    assert table[WAYS[0]] == {"renders": 2, "found": 1.0, "distance": 0.0, "rank1": 1.0, "rank1_other": 0.0}
    assert table[WAYS[1]] == {"renders": 2, "found": 1.0, "distance": 0.7071, "rank1": 0.5, "rank1_other": 0.5}
    assert table[WAYS[2]]["found"] == 0.5
    assert table[WAYS[2]]["rank1"] == 0.0
    assert table[WAYS[3]]["rank1_other"] == 1.0
