# Latents -> a LoRA and a face adapter for one person.


rule train_adapter:
    input:
        latents=expand("results/latents/shards/{shard}.csv", shard=training_shards()),
        boxes=expand("results/dancers/boxes/{shard}.parquet", shard=training_shards()),
        dancers=expand(
            "results/dancers/embeddings/{shard}.safetensors", shard=training_shards()
        ),
        photos="results/latents/photos/{identity}.safetensors",
        embedding="results/faces/{identity}/embedding.safetensors",
        prompts="results/latents/prompts.safetensors",
        model=WAN_MODEL,
        face_model=FACE_MODEL,
        stamp=stamp(
            "train",
            "train_adapter",
            {**part("train", "wan"), "prompt": PARAMS.render.settings.prompt},
            items=lambda w: training_videos(),
        ),
    output:
        adapter="results/train/{identity}/adapter.safetensors",
        meta="results/train/{identity}/meta.json",
        metrics=report(
            "results/train/{identity}/metrics.csv",
            caption="captions/training.rst",
            category="train",
            labels={"person": "{identity}", "shows": "loss of each step"},
        ),
    log:
        "logs/train_adapter/{identity}.log",
    benchmark:
        "logs/train_adapter/{identity}.tsv"
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,  # of more, each trains a share of the batch: --set-resources train_adapter:gpu=2
    params:
        **part("train", "wan"),
        prompt=PARAMS.render.settings.prompt,
    message:
        "Training the adapter of {wildcards.identity}"
    script:
        "../scripts/train_adapter.py"


rule export_lora:
    input:
        adapter="results/train/{identity}/adapter.safetensors",
        stamp=stamp("train", "export_lora", {}),
    output:
        "results/train/{identity}/lora.{format}.safetensors",
    log:
        "logs/export_lora/{identity}.{format}.log",
    benchmark:
        "logs/export_lora/{identity}.{format}.tsv"
    wildcard_constraints:
        format="diffusers|comfyui|kohya|diffsynth",
    conda:
        "../environment.yml"
    message:
        "Exporting the LoRA of {wildcards.identity} for {wildcards.format}"
    script:
        "../scripts/export_lora.py"
