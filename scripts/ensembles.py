from scripts.lib.device import choose_device
from scripts.lib.ensembles import accuracies_table, ensembles_table
from scripts.lib.job import job
from scripts.lib.measures import pairwise_matrix
from scripts.lib.predictions import load_labels, load_predictions, probabilities
from scripts.lib.storage import load_table, save_table

with job(snakemake):
    members, baseline, files = snakemake.params.members, snakemake.params.baseline, snakemake.input
    predictions = load_predictions(
        snakemake.wildcards.dataset, members, files.predictions, files.records, files.samples
    )
    labels = load_labels(files.labels, predictions)
    pairwise = {
        measure: pairwise_matrix(load_table(path), members)
        for measure, path in zip(snakemake.params.measures, files.pairwise, strict=True)
    }
    device = choose_device(snakemake.params.device, snakemake.threads)
    table = ensembles_table(
        probabilities(predictions.logits).to(device),
        labels.to(device),
        snakemake.params.ensembles,
        pairwise,
        members.index(baseline) if baseline else None,
    )
    save_table(snakemake.output.accuracies, accuracies_table(predictions, labels))
    save_table(snakemake.output.ensembles, table)
