# facedance: photos of a person + dance videos -> videos of that person dancing.
# Each file in rules/ is one stage; docs/architecture.md tells what passes between them.

from snakemake.utils import min_version

min_version("9.0")


configfile: "params.yaml"


# What `snakemake --report report.html` says of the whole.
report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/people.smk"
include: "rules/sample.smk"
include: "rules/models.smk"
include: "rules/plan.smk"
include: "rules/faces.smk"
include: "rules/clips.smk"
include: "rules/poses.smk"
include: "rules/dancers.smk"
include: "rules/latents.smk"
include: "rules/train.smk"
include: "rules/render.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/prune.smk"


rule all:
    default_target: True
    input:
        "results/report/index.html",


rule data:
    input:
        all_photos(),
        all_videos(),
        all_keypoints(),


rule models:
    input:
        POSE_MODEL,
        FACE_MODEL,
        WAN_MODEL,
        LORA_FILES,


rule faces:
    input:
        expand("results/faces/{identity}/embedding.safetensors", identity=IDENTITIES),


rule clips:
    input:
        "results/clips/clips.csv",


rule poses:
    input:
        expand("results/poses/shards/{shard}.csv", shard=all_shards()),


rule dancers:
    input:
        "results/dancers/dancers.safetensors",
        expand("results/dancers/boxes/{shard}.parquet", shard=SHARDS),


rule latents:
    input:
        "results/latents/prompts.safetensors",
        expand("results/latents/shards/{shard}.csv", shard=all_shards()),
        expand("results/latents/photos/{identity}.safetensors", identity=IDENTITIES),


rule train:
    input:
        expand("results/train/{identity}/adapter.safetensors", identity=IDENTITIES),


rule render:
    input:
        render_manifests(),


rule evaluate:
    input:
        "results/evaluate/metrics.json",


rule report:
    input:
        "results/report/index.html",
