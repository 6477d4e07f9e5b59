"""The square windows around heads that a face branch learns from: how large they are for a model."""

from facedance.config.sections import WanModel

FACE_SHARE = 0.3  # of the lines of a frame: the height of the face
HEAD_SHARE = 0.45
"""Of a window's side: the height of the face, from the brows to the chin."""
_STEP = 16  # pixels, of which the sides of a window are a multiple: a token of a published model


def window_side(wan: WanModel) -> int:
    """Side in pixels of the windows for a model, by the shorter side of its first size."""
    return max(_STEP, round(FACE_SHARE * min(wan.sizes[0]) / HEAD_SHARE / _STEP) * _STEP)


def window_of(wan: WanModel) -> WanModel:
    """The model at the size of its windows."""
    side = window_side(wan)
    return wan.model_copy(update={"sizes": ((side, side),)})
