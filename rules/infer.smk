# One job per member and validation set: logits, attributions, activations.


if MEMBERS_WITH_NETWORK:

    rule infer:
        input:
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
            images="results/{study}/images/{dataset}.npy",
            labels="results/{study}/labels/{dataset}.npy",
            samples="results/{study}/samples/{dataset}.txt",
            set_record="results/{study}/samples/{dataset}.json",
        output:
            predictions="results/{study}/predictions/{dataset}/{member}.npy",
            record="results/{study}/predictions/{dataset}/{member}.json",
            attributions="results/{study}/attributions/{dataset}/{member}.npy",
            activations="results/{study}/activations/{dataset}/{member}.npy",
        log:
            "logs/{study}/infer/{dataset}/{member}.log",
        benchmark:
            "results/{study}/benchmarks/infer/{dataset}/{member}.tsv"
        wildcard_constraints:
            member=one_of(MEMBERS_WITH_NETWORK),
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(inference_megabytes, inference_minutes, GPUS),
        params:
            attributions=STUDY["attributions"],
            activation_samples=STUDY["activations"]["samples"],
            device=STUDY["device"],
            code=code("infer", ATTRIBUTION_FILE),
        message:
            "Run {wildcards.member} on {wildcards.dataset}"
        script:
            "../scripts/infer.py"
