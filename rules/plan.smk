# What the chosen settings will need, printed before any heavy work. It has no output: it runs whenever it is asked for.


rule plan:
    log:
        layout.log("plan"),
    conda:
        "../environment.yml"
    params:
        all=PARAMS.model_dump(mode="json"),
        models=folder_of(layout.WAN_MODEL),
    message:
        f"Predicting what {PARAMS.model} needs"
    script:
        "../scripts/plan.py"
