from pathlib import Path

from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_array, load_json, load_lines, require_undamaged
from scripts.lib.members.onnx_files import predict_onnx
from scripts.lib.tables.prediction_files import all_names, save_predictions

with job(snakemake):
    files, params, dataset = snakemake.input, snakemake.params, snakemake.wildcards.dataset
    require_undamaged(files.set_record, images=files.images, samples=files.samples)
    samples, classes = load_lines(files.samples), all_names(load_json(files.classes))
    choose_device("cpu", snakemake.threads)
    images = load_array(files.images)
    path, threads = files.file[0], snakemake.threads
    result = predict_onnx(params.member, path, dataset, images, samples, classes, params.stored, threads)
    save_predictions(Path(snakemake.output.record).parent, params.member["id"], dataset, samples, *result)
