"""Who sits for the benchmark: nobody that the model was trained on, and no two of them alike."""

from facedance.sample.traits import EILEEN

APART = 0.6
"""Two people are this far apart in dlib's measure, below which it takes them for one."""

WORLD_SEED = 0
"""Of faces and clothes: the people are the same in every run."""

CONSENT = "public-domain"

NAMES = (EILEEN, *(f"heldout {i}" for i in (11, 29, 49, 58, 73, 87, 117, 119, 133, 191, 277, 288, 293, 297, 346)))
"""The portrait's own person, and of "heldout 0" to "heldout 398" as many as were found of whom no two are alike.

To take them in order, leaving out who is like somebody before, gives only 12 of the first 550: all faces are made from one
portrait, so there is not room for many. They were chosen by these distances alone, before anything was rendered of them.
"""


def folder_name(name: str) -> str:
    """A person's name as a file's or folder's."""
    return name.replace(" ", "_")


SITTERS = {folder_name(name): name for name in NAMES}
"""Names by folder."""
