"""What the queues are told: the scripts of jobs, by the documented directives of each, and what is
understood of their listings.
"""

from pathlib import Path
from typing import Any

import pytest

from ensemble.campaign import load_cluster
from ensemble.campaign.clusters import QUEUES, HTCondor, Lsf, Oar, Pbs, Queue, Sge, Slurm
from ensemble.cluster.backends import Setting
from ensemble.cluster.backends.kinds import KINDS, State, job_script, states_in

DEPLOY = Path(__file__).parents[2] / "deploy"

SETTING = Setting(name="cu195se", store=Path("/scratch/cu195se"), ranks=2)

ALL: dict[str, Any] = {
    "maximum_jobs": 4,
    "cores": 4,
    "memory": "8 GB",
    "job_script_prologue": ("module load gcc", "ulimit -c 0"),
    "local_directory": "$TMPDIR",
    "python": "/opt/venv/bin/python",
    "interface": "ib0",
}
TIMED: dict[str, Any] = {**ALL, "walltime": "04:00:30", "queue": "short"}

WORKER = (
    "/opt/venv/bin/python -m ensemble.cluster.backends.worker <address of the scheduler> "
    "--name cu195se-1 --nthreads 2 --memory-limit 3.73GiB --death-timeout 60 "
    "--local-directory $TMPDIR --nworkers 2 --interface ib0 "
    "--tls-ca-file /scratch/cu195se/work/private/<launch>/certificate.pem "
    "--tls-cert /scratch/cu195se/work/private/<launch>/certificate.pem "
    "--tls-key /scratch/cu195se/work/private/<launch>/key.pem"
)

BODY = f"""\
export ENSEMBLE_JOB_BEGIN=$(date +%s) ENSEMBLE_JOB_END=$(($(date +%s) + 14430))
module load gcc
ulimit -c 0
{WORKER}
"""

# sbatch(1)
SLURM = """\
#!/usr/bin/env bash

#SBATCH -J ensemble-cu195se
#SBATCH -e /scratch/cu195se/work/jobs/ensemble-cu195se-%J.err
#SBATCH -o /scratch/cu195se/work/jobs/ensemble-cu195se-%J.out
#SBATCH -p short
#SBATCH -A phys
#SBATCH -n 1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH -t 04:00:30
#SBATCH --exclude=node13
"""

# qsub(1B) of PBS Professional
PBS = """\
#!/usr/bin/env bash

#PBS -N ensemble-cu195se
#PBS -q short
#PBS -A phys
#PBS -l select=1:ncpus=4:mem=7630MB
#PBS -l walltime=04:00:30
#PBS -e /scratch/cu195se/work/jobs/
#PBS -o /scratch/cu195se/work/jobs/
#PBS -j oe
"""

# qsub(1) of Grid Engine
SGE = """\
#!/usr/bin/env bash

#$ -N ensemble-cu195se
#$ -q short
#$ -P phys
#$ -l h_vmem=2G
#$ -l h_rt=04:00:30
#$ -e /scratch/cu195se/work/jobs/
#$ -o /scratch/cu195se/work/jobs/
#$ -cwd
#$ -j y
#$ -pe smp 4
#$ -R y
"""

# bsub(1): -W is in hours and minutes, -M in the unit of the site
LSF = """\
#!/usr/bin/env bash

#BSUB -J ensemble-cu195se
#BSUB -e /scratch/cu195se/work/jobs/cu195se-1-%J.err
#BSUB -o /scratch/cu195se/work/jobs/cu195se-1-%J.out
#BSUB -q short
#BSUB -P "phys"
#BSUB -n 4
#BSUB -R "span[hosts=1]"
#BSUB -M 8000
#BSUB -W 04:00
#BSUB -x
"""

# oarsub(1): all resources in one -l, or the job is a moldable one
OAR = """\
#!/usr/bin/env bash

#OAR -n ensemble-cu195se
#OAR -q short
#OAR --project phys
#OAR -l /nodes=1/core=4,walltime=04:00:30
#OAR -O /scratch/cu195se/work/jobs/%jobid%.out
#OAR -E /scratch/cu195se/work/jobs/%jobid%.err
#OAR -t besteffort
#OAR -p memcore>=1908
"""

