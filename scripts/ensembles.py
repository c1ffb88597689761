from scripts.lib.device import choose_device
from scripts.lib.ensembles import accuracies_table, correct_samples, ensembles_table
from scripts.lib.job import job
from scripts.lib.measures import load_pairwise
from scripts.lib.predictions import load_labels, load_predictions, probabilities
from scripts.lib.storage import save_table

with job(snakemake):
    dataset, params, files = snakemake.wildcards.dataset, snakemake.params, snakemake.input
    predictions = load_predictions(
        dataset, params.members, files.predictions, files.records, files.samples, files.classes
    )
    device = choose_device(params.device, snakemake.threads)
    labels = load_labels(files.labels, predictions).to(device)
    scores = probabilities(predictions.logits).to(device)
    pairwise = {
        measure: load_pairwise(path, params.members)
        for measure, path in zip(params.measures, files.pairwise, strict=True)
    }
    baseline = params.members.index(params.baseline) if params.baseline else None
    accuracies = accuracies_table(dataset, params.members, correct_samples(scores, labels), len(labels))
    save_table(snakemake.output.accuracies, accuracies)
    save_table(snakemake.output.ensembles, ensembles_table(scores, labels, params.ensembles, pairwise, baseline))
