# Which portraits are in data/people, and the face branch that was trained with them: what rules ask of them.

from facedance.config.face_branch import OF_TRAIN
from facedance.face_branch.people import in_parts

TRAINED_BRANCH = layout.FACE_BRANCH.format(model=PARAMS.model)


@functools.cache  # only where somebody asks: there may be many
def portraits():
    """Portraits by their paths in data/people."""
    return inputs.photos_in(layout.folder(layout.PORTRAIT))


@functools.cache
def portrait_parts():
    return in_parts(portraits(), PARAMS.shards)


def portraits_of(wildcards):
    return {name: portraits()[name] for name in portrait_parts()[wildcards.part]}


def of_parts(template):
    return lambda w: expand(template, part=portrait_parts())


def trained_face_branch():
    """The chosen model's face branch if it was trained here; one that a model brings along belongs to the model."""
    card = layout.FACE_BRANCH_CARD.format(model=PARAMS.model)
    return [TRAINED_BRANCH] if Path(card).exists() else []


def face_branch_of_people(wildcards):
    if not portraits():
        raise SystemExit(
            "there are no portraits to train a face branch with: put those of thousands of people into data/people, a "
            "folder for each of them or single pictures"
        )
    return [TRAINED_BRANCH, layout.PEOPLE]
