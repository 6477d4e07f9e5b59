# What lies in data/: what the user brings there, and what the sample makes. Rules know it by names; what the user brings
# is no input of a rule, because its content counts (see `stamp`) and its path may be anything. Jobs get it as a parameter.

from facedance import inputs
from facedance.sample import catalogue, own

IDENTITIES = list(PARAMS.identities)
SAMPLE_IDENTITIES = list(PARAMS.sample.identities) if PARAMS.sample.enabled else []
OWN_VIDEOS = {  # that the sample has made, and nobody has replaced
    path
    for video in catalogue.VIDEOS
    for path in own.own_files(
        layout.SAMPLE_VIDEO.format(video=video), layout.folder(layout.VIDEO)
    )
}


def of_sample(names, wildcard, template, record, rule):
    """Those of the sample's files that it makes: not where the user has put another file."""
    if not PARAMS.sample.enabled:
        return []
    stamps = "data/.stamps"
    return [
        name
        for name in names
        if own.is_own_or_absent(
            template.format(**{wildcard: name}),
            record.format(**{wildcard: name}),
            layout.of_job(stamps, rule, [name], ".json"),
        )
    ]


SAMPLE_VIDEOS = of_sample(
    catalogue.VIDEOS, "video", layout.VIDEO, layout.SAMPLE_VIDEO, "make_sample_video"
)
SAMPLE_SEQUENCES = [
    sequence
    for sequence in of_sample(
        catalogue.KEYPOINT_SEQUENCES,
        "sequence",
        layout.KEYPOINTS,
        layout.SAMPLE_KEYPOINTS,
        "make_sample_keypoints",
    )
    if catalogue.video_of_sequence(sequence) in SAMPLE_VIDEOS
]


@functools.cache
def photos_of(identity):
    """Photos of an identity by their names: what is in its folder, and what the sample will put there."""
    folder = f"{layout.folder(layout.PHOTO)}/{identity}"
    record = layout.SAMPLE_PHOTOS.format(identity=identity)
    found = inputs.photos_in(folder)
    if identity not in SAMPLE_IDENTITIES:
        made = own.own_files(record, folder)
        found = {name: path for name, path in found.items() if path not in made}
    elif not Path(record).exists():
        found |= {name: f"{folder}/{name}" for name in catalogue.PHOTOS}
    return dict(sorted(found.items()))


def sample_photos_of(identity):
    """What has to be made before the photos of an identity can be looked at."""
    sample = [identity] if identity in SAMPLE_IDENTITIES else []
    return expand(layout.SAMPLE_PHOTOS, identity=sample)


BROUGHT = inputs.videos_in(
    layout.folder(layout.VIDEO),
    made=expand(layout.VIDEO, video=SAMPLE_VIDEOS),
    without=set() if PARAMS.sample.enabled else OWN_VIDEOS,
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


def sample_of_shard(wildcards):
    """Those of the shard's videos that the sample makes."""
    here = set(VIDEOS_OF_SHARD.get(wildcards.shard, ()))
    return expand(layout.VIDEO, video=[v for v in SAMPLE_VIDEOS if v in here])


def keypoints_of_shard(wildcards):
    """AIST++'s keypoints of the shard's videos, of those for which there are any."""
    if not PARAMS.poses.use_keypoints2d:
        return []
    here = VIDEOS_OF_SHARD.get(wildcards.shard, ())
    sequences = sorted({sequence_name(name) for name in here})
    paths = {s: layout.KEYPOINTS.format(sequence=s) for s in sequences}
    return [
        paths[s] if s in SAMPLE_SEQUENCES else ancient(paths[s])
        for s in sequences
        if s in SAMPLE_SEQUENCES or is_users_keypoints(s)
    ]


@functools.cache
def is_users_keypoints(sequence):
    """Whether there are keypoints that the sample has not made."""
    path = layout.KEYPOINTS.format(sequence=sequence)
    record = layout.SAMPLE_KEYPOINTS.format(sequence=sequence)
    made = own.own_files(record, layout.folder(layout.KEYPOINTS))
    return path not in made and Path(path).is_file()


KNOWN = checks.Known(videos=VIDEOS, controls=CONTROL_CLIPS, shards=all_shards())

if workflow.is_main_process:
    try:
        photos = {identity: photos_of(identity) for identity in IDENTITIES}
        checks.check_inputs(PARAMS, KNOWN, photos)
        checks.check_files(PARAMS)
        checks.check_patterns(PARAMS, KNOWN)
    except ValueError as error:
        raise SystemExit(str(error)) from None
