from scripts.lib.ensembles.group_results import Question, group_results, load_diversities
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    choose_device("cpu", snakemake.threads)
    files = RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs)
    tables = dict(zip(params.compared, inputs["pairwise"], strict=True))
    diversities = load_diversities(tables, params.members, params.compared)
    question = Question(params.groups, params.members, params.consensus)
    save_table(snakemake.output[0], group_results(question, files, diversities))
