from scripts.lib.inference.predictions import load_labels, load_predictions, predicted_classes
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, save_json, save_table
from scripts.lib.measures.member_pairs import described_samples, pairs_table, telling_samples

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    predictions = load_predictions(RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs))
    labels = load_labels(inputs["labels"], predictions).numpy()
    predicted = predicted_classes(predictions.logits).numpy()
    classes = [name for name in load_json(inputs["classes"]) if name is not None]
    save_table(snakemake.output.table, pairs_table(predictions.members, predicted, labels, len(classes)))
    right = (predicted == labels)[:, : params.samples]
    chosen = described_samples(telling_samples(right), predictions.samples, labels, predicted)
    counts = [int((labels == label).sum()) for label in range(len(classes))]
    save_json(snakemake.output.samples, {"classes": classes, "class_samples": counts, "samples": chosen})
