"""Small campaigns in folders of their own, with real potentials."""

import shutil
from pathlib import Path

from campaign_texts import FLUID, GREEN_KUBO

from ensemble.campaign import Campaign, CampaignFiles, find_files, load_campaign
from ensemble.plan.plan import Plan, make_plan
from ensemble.plan.segments import Segmentation

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "tests" / "potentials"

CU2SE = """
[campaign]
name = "small"

[material.beta]
prototype = "antifluorite"
species = ["Cu", "Se"]
lattice = 5.85
vacancies = { species = "Cu", fraction = 0.025 }

[models]
style = "mtp"
files = "level*.mtp"

[[study]]
name = "gk"
method = "emd"
material = "beta"
temperatures = [300, 600]
supercells = [[2, 2, 2], [3, 3, 3]]
seeds = 2
timestep = 2
equilibrate = [{ ensemble = "npt", time = 2 }, { ensemble = "nve", time = 1 }]
sample = { time = 40, every = 10 }

[[study]]
name = "direct"
method = "nemd"
material = "beta"
models = ["level12"]
temperatures = [600]
supercells = [[2, 2, 12]]
seeds = [7]
bins = 12
timestep = 2
equilibrate = [{ ensemble = "nvt", time = 2 }]
settle = 10
sample = { time = 30, every = 20, block = 1 }

[[study]]
name = "fixed"
method = "rerun"
source = { study = "gk", model = "level12" }
every = 20
"""

TABLE = """
[[models.model]]
name = "table"
commands = ["pair_style table linear 1000", "pair_coeff 1 1 lj.table ENTRY"]
files = "tables/lj.table"
"""

LJ = FLUID + TABLE + GREEN_KUBO


class Folder:
    """A folder with the potentials of Cu2Se, and a campaign."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for potential in MODELS.glob("*.mtp"):
            shutil.copy(potential, path)
        (path / "tables").mkdir()
        (path / "tables" / "lj.table").write_text("a table\n")

    def load(self, text: str = CU2SE) -> tuple[Campaign, CampaignFiles]:
        """The campaign of a text, and its files."""
        (self.path / "c.toml").write_text(text)
        campaign = load_campaign(self.path / "c.toml")
        return campaign, find_files(campaign)

    def plan(self, text: str = CU2SE, recorded: dict[str, Segmentation] | None = None) -> Plan:
        """The plan of a text."""
        return make_plan(*self.load(text), recorded=recorded)


def changed(text: str, **changes: str) -> str:
    """The text with the first line that begins with each key replaced."""
    for key, value in changes.items():
        start = text.index(f"\n{key} = ") + 1
        text = f"{text[:start]}{key} = {value}{text[text.index(chr(10), start) :]}"
    return text
