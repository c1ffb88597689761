"""The files of a study and what they hold, and which tables there are as CSV too. Needs no package.

Names have the placeholders of docs/contracts.md, such as {dataset}.
"""

FILES = {
    "study.json": "the complete study: defaults filled in, recipes merged",
    "members.parquet": "the members: parameters, multiply-accumulate operations, recipe, time",
    "accuracies/{dataset}.parquet": "the accuracy of each member with its interval; its proper scores and calibration",
    "predictions/{dataset}/{member}.npy": "logits, one row per sample, in the order of samples/{dataset}.txt",
    "attributions/{dataset}/{member}.npy": "where a member looks: one attribution map per sample",
    "activations/{dataset}/{member}.npy": "what a member represents: the input of its classifier head",
    "pairwise/{dataset}/{measure}.parquet": "pairwise table: how different every pair of members is",
    "member_pairs/{dataset}.parquet": "which member of each pair is right (.json: samples that tell them apart)",
    "ensembles/{dataset}.parquet": "every evaluated ensemble: accuracy, proper scores, improvements, diversities",
    "halves/{dataset}.parquet": "correct answers of every ensemble on the even and on the odd samples",
    "image_groups/{dataset}/": "some ensembles and all pairs in groups of images, for intervals over images",
    "best_ensembles/{dataset}.parquet": "the best ensemble that was found for each size",
    "deployment/{dataset}.parquet": "ensembles chosen on the selection split, with their held-out accuracy and cost",
    "contributions/{dataset}.parquet": "what each member contributes: leave-one-out and Shapley value",
    "temperatures.parquet": "temperatures of members and chosen ensembles, fitted on the clean selection split",
    "calibration/{dataset}.parquet": "scores of members and chosen ensembles on the evaluation split, scaled or not",
    "calibration_curves/{dataset}.parquet": "accuracy in bins of confidence, for the same rows",
    "choices.parquet": "weights by greedy selection, stacking or within a budget, on each selection split",
    "choices_held_out.parquet": "what the choices on the clean set are worth on every evaluation split",
    "deployment.json": "all of this for programs; scripts.lib.predict applies it",
    "held_out/{dataset}.parquet": "ensembles chosen on the clean set on each evaluation split; their regret",
    "robustness.parquet": "members and chosen ensembles under shift: change, relative and effective robustness",
    "robustness_lines.parquet": "the lines of the members, to which effective robustness refers",
    "robustness_over_sets.parquet": "the mean and the worst over the shifted sets",
    "robustness_by_size.parquet": "all ensembles under shift, summarised by size",
    "effects_from_clean.parquet": "the effect of the diversity on the clean set on the accuracy under shift",
    "predictors.parquet": "what of diversity and accuracy on the clean set foretells the gain under shift",
    "effects.parquet": "the effect of each diversity beyond the members' accuracy and confidence",
    "effect_differences.parquet": "by how much the effects of two measures differ",
    "verdicts.parquet": "what the study says of the paper's observations, with all numbers",
    "variance_shares.parquet": "how the variance of accuracy over ensembles divides among size, accuracies, diversity",
    "correlations.parquet": "all plain correlations, also for each ensemble size",
    "checkpoints/{member}.safetensors": "weights; the .json file of the same name has recipe and history",
    "groups/{group}/{member}.safetensors": "weights of members trained together; recipe and history beside it",
    "groups/{group}.json": "the training of a group: history, terms of the loss on training and held-out images",
    "group_results/{dataset}.parquet": "accuracy and diversity of each group",
    "ways.parquet": "the same for each way of training: means over seeds, with intervals",
    "supernets/{supernet}.stages.parquet": "the smallest and largest sub-network of a super-network after each epoch",
    "supernets/{supernet}.search.parquet": "the sub-networks that a search evaluated",
    "csv/": "most tables of this page as text, for spreadsheets: all columns, unrounded",
    "figures/{name}.png, .pdf": "the figures of this page",
    "benchmarks/{rule}/": "time and memory of every job",
}

# Tables that are also written as text. Those of all ensembles or all pairs of members would be many megabytes.
CSV_OF_STUDY = (
    *("members", "effects", "effect_differences", "variance_shares", "correlations", "temperatures", "verdicts"),
    *("choices", "choices_held_out", "effects_from_clean", "predictors", "robustness", "robustness_over_sets", "ways"),
)
CSV_OF_DATASET = ("accuracies", "best_ensembles", "deployment", "contributions", "calibration")


def content_of(table: str) -> str:
    """What a table holds, for its name without suffix, such as effects or accuracies/{dataset}."""
    return FILES[f"{table}.parquet"]
