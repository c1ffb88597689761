from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.pairwise import compare
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.sums import sums_table

with job(snakemake):
    wildcards, params = snakemake.wildcards, snakemake.params
    device = choose_device(params.device, snakemake.threads)
    part = int(wildcards.shard)
    measure = MEASURES[wildcards.measure]
    files = RecordedFiles.declared(wildcards.dataset, params.members, dict(snakemake.input.items()))
    sums = compare(measure, files, device, part, params.shards)
    save_table(snakemake.output[0], sums_table(sums, params.members))
