from scripts.lib.ensembles.image_groups import kept_in_groups
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.tables import positions_compared
from scripts.lib.statistics.effects_from_clean import Datasets, effects_from_clean
from scripts.lib.statistics.predictors import predictors_table
from scripts.lib.statistics.split_evidence import read_split_evidence
from scripts.lib.statistics.without_images import with_fewer_images

with job(snakemake):
    params, files = snakemake.params, dict(snakemake.input.items())
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    compared = positions_compared(params.members, params.compared)
    kept = kept_in_groups(chosen, compared.values(), params.seed)

    def read() -> Datasets:
        evidence = read_split_evidence(files, params.datasets, params.members, params.compared, len(chosen))
        return with_fewer_images(evidence, files, params.members, params.compared, chosen, kept)

    save_table(snakemake.output.effects, effects_from_clean(read, chosen, params.permutations, params.seed))
    save_table(snakemake.output.predictors, predictors_table(read, chosen))
