# What lies in data/: what the user brings there, and what the sample makes. Rules know it by names; what the user brings
# is no input of a rule, because its content counts (see `stamp`) and its path may be anything. Jobs get it as a parameter.

from facedance import inputs
from facedance.aist.listed import meant_videos
from facedance.sample import catalogue, own
from facedance.sample.record import recorded

IDENTITIES = list(PARAMS.identities)
SAMPLE_IDENTITIES = list(PARAMS.sample.identities) if PARAMS.sample.enabled else []
SAMPLE_VIDEOS = own.videos_to_make() if PARAMS.sample.enabled else []
SAMPLE_SEQUENCES = own.keypoints_to_make(SAMPLE_VIDEOS)


def fetched(template, rule, wanted):
    """Those of AIST's files that are fetched, or were: what the user has put there under such a name is not touched."""
    (wildcard,) = layout.JOBS[rule]
    return [
        name
        for name in wanted
        if not Path(template.format(**{wildcard: name})).exists()
        or Path(layout.of_job("data/.stamps", rule, [name], ".json")).exists()
    ]


try:
    MEANT_VIDEOS = meant_videos(PARAMS.aist.videos, PARAMS.aist.list)
except ValueError as error:
    raise SystemExit(str(error)) from None
if sampled := [video for video in MEANT_VIDEOS if video in SAMPLE_VIDEOS]:
    raise SystemExit(
        f"aist.videos: {sampled[0]} is the name of a sample's video too: set sample.enabled to false"
    )
AIST_VIDEOS = fetched(layout.VIDEO, "fetch_aist_video", MEANT_VIDEOS)
AIST_SEQUENCES = fetched(
    layout.KEYPOINTS,
    "fetch_aist_keypoints",
    sorted({sequence_name(v) for v in MEANT_VIDEOS} if PARAMS.aist.keypoints else ()),
)
IGNORE_LIST = (
    layout.IGNORE_LIST if PARAMS.aist.ignore_list else PARAMS.clips.ignore_list
)
MADE_VIDEOS = [*SAMPLE_VIDEOS, *AIST_VIDEOS]


@functools.cache
def photos_of(identity):
    """Photos of an identity by their names."""
    return own.photos_of(identity, sample=identity in SAMPLE_IDENTITIES)


def sample_photos_of(identity):
    """What has to be made before the photos of an identity can be looked at."""
    sample = [identity] if identity in SAMPLE_IDENTITIES else []
    return expand(layout.SAMPLE_PHOTOS, identity=sample)


BROUGHT = inputs.videos_in(
    layout.folder(layout.VIDEO),
    made=expand(layout.VIDEO, video=MADE_VIDEOS),
    without=() if PARAMS.sample.enabled else own.own_videos(),
)
VIDEOS = BROUGHT.files  # name -> path
CONTROLS = inputs.videos_in(layout.folder(layout.CONTROL_VIDEO))
CONTROL_CLIPS = [names.control_id(name) for name in CONTROLS.files]

VIDEOS_OF_SHARD = {}
for name in VIDEOS:
    VIDEOS_OF_SHARD.setdefault(names.shard_of(name, PARAMS.shards), []).append(name)

SHARDS = sorted(VIDEOS_OF_SHARD)


def all_shards():
    return (
        [*SHARDS, names.CONTROL_SHARD]
        if CONTROLS.files or CONTROLS.unusable
        else SHARDS
    )


def videos_of_shard(wildcards):
    """Paths of the shard's videos by their names."""
    return {name: VIDEOS[name] for name in VIDEOS_OF_SHARD[wildcards.shard]}


def made_of_shard(wildcards):
    """Those of the shard's videos that a rule makes or fetches."""
    here = set(VIDEOS_OF_SHARD.get(wildcards.shard, ()))
    return expand(layout.VIDEO, video=[v for v in MADE_VIDEOS if v in here])


@functools.cache
def keypoints_of(sequence):
    """AIST++'s keypoints of a sequence, if there are any."""
    path = layout.KEYPOINTS.format(sequence=sequence)
    if sequence in SAMPLE_SEQUENCES or sequence in AIST_SEQUENCES:
        return [path]
    return [ancient(path)] if own.has_users_keypoints(sequence) else []


def keypoints_of_shard(wildcards):
    """AIST++'s keypoints of the shard's videos, of those for which there are any."""
    used = VIDEOS_OF_SHARD.get(wildcards.shard, ())
    sequences = sorted({sequence_name(name) for name in used})
    there = [path for name in sequences for path in keypoints_of(name)]
    return there if PARAMS.poses.use_keypoints2d else []


KNOWN = checks.Known(
    videos=VIDEOS,
    controls=CONTROL_CLIPS,
    shards=all_shards(),
    sample=catalogue.VIDEOS,
)

if workflow.is_main_process:
    try:
        photos = {identity: photos_of(identity) for identity in IDENTITIES}
        checks.check_inputs(PARAMS, KNOWN, photos)
        checks.check_files(PARAMS)
        checks.check_patterns(PARAMS, KNOWN)
    except ValueError as error:
        raise SystemExit(str(error)) from None
