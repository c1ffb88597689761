# One job a validation set and measure: how different every pair of members is.

# What each measure compares: a folder of what `infer` recorded.
RECORDED = {
    "disagreement": "predictions",
    "js_divergence": "predictions",
    "attribution_similarity": "attributions",
    "activation_similarity": "activations",
}


def recorded(wildcards):
    """The recorded arrays of all members that the measure compares."""
    folder = RECORDED[wildcards.measure]
    return expand(
        "results/{study}/{folder}/{dataset}/{member}.npy",
        study=wildcards.study,
        folder=folder,
        dataset=wildcards.dataset,
        member=MEMBERS,
    )


rule pairwise:
    input:
        recorded=recorded,
        records=expand(
            "results/{{study}}/predictions/{{dataset}}/{member}.json", member=MEMBERS
        ),
        samples="results/{study}/samples/{dataset}.txt",
    output:
        "results/{study}/pairwise/{dataset}/{measure}.parquet",
    params:
        members=MEMBERS,
        device=STUDY["device"],
        code=code("measures", "predictions", "kernels"),
    log:
        "logs/{study}/pairwise/{dataset}/{measure}.log",
    benchmark:
        "results/{study}/benchmarks/pairwise/{dataset}/{measure}.tsv"
    threads: STUDY["threads"]
    message:
        "Compare all pairs of members by {wildcards.measure} on {wildcards.dataset}"
    script:
        "../scripts/pairwise.py"
