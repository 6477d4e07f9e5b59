# How well renders keep a face, on people, dances and photos that nothing was trained on. `snakemake benchmark_identity` asks
# for it; nothing else needs it, and it takes hours.


rule benchmark_identity:
    input:
        model=WAN_MODEL,
        pose_model=POSE_MODEL,
        face_model="models/faces/dlib/manifest.json",
        stamp=stamp(
            "benchmark",
            "benchmark_identity",
            {
                **part(
                    "wan", "faces", "poses", "train", "render", "evaluate", "benchmark"
                ),
                "prompts": PARAMS.prompts,
            },
        ),
    output:
        "results/benchmark/identity.csv",
        "results/benchmark/identity.md",
        "results/benchmark/grid.png",
    log:
        "logs/benchmark_identity.log",
    benchmark:
        "benchmarks/benchmark_identity.tsv"
    conda:
        "../environment.yml"
    threads: 16
    resources:
        gpu=1,
    params:
        all=PARAMS.model_dump(mode="json"),
        extent=part("benchmark")["benchmark"],
    message:
        "Measuring whose face is seen in renders of people that nothing was trained on"
    script:
        "../scripts/benchmark_identity.py"