# condor_submit(1): the arguments in double quotes, a shell's command in single ones
HTCONDOR = f"""\
#!/usr/bin/env bash

MY.DaskWorkerName = "htcondor--$F(MY.JobId)--"
batch_name = cu195se-1
RequestCpus = MY.DaskWorkerCores
RequestMemory = floor(MY.DaskWorkerMemory / 1048576)
RequestDisk = floor(MY.DaskWorkerDisk / 1024)
MY.JobId = "$(ClusterId).$(ProcId)"
MY.DaskWorkerCores = 4
MY.DaskWorkerMemory = 8000000000
MY.DaskWorkerDisk = 2000000000
LogDirectory = /scratch/cu195se/work/jobs
Output = $(LogDirectory)/worker-$F(MY.JobId).out
Error = $(LogDirectory)/worker-$F(MY.JobId).err
Log = $(LogDirectory)/worker-$(ClusterId).log
Stream_Output = True
Stream_Error = True
accounting_group = phys

Arguments = "-c 'module load gcc; ulimit -c 0; {WORKER}'"
Executable = /bin/sh

Queue
"""


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            Slurm(
                kind="slurm",
                account="phys",
                job_extra_directives=("--exclude=node13",),
                **TIMED,
            ),
            SLURM + BODY,
        ),
        (Pbs(kind="pbs", account="phys", job_extra_directives=("-j oe",), **TIMED), PBS + BODY),
        (
            Sge(
                kind="sge",
                project="phys",
                parallel_environment="smp",
                resource_spec="h_vmem=2G",
                job_extra_directives=("-R y",),
                **TIMED,
            ),
            SGE + BODY,
        ),
        (
            Lsf(kind="lsf", project="phys", lsf_units="mb", job_extra_directives=("-x",), **TIMED),
            LSF + BODY.replace("14430", "14400"),
        ),
        (
            Oar(
                kind="oar",
                project="phys",
                memory_per_core_property_name="memcore",
                job_extra_directives=("-t besteffort",),
                **TIMED,
            ),
            OAR + BODY,
        ),
        (
            HTCondor(
                kind="htcondor",
                disk="2 GB",
                job_extra_directives={"accounting_group": "phys"},
                **ALL,
            ),
            HTCONDOR,
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Queue) else "",
)
def test_script(section: Slurm | Pbs | Sge | Lsf | HTCondor | Oar, expected: str) -> None:
    assert job_script(section, SETTING) == expected


def test_directives_that_are_skipped() -> None:
    section = Slurm(kind="slurm", job_directives_skip=("--mem",), **TIMED)
    assert "--mem=" not in job_script(section, SETTING)


def test_a_directive_of_htcondor_that_is_none() -> None:
    section = HTCondor(kind="htcondor", disk="2 GB", job_directives_skip=("Disk",), **ALL)
    with pytest.raises(ValueError, match=r"job_directives_skip: found 'Disk', no directive"):
        job_script(section, SETTING)


def test_what_condor_submit_would_replace() -> None:
    """It takes a shell's `$(…)` for a macro of its own."""
    lines = ("export NODE=$(hostname)",)
    with pytest.raises(ValueError, match="macro"):
        HTCondor(kind="htcondor", disk="2 GB", **{**ALL, "job_script_prologue": lines})


def test_a_job_of_one_run() -> None:
    section = Slurm(kind="slurm", tls=False, **{**TIMED, "cores": 2})
    script = job_script(section, SETTING)
    assert "--nworkers 1" in script
    assert "tls" not in script


@pytest.mark.parametrize("kind", QUEUES)
def test_deployed_files(kind: str) -> None:
    """They are ready to copy."""
    section = load_cluster(DEPLOY / f"{kind}.toml")
    assert isinstance(section, QUEUES[kind])
    assert isinstance(section, Slurm | Pbs | Sge | Lsf | HTCondor | Oar)
    assert "ensemble.cluster.backends.worker" in job_script(section, SETTING)


@pytest.mark.parametrize("kind", ["local", "address"])
def test_deployed_files_without_jobs(kind: str) -> None:
    assert load_cluster(DEPLOY / f"{kind}.toml").kind == kind


# Listings, in the form that each queue's manual shows

LISTINGS = {
    "slurm": """\
11 PENDING
12 RUNNING
13 COMPLETING
14 SPECIAL_EXIT
""",
    "pbs": """\

server.site:
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
11.server       me       short    ensemble-c    --    1   4    8gb 04:00 Q   --
12.server       me       short    ensemble-c  42135   1   4    8gb 04:00 R 00:02
13.server       me       short    ensemble-c  42136   1   4    8gb 04:00 E 03:59
14.server       me       short    ensemble-c    --    1   4    8gb 04:00 H   --
""",
    "sge": """\
job-ID  prior   name       user         state submit/start at     queue          slots ja-task-ID
-------------------------------------------------------------------------------------------------
     11 0.50000 ensemble-c me           qw    01/31/2026 12:00:00                    4
     12 0.55500 ensemble-c me           r     01/31/2026 12:00:00 all.q@node1        4
     13 0.55500 ensemble-c me           dr    01/31/2026 12:00:00 all.q@node1        4
     14 0.50000 ensemble-c me           Eqw   01/31/2026 12:00:00                    4
""",
    "lsf": """\
11 PEND
12 RUN
13 EXIT
14 PSUSP
""",
    "htcondor": """\
11 0 1
12 0 2
13 0 3
14 0 5
""",
    "oar": """\
Job id     Name           User           Submission Date     S Queue
---------- -------------- -------------- ------------------- - ----------
11         ensemble-cu195 me             2026-01-31 12:00:00 W default
12                        me             2026-01-31 12:00:00 R default
13         ensemble-cu195 me             2026-01-31 12:00:00 T default
14         ensemble-cu195 me             2026-01-31 12:00:00 H default
""",
}


@pytest.mark.parametrize("kind", KINDS)
def test_listing(kind: str) -> None:
    suffix = ".0" if kind == "htcondor" else ""
    in_error = kind in ("slurm", "sge", "htcondor")  # elsewhere somebody holds it
    assert states_in(kind, LISTINGS[kind]) == {
        f"11{suffix}": State.WAITING,
        f"12{suffix}": State.RUNNING,
        f"14{suffix}": State.STUCK if in_error else State.WAITING,
    }
