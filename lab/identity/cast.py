"""Who sits for the benchmark: nobody that the model was trained on, and no two of them alike."""

from facedance.sample.traits import EILEEN

APART = 0.6
"""Two people are this far apart in dlib's measure, below which it takes them for one."""

WORLD_SEED = 0
"""Of faces and clothes: the people are the same in every run."""

CONSENT = "public-domain"

NAMES = (EILEEN, *(f"heldout {i}" for i in (29, 49, 59, 73, 87, 117, 119, 133, 277, 288, 297, 346, 401, 413, 576)))
"""The portrait's own person, and as many of "heldout 0" to "heldout 699" as were found of whom no two are alike.

All faces are made from one portrait, so there is not room for many. Left out is whom dlib finds in fewer than 95 of 100 frames as
they are drawn, in four dances that are not the benchmark's: of their renders it could not tell anything. Nothing else chose
them (`benchmarks/sitters.py`).
"""


def folder_name(name: str) -> str:
    """A person's name as a file's or folder's."""
    return name.replace(" ", "_")


def person_name(folder: str) -> str:
    """The person of whom `folder_name` gave this."""
    return folder.replace("_", " ")
