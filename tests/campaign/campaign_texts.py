"""Campaign files for the tests, whole and changed, and what reading them comes to."""

from pathlib import Path

import pytest

from ensemble.campaign import Campaign, CampaignError, load_campaign, parse_campaign
from ensemble.campaign.studies import Emd

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "campaigns").glob("*.toml"))

EXAMPLE = """
[campaign]
name = "cu195se"

[material.beta]
prototype = "antifluorite"          # or structure = "beta.cif" (anything ASE reads)
species = ["Cu", "Se"]
lattice = 5.85                      # Å
vacancies = { species = "Cu", fraction = 0.025 }

[models]
style = "mtp"             # or style = "lammps" with your own pair_style / pair_coeff lines
files = "models/cu2se/mtp*.mtp"

[[study]]
name = "gk-600K"
method = "emd"
material = "beta"
temperatures = [600]
supercells = [[5, 5, 5]]
seeds = 5
timestep = 1.0                      # fs
equilibrate = [{ ensemble = "npt", time = 100 }, { ensemble = "nve", time = 500 }]   # ps
sample = { time = 2000, every = 10 }                                                # ps, fs
window = [3, 6]                     # ps; "auto" is the default

[cluster]
kind = "local"            # slurm, pbs, lsf, sge, htcondor, …: the arguments of dask-jobqueue
"""

NEMD = """
[[study]]
name = "direct"
method = "nemd"
material = "beta"
temperatures = [600]
supercells = [[3, 3, 20]]
sample = { time = 1000 }
"""

RERUN = """
[[study]]
name = "fixed"
method = "rerun"
source = { study = "gk-600K", model = "mtp1" }
"""

FLUID = """
[campaign]
name = "fluid"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.882

[models]
style = "lammps"
"""

LENNARD_JONES = """
[[models.model]]
name = "lj"
commands = ["pair_style lj/cut 2.5", "pair_coeff 1 1 1 1"]
"""

GREEN_KUBO = """
[[study]]
name = "gk"
method = "emd"
material = "fluid"
temperatures = [1.35]
supercells = [[10, 10, 10]]
timestep = 0.005
equilibrate = [{ ensemble = "nvt", time = 50 }]
sample = { time = 500, every = 0.05 }
"""

EVERYTHING = EXAMPLE + NEMD + RERUN

LJ = FLUID + LENNARD_JONES + GREEN_KUBO


def parse(text: str | bytes) -> Campaign:
    return parse_campaign(text, Path("x.toml"))


def changed(old: str, new: str, text: str = EVERYTHING) -> str:
    assert old in text
    return text.replace(old, new, 1)


def refusal(text: str | bytes) -> str:
    with pytest.raises(CampaignError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith("x.toml: ")
    return message.removeprefix("x.toml: ")


def parse_or_error(text: str) -> Campaign | CampaignError:
    try:
        return parse(text)
    except CampaignError as error:
        return error


def again(campaign: Campaign) -> Campaign:
    return Campaign.of(campaign.model_dump(by_alias=True), campaign.path, campaign.text)


def emd(campaign: Campaign) -> Emd:
    study = campaign.studies[0]
    assert isinstance(study, Emd)
    return study


SLURM = '"slurm"\nmaximum_jobs = 8\nmemory = "2 GB"\nwalltime = "02:00:00"'


def campaign_in(folder: Path, text: str, files: dict[str, str]) -> Campaign:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "c.toml").write_text(text)
    return load_campaign(folder / "c.toml")
