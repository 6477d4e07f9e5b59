# Products of people, videos and shards that the project has no more.


rule prune:
    log:
        layout.log("prune"),
    localrule: True  # takes a moment
    conda:
        "../environment.yml"
    params:
        people=IDENTITIES,
        rendered=[*IDENTITIES, *PARAMS.render.blends, *PARAMS.render.casts],
        videos=list(VIDEOS),
        controls=CONTROL_CLIPS,
        shards=all_shards(),
        parts=lambda w: [*portrait_parts()],
    message:
        "Removing what was made of people and videos that are gone"
    script:
        "../scripts/prune.py"
