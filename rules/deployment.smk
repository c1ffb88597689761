# Which ensemble to deploy: chosen on the selection split, judged on the evaluation split.


rule deployment:
    input:
        unpack(predicted),
        members="results/{study}/members.parquet",
    output:
        chosen="results/{study}/deployment/{dataset}.parquet",
        contributions="results/{study}/contributions/{dataset}.parquet",
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


rule deployment_summary:
    input:
        study="results/{study}/study.json",
        chosen=expand("results/{{study}}/deployment/{dataset}.parquet", dataset=DATASETS),
        contributions=expand("results/{{study}}/contributions/{dataset}.parquet", dataset=DATASETS),
    output:
        "results/{study}/deployment.json",
    log:
        "logs/{study}/deployment_summary.log",
    benchmark:
        "results/{study}/benchmarks/deployment_summary.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(),
    params:
        datasets=DATASETS,
        code=code("deployment_summary"),
    message:
        "Write the deployment answer: results/{wildcards.study}/deployment.json"
    script:
        "../scripts/deployment_summary.py"
