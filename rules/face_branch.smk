# Portraits of many people in data/people -> a face branch for the chosen model, which every person's training starts from.


rule list_people:
    input:
        tables=of_parts(layout.PORTRAIT_LIST),
        stamp=stamp(
            "face_branch", "list_people", {}, items=lambda w: [*portrait_parts()]
        ),
    output:
        report(
            layout.PEOPLE,
            caption="captions/people.rst",
            category="face branch",
            labels={"shows": "portraits used and not used"},
        ),
    log:
        layout.log("list_people"),
    benchmark:
        layout.timing("list_people")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Listing the people in data/people"
    script:
        "../scripts/list_people.py"


rule encode_portrait_texts:
    input:
        model=WAN_MODEL,
        stamp=stamp(
            "face_branch",
            "encode_portrait_texts",
            {
                "negative": PARAMS.prompts[PARAMS.render.settings.negative_prompt],
                "dtype": PARAMS.wan.dtype,
            },
        ),
    output:
        layout.PORTRAIT_TEXTS,
    log:
        layout.log("encode_portrait_texts"),
    benchmark:
        layout.timing("encode_portrait_texts")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        wan=STILL,
        negative=PARAMS.prompts[PARAMS.render.settings.negative_prompt],
    message:
        "Encoding what is said of portraits"
    script:
        "../scripts/encode_portrait_texts.py"


rule train_face_branch:
    input:
        people=layout.PEOPLE,
        tables=of_parts(layout.PORTRAIT_LIST),
        latents=of_parts(layout.PORTRAIT_LATENTS),
        texts=layout.PORTRAIT_TEXTS,
        model=WAN_MODEL,
        face_model=FACE_MODEL,
        stamp=stamp(
            "face_branch",
            "train_face_branch",
            {
                **part("face_branch"),
                "wan": STILL,
                "train": some("train", *OF_TRAIN),
                **some("faces", "backend"),
                **some("render", "settings"),
            },
        ),
    output:
        # The branch that is there stays until there is another one.
        branch=update(TRAINED_BRANCH),
        sizes=update(layout.FACE_BRANCH_SIZES.format(model=PARAMS.model)),
        card=update(layout.FACE_BRANCH_CARD.format(model=PARAMS.model)),
        metrics=report(
            layout.BRANCH_LOSSES,
            caption="captions/training.rst",
            category="face branch",
            labels={"shows": "loss of each step"},
        ),
    log:
        layout.log("train_face_branch"),
    benchmark:
        layout.timing("train_face_branch")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,  # of more, each trains a share of the batch: --set-resources train_face_branch:gpu=2
    params:
        **part("face_branch", "faces", "train"),
        wan=STILL,
        settings=PARAMS.render.settings.model_dump(mode="json"),
        checkpoints=folder_of(layout.BRANCH_CHECKPOINTS),
    message:
        f"Training a face branch for {PARAMS.model}"
    script:
        "../scripts/train_face_branch.py"
