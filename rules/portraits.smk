# Which portraits are in data/people, and the face branch that was trained with them: what rules ask of them. And whose faces
# stand beside a person's photos where there is no such branch.

from facedance.config.face_branch import OF_TRAIN
from facedance.face_branch.people import in_parts

TRAINED_BRANCH = layout.FACE_BRANCH.format(model=PARAMS.model)

# A portrait has neither length nor rate, so another of a clip's changes nothing.
STILL = PARAMS.wan.model_copy(update={"frames": 5, "fps": 16}).model_dump(mode="json")


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


def begins_a_branch():
    """Whether a person's training begins a face branch, as the model has none."""
    sizes = layout.FACE_BRANCH_SIZES.format(model=PARAMS.model)
    return "face" in PARAMS.train.learned and not Path(sizes).exists()


def learns_others():
    """Whether a person's training learns other people's faces: those for whom a new face branch is wanted."""
    return bool(PARAMS.train.other_faces) and begins_a_branch()


def learned_parts():
    """The parts of data/people that a person's training learns from; while nobody has said by what right, none."""
    licensed = PARAMS.face_branch.licence.strip()
    return [*portrait_parts()] if learns_others() and licensed else []


def learned_heads():
    """The shards from whose dancers' heads a person's training learns."""
    return training_shards() if learns_others() else []


def learns_one_face():
    """Whether a new face branch sees nobody else. The tiny model brings one along, also before it is put in place."""
    alone = begins_a_branch() and not learned_parts() and not learned_heads()
    return alone and PARAMS.model != "tiny"


def heads_to_learn(wildcards):
    """The shard's videos whose dancers' heads are learned from."""
    here = VIDEOS_OF_SHARD[wildcards.shard]
    return sorted({*training_videos()} & {*here}) if learns_others() else []


def others_learned(heads, portraits):
    """Of the dancers and of data/people, the files of these templates that a person's training reads."""
    return lambda w: [
        *expand(heads, shard=learned_heads()),
        *expand(portraits, part=learned_parts()),
    ]


def face_branch_of_people(wildcards):
    if not portraits():
        raise SystemExit(
            "there are no portraits to train a face branch with: put those of thousands of people into data/people, a "
            "folder for each of them or single pictures"
        )
    return [TRAINED_BRANCH, layout.PEOPLE]
