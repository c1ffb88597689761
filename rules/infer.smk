# One job per member, over all validation sets, because starting a job and loading a network takes longer than many a
# set. Afterwards, one job per validation set gathers what all members predict on it.


INFERRED_ALONE = [member for member in MEMBERS_WITH_NETWORK if member not in GROUP_OF]
INFERENCE_PARAMS = {
    "datasets": DATASETS,
    "attributions": STUDY["attributions"],
    "activation_samples": STUDY["activations"]["samples"],
    "device": STUDY["device"],
}

if INFERRED_ALONE:

    rule infer:
        input:
            **ALL_SETS,
            classes=CLASSES_OF_ALL_SETS,
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
        output:
            directory("results/{study}/inferred/{member}"),
        log:
            "logs/{study}/infer/{member}.log",
        benchmark:
            "results/{study}/benchmarks/infer/{member}.tsv"
        wildcard_constraints:
            member=one_of(INFERRED_ALONE),
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(inference_megabytes, inference_minutes, GPUS),
        params:
            **INFERENCE_PARAMS,
            finished_parts="results/{study}/finished_parts/{member}",
            code=code("infer", ATTRIBUTION_FILE),
        message:
            "Run {wildcards.member} on all validation sets"
        script:
            "../scripts/infer.py"


if GROUP_IDS:

    rule infer_groups:
        input:
            **ALL_SETS,
            classes=CLASSES_OF_ALL_SETS,
            trained=lambda wildcards: [
                f"results/{wildcards.study}/groups/{group}"
                for group in GROUPS_OF_SETTING[wildcards.setting]
            ],
        output:
            directory("results/{study}/inferred_groups/{setting}"),
        log:
            "logs/{study}/infer_groups/{setting}.log",
        benchmark:
            "results/{study}/benchmarks/infer_groups/{setting}.tsv"
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(groups_inference_megabytes, groups_inference_minutes, GPUS),
        params:
            **INFERENCE_PARAMS,
            members=lambda wildcards: [
                GROUP_ENTRIES[group]["members"] for group in GROUPS_OF_SETTING[wildcards.setting]
            ],
            finished_parts="results/{study}/finished_parts_of_groups/{setting}",
            code=code("infer_groups", ATTRIBUTION_FILE),
        message:
            "Run the groups of {wildcards.setting} (all seeds) on all validation sets"
        script:
            "../scripts/infer_groups.py"


# Only predictions in users' files are read by set: they are in the folder of the set already.
if MEMBERS_RUN_HERE:

    rule gather:
        input:
            inferred=[
                f"results/{{study}}/inferred/{member}"
                for member in MEMBERS_RUN_HERE
                if member not in GROUP_OF
            ],
            groups=[f"results/{{study}}/inferred_groups/{setting}" for setting in GROUPS_OF_SETTING],
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
