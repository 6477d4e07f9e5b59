# facedance: photos of a person + dance videos -> videos of that person dancing.
# Each file in rules/ is one stage; docs/architecture.md tells what passes between them.

from snakemake.utils import min_version

min_version("9.0")


# What `snakemake --report report.html` says of the whole.
report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/people.smk"
include: "rules/portraits.smk"
include: "rules/sample.smk"
include: "rules/models.smk"
include: "rules/plan.smk"
include: "rules/faces.smk"
include: "rules/aist.smk"
include: "rules/clips.smk"
include: "rules/poses.smk"
include: "rules/check.smk"
include: "rules/dancers.smk"
include: "rules/latents.smk"
include: "rules/face_branch.smk"
include: "rules/train.smk"
include: "rules/render.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/prune.smk"


rule all:
    default_target: True
    input:
        layout.REPORT,


rule data:
    input:
        expand(layout.SAMPLE_PHOTOS, identity=SAMPLE_IDENTITIES),
        expand(layout.VIDEO, video=MADE_VIDEOS),
        expand(layout.KEYPOINTS, sequence=[*SAMPLE_SEQUENCES, *AIST_SEQUENCES]),
        [layout.IGNORE_LIST] if PARAMS.aist.ignore_list else [],


rule models:
    input:
        POSE_MODEL,
        FACE_MODEL,
        WAN_MODEL,
        FETCHED_LORAS,


rule faces:
    input:
        expand(layout.EMBEDDING, identity=IDENTITIES),
        lambda w: proportions_asked(),


rule clips:
    input:
        layout.ALL_CLIPS,


rule poses:
    input:
        expand(layout.CONTROL_LIST, shard=all_shards()),


rule check:
    input:
        layout.CHECK,


rule dancers:
    input:
        layout.ALL_DANCERS,
        expand(layout.DANCER_BOXES, shard=SHARDS),


rule latents:
    input:
        layout.PROMPTS,
        expand(layout.LATENTS_LIST, shard=all_shards()),
        expand(layout.PHOTO_LATENTS, identity=IDENTITIES),
        others_learned(layout.HEAD_LATENTS, layout.PORTRAIT_LATENTS),


rule face_branch:
    input:
        face_branch_of_people,


rule train:
    input:
        expand(layout.ADAPTER, identity=IDENTITIES),


rule render:
    input:
        lambda w: render_lists(),


rule evaluate:
    input:
        layout.MEAN_SCORES,


rule report:
    input:
        layout.REPORT,
