# One job per member, over all validation sets, because starting a job and loading a network takes longer than many a
# set. Afterwards, one job per validation set gathers what all members predict on it.


if MEMBERS_WITH_NETWORK:

    rule infer:
        input:
            **ALL_SETS,
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
        output:
            directory("results/{study}/inferred/{member}"),
        log:
            "logs/{study}/infer/{member}.log",
        benchmark:
            "results/{study}/benchmarks/infer/{member}.tsv"
        wildcard_constraints:
            member=one_of(MEMBERS_WITH_NETWORK),
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(inference_megabytes, inference_minutes, GPUS),
        params:
            datasets=DATASETS,
            attributions=STUDY["attributions"],
            activation_samples=STUDY["activations"]["samples"],
            device=STUDY["device"],
            finished_parts="results/{study}/finished_parts/{member}",
            code=code("infer", ATTRIBUTION_FILE),
        message:
            "Run {wildcards.member} on all validation sets"
        script:
            "../scripts/infer.py"


# Only predictions in users' files are read by set: they are in the folder of the set already.
if MEMBERS_RUN_HERE:

    rule gather:
        input:
            inferred=expand("results/{{study}}/inferred/{member}", member=MEMBERS_RUN_HERE),
            imported=[IMPORTED] if MEMBERS_IN_FILES else [],
        output:
            **{kind: directory(f"results/{{study}}/{kind}/{{dataset}}") for kind in RECORDED_KINDS},
        log:
            "logs/{study}/gather/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/gather/{dataset}.tsv"
        localrule: True
        conda:
            "../envs/study.yaml"
        resources:
            **requests(),
        params:
            code=code("gather"),
        message:
            "Gather the predictions of all members on {wildcards.dataset}"
        script:
            "../scripts/gather.py"
