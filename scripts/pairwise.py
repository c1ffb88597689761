from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_array, save_table
from scripts.lib.measures.pairwise import compare, values, values_without_groups
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.sums import load_sums, pairwise_table

with job(snakemake):
    dataset, members, files = snakemake.wildcards.dataset, snakemake.params.members, snakemake.input
    measure = MEASURES[snakemake.wildcards.measure]
    if files.get("shards"):
        sums = load_sums(files.shards, members)
    else:
        device = choose_device(snakemake.params.device, snakemake.threads)
        recorded = RecordedFiles.declared(dataset, members, dict(files.items()))
        sums = compare(measure, recorded, device)
    save_array(snakemake.output.groups, values_without_groups(measure, sums).cpu().numpy())
    save_table(snakemake.output.table, pairwise_table(values(measure, sums), members, sums.samples))
