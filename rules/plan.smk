# What the chosen settings will need, printed before any heavy work. It has no output: it runs whenever it is asked for.


rule plan:
    log:
        "logs/plan.log",
    conda:
        "../environment.yml"
    params:
        all=PARAMS.model_dump(mode="json"),
    message:
        f"Predicting what {PARAMS.model} needs"
    script:
        "../scripts/plan.py"
