# Latents -> a LoRA and a face adapter for one person.


rule train_adapter:
    input:
        latents=of_training_clips(layout.LATENTS_LIST),
        boxes=of_training_clips(layout.DANCER_BOXES),
        dancers=of_training_clips(layout.DANCER_EMBEDDINGS),
        photos=layout.PHOTO_LATENTS,
        embedding=layout.EMBEDDING,
        faces=layout.PHOTO_EMBEDDINGS,
        others=others_learned(layout.HEAD_LIST, layout.PORTRAIT_LIST),
        other_latents=others_learned(layout.HEAD_LATENTS, layout.PORTRAIT_LATENTS),
        # What is said in the training is in the stamp, and other prompts change nothing.
        prompts=ancient(layout.PROMPTS),
        # Only to know that there is something to render.
        clips=ancient(layout.ALL_CLIPS),
        poses=ancient(expand(layout.CONTROL_LIST, shard=all_shards())),
        # By whom and by what the person in the dance that is held out is judged.
        landmarks=of_judged_clips(layout.LANDMARKS),
        reference=layout.REFERENCE,
        pose_model=POSE_MODEL,
        model=WAN_MODEL,
        face_model=FACE_MODEL,
        stamp=stamp(
            "train",
            "train_adapter",
            lambda w: {**training_params(), "said": texts_learned(w)},
            items=lambda w: [*training_videos(), *learned_parts()],
            files=lambda w: trained_face_branch(),
        ),
    output:
        adapter=layout.ADAPTER,
        meta=layout.ADAPTER_FACTS,
        metrics=report(
            layout.LOSSES,
            caption="captions/training.rst",
            category="train",
            labels={"person": "{identity}", "shows": "loss of each step"},
        ),
        likeness=report(
            layout.LIKENESS,
            caption="captions/likeness.rst",
            category="train",
            labels={"person": "{identity}", "shows": "likeness on its way"},
        ),
    log:
        layout.log("train_adapter"),
    benchmark:
        layout.timing("train_adapter")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,  # of more, each trains a share of the batch: --set-resources train_adapter:gpu=2
    params:
        **part("train", "wan"),
        said=said_in_training,
        controls=bool(CONTROLS.files),
        backend=PARAMS.faces.backend,
        latents_folder=folder_of(layout.LATENTS),
        checkpoints=folder_of(layout.CHECKPOINTS),
    message:
        "Training the adapter of {wildcards.identity}"
    script:
        "../scripts/train_adapter.py"


rule export_lora:
    input:
        adapter=layout.ADAPTER,
        stamp=stamp("train", "export_lora", {}),
    output:
        layout.EXPORTED_LORA,
    log:
        layout.log("export_lora"),
    benchmark:
        layout.timing("export_lora")
    wildcard_constraints:
        format="diffusers|comfyui|kohya|diffsynth",
    conda:
        "../environment.yml"
    message:
        "Exporting the LoRA of {wildcards.identity} for {wildcards.format}"
    script:
        "../scripts/export_lora.py"
