# Adapter + control latents -> videos. A shard is rendered with the model loaded once; any single variant is a target too:
# snakemake results/render/<who>/<clip>/face_scale~1.2_seed~7.mp4, where <who> may be a cast too: 1~ann_2~ben


# What renders of a shard's clips and of one clip share.
RENDERED_FROM = dict(
    latents=lambda w: layout.LATENTS_LIST.format(shard=shard_of_renders(w)),
    controls=lambda w: layout.CONTROL_LIST.format(shard=shard_of_renders(w)),
    clips=lambda w: clips_with_music(shard_of_renders(w)),
    landmarks=lambda w: known_landmarks(shard_of_renders(w)),
    prompts=layout.PROMPTS,
    adapters=of_members(layout.ADAPTER),
    embeddings=of_members(layout.EMBEDDING),
    photos=of_members(layout.PHOTO_LATENTS),
    proportions=proportions_of_members,
    face_model=where_chosen([FACE_MODEL]),
    further_model=where_chosen(FURTHER_FACE_MODELS),
    pose_model=where_chosen([POSE_MODEL]),
    references=where_chosen(of_members(layout.REFERENCE)),
    loras=FETCHED_LORAS,
    model=WAN_MODEL,
    marks=lambda w: see_to_the_keys(),
)
WITHOUT_CHOOSING = ("facedance.render.choosing",)  # whose code counts where it is used
RENDERED_WITH = dict(
    render=render_params,
    texts=said_in_renders,
    loras=LORAS,
    latents_folder=folder_of(layout.LATENTS),
    folder=folder_of(layout.RENDER),
    who=who_is_who,
)


rule render_shard:
    input:
        **RENDERED_FROM,
        stamp=stamp(
            "render",
            "render_shard",
            render_params,
            items=lambda w: [
                *map(str, batches_of(w)),
                *said_in_renders(w).values(),
                *chosen_by(w),
            ],
            files=lambda w: LORAS.values(),
            without=WITHOUT_CHOOSING,
        ),
    output:
        layout.RENDER_LIST,
    log:
        layout.log("render_shard"),
    benchmark:
        layout.timing("render_shard")
    priority: 50  # nothing takes longer, and what is scored can wait
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **RENDERED_WITH,
        batches=batches_of,
    message:
        "Rendering {params.who}, shard {wildcards.shard}"
    script:
        "../scripts/render_shard.py"


rule render_clip:
    input:
        **RENDERED_FROM,
        stamp=stamp(
            "render",
            "render_clip",
            render_params,
            items=lambda w: [*said_in_renders(w).values(), *chosen_by(w)],
            files=lambda w: LORAS.values(),
            code="render_shard",  # what that has made is not made again
            without=WITHOUT_CHOOSING,
        ),
    output:
        video=update(layout.RENDER),
        sidecar=update(layout.RENDER_FACTS),
    log:
        layout.log("render_clip"),
    benchmark:
        layout.timing("render_clip")
    conda:
        "../environment.yml"
    threads: MODEL_THREADS
    resources:
        gpu=MODEL_GPUS,
    params:
        **RENDERED_WITH,
    message:
        "Rendering {params.who} in {wildcards.clip}: {wildcards.variant}"
    script:
        "../scripts/render_clip.py"
