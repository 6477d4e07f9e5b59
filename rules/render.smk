# Adapter + control latents -> videos. A shard is rendered with the model loaded once; any single variant is a target too:
# snakemake results/render/<identity>/<clip>/face_scale~1.2_seed~7.mp4


rule render_shard:
    input:
        latents="results/latents/shards/{shard}.csv",
        clips=lambda w: clips_with_music(w.shard),
        prompts="results/latents/prompts.safetensors",
        adapters=of_members("results/train/{identity}/adapter.safetensors"),
        embeddings=of_members("results/faces/{identity}/embedding.safetensors"),
        photos=of_members("results/latents/photos/{identity}.safetensors"),
        loras=LORA_FILES,
        model=WAN_MODEL,
        stamp=stamp(
            "render",
            "render_shard",
            render_params,
            items=lambda w: [str(b) for b in batches_of(w)],
            files=lambda w: LORA_FILES,
        ),
    output:
        "results/render/manifests/{identity}/{shard}.csv",
    log:
        "logs/render_shard/{identity}.{shard}.log",
    benchmark:
        "logs/render_shard/{identity}.{shard}.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        render=render_params,
        batches=batches_of,
    message:
        "Rendering {wildcards.identity}, shard {wildcards.shard}"
    script:
        "../scripts/render_shard.py"


rule render_clip:
    input:
        latents=lambda w: f"results/latents/shards/{names.shard_of_clip(w.clip, PARAMS.shards)}.csv",
        clips=lambda w: clips_with_music(names.shard_of_clip(w.clip, PARAMS.shards)),
        prompts="results/latents/prompts.safetensors",
        adapters=of_members("results/train/{identity}/adapter.safetensors"),
        embeddings=of_members("results/faces/{identity}/embedding.safetensors"),
        photos=of_members("results/latents/photos/{identity}.safetensors"),
        loras=LORA_FILES,
        model=WAN_MODEL,
        stamp=stamp("render", "render_clip", render_params, files=lambda w: LORA_FILES),
    output:
        video="results/render/{identity}/{clip}/{variant}.mp4",
        sidecar="results/render/{identity}/{clip}/{variant}.json",
    log:
        "logs/render_clip/{identity}.{clip}.{variant}.log",
    benchmark:
        "logs/render_clip/{identity}.{clip}.{variant}.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        render=render_params,
    message:
        "Rendering {wildcards.identity} in {wildcards.clip}: {wildcards.variant}"
    script:
        "../scripts/render_clip.py"
