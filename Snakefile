# Which kind of diversity makes an ensemble better when the data shift? Data flow, top to bottom:
# data → train → infer → pairwise → ensembles → statistics → figures → report.
import os

from snakemake.utils import min_version

min_version("9.0")

# A study given by --configfile stands alone: it is not merged with the built-in one.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.current_basedir}/config.yaml"


# Where the conda environments are made with --software-deployment-method conda apptainer. The image that the Dockerfile
# makes has the packages itself: STUDY_IMAGE=path.sif with apptainer alone.
container: os.environ.get("STUDY_IMAGE", "docker://condaforge/miniforge3:25.3.1-0")


# The opening text of Snakemake's own report (`snakemake --report`).
report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/resources.smk"
include: "rules/resources_of_supernets.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/backbones.smk"
include: "rules/supernets.smk"
include: "rules/external_members.smk"
include: "rules/infer.smk"
include: "rules/pairwise.smk"
include: "rules/ensembles.smk"
include: "rules/deployment.smk"
include: "rules/calibration.smk"
include: "rules/statistics.smk"
include: "rules/shift.smk"
include: "rules/groups.smk"
include: "rules/verdicts.smk"
include: "rules/csv_tables.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/provenance.smk"


rule all:
    default_target: True
    input:
        f"results/{STUDY['name']}/report.html",
        f"results/{STUDY['name']}/study.json",
        f"results/{STUDY['name']}/provenance.json",
    localrule: True
    message:
        "The report is {input[0]}"
