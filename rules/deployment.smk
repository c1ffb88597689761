# Which ensemble to deploy: chosen on the selection split, judged on the evaluation split.


rule deployment:
    input:
        unpack(predicted),
        members="results/{study}/members.parquet",
    output:
        chosen="results/{study}/deployment/{dataset}.parquet",
        contributions="results/{study}/contributions/{dataset}.parquet",
        counted="results/{study}/deployment/{dataset}.npy",
    log:
        "logs/{study}/deployment/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/deployment/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(ensembles_megabytes, ensembles_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        ensembles=STUDY["ensembles"],
        share=STUDY["deployment"]["selection_share"],
        seed=STUDY["seed"],
        device=STUDY["device"],
        code=code("deployment", *CONSENSUS_FILES),
    message:
        "Choose ensembles on the selection split of {wildcards.dataset}, judge them on the evaluation split"
    script:
        "../scripts/deployment.py"


# Weights, other metrics and budgets, judged under shift. Only where probabilities are averaged.
if AVERAGING:

    rule choices:
        input:
            unpack(predicted_everywhere),
            members="results/{study}/members.parquet",
            counted=expand("results/{{study}}/deployment/{dataset}.npy", dataset=DATASETS),
            temperatures="results/{study}/temperatures.parquet",
        output:
            choices="results/{study}/choices.parquet",
            held_out="results/{study}/choices_held_out.parquet",
        log:
            "logs/{study}/choices.log",
        benchmark:
            "results/{study}/benchmarks/choices.tsv"
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(choices_megabytes, choices_minutes, GPUS),
        params:
            members=MEMBER_IDS,
            datasets=DATASETS,
            deployment=STUDY["deployment"],
            largest=STUDY["ensembles"]["greedy"],
            seed=STUDY["seed"],
            device=STUDY["device"],
            code=code("choices", *CONSENSUS_FILES),
        message:
            "Choose weights on the selection splits, judge them on the evaluation splits"
        script:
            "../scripts/choices.py"


rule deployment_summary:
    input:
        study="results/{study}/study.json",
        classes=CLASSES_OF_ALL_SETS[0],
        chosen=expand("results/{{study}}/deployment/{dataset}.parquet", dataset=DATASETS),
        contributions=expand("results/{{study}}/contributions/{dataset}.parquet", dataset=DATASETS),
        choices=CHOICE_TABLES,
        held_out=HELD_OUT_TABLES,
        lists=lists_of_stated_classes,
    output:
        "results/{study}/deployment.json",
    log:
        "logs/{study}/deployment_summary.log",
    benchmark:
        "results/{study}/benchmarks/deployment_summary.tsv"
    localrule: True
    conda:
        "../envs/study.yaml"
    resources:
        **requests(),
    params:
        datasets=DATASETS,
        files=fingerprints(lists_of_stated_classes),
        code=code("deployment_summary"),
    message:
        "Write the deployment answer: results/{wildcards.study}/deployment.json"
    script:
        "../scripts/deployment_summary.py"
