# Renders -> who a face recogniser sees in them, and how well they follow the dance.


rule score_renders:
    input:
        manifest=layout.RENDER_LIST,
        asked_now=lambda w: [path_of(*r) for r in of_targets() if r in named(w)],
        landmarks=lambda w: known_landmarks(w.shard),
        dancers=layout.ALL_DANCERS,
        embeddings=expand(layout.EMBEDDING, identity=IDENTITIES),
        references=expand(layout.REFERENCE, identity=IDENTITIES),
        face_model=FACE_MODEL,
        pose_model=POSE_MODEL,
        stamp=stamp(
            "evaluate",
            "score_renders",
            {
                **part("evaluate", "wan"),
                "blends": {
                    n: b.model_dump(mode="json")
                    for n, b in PARAMS.render.blends.items()
                },
                "backend": [PARAMS.faces.backend, PARAMS.faces.insightface_model],
            },
            items=lambda w: expand(layout.EMBEDDING, identity=IDENTITIES),
            files=lambda w: [path_of(*render) for render in named(w)],
        ),
    output:
        scores=layout.SCORES,
        seconds=layout.SECONDS,
    log:
        layout.log("score_renders"),
    benchmark:
        layout.timing("score_renders")
    conda:
        "../environment.yml"
    resources:
        gpu=FACE_GPUS,
    params:
        **part("evaluate", "wan"),
        blends={n: b.model_dump(mode="json") for n, b in PARAMS.render.blends.items()},
        backend=PARAMS.faces.backend,
        named=named,
        renders_folder=folder_of(layout.RENDER),
        observations=folder_of(layout.OBSERVATION),
    message:
        "Scoring the renders of {wildcards.who}, shard {wildcards.shard}"
    script:
        "../scripts/score_renders.py"


rule measure_pose_accuracy:
    input:
        ground_truth=expand(layout.GROUND_TRUTH, video=SAMPLE_VIDEOS),
        videos=expand(layout.VIDEO, video=SAMPLE_VIDEOS),
        clips=layout.ALL_CLIPS,
        landmarks=expand(layout.LANDMARKS, shard=SHARDS),
        manifests=expand(layout.CONTROL_LIST, shard=SHARDS),
        stamp=stamp(
            "evaluate",
            "measure_pose_accuracy",
            {},
            items=lambda w: SHARDS,
            files=lambda w: expand(layout.GROUND_TRUTH, video=SAMPLE_VIDEOS),
        ),
    output:
        report(
            layout.POSE_ACCURACY,
            caption="captions/pose_accuracy.rst",
            category="evaluate",
            labels={"shows": "pose extraction against known joints"},
        ),
    log:
        layout.log("measure_pose_accuracy"),
    benchmark:
        layout.timing("measure_pose_accuracy")
    priority: 100  # it refuses videos of no use, also where nobody is trained anew
    localrule: True  # seconds
    conda:
        "../environment.yml"
    params:
        controls=bool(CONTROLS.files),
    message:
        "Comparing the poses of clips with known joints"
    script:
        "../scripts/measure_pose_accuracy.py"


rule summarise:
    input:
        scores=lambda w: render_lists(layout.SCORES),
        seconds=lambda w: render_lists(layout.SECONDS),
        accuracy=layout.POSE_ACCURACY,
        stamp=stamp("evaluate", "summarise", {}, items=lambda w: render_lists()),
    output:
        csv=report(
            layout.ALL_SCORES,
            caption="captions/scores.rst",
            category="evaluate",
            labels={"shows": "scores of each render"},
        ),
        seconds=report(
            layout.ALL_SECONDS,
            caption="captions/seconds.rst",
            category="evaluate",
            labels={"shows": "scores of each second of each render"},
        ),
        json=layout.MEAN_SCORES,
    log:
        layout.log("summarise"),
    benchmark:
        layout.timing("summarise")
    localrule: True  # seconds
    conda:
        "../environment.yml"
    message:
        "Summarising the scores"
    script:
        "../scripts/summarise.py"
