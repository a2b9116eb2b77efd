"""The command line, run as its users run it."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ENSEMBLE = Path(sysconfig.get_path("scripts")) / "ensemble"
MODELS = Path(__file__).parent / "potentials"


def ensemble(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(ENSEMBLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def assert_fails(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_help() -> None:
    """That of every command is looked at in tests/cli."""
    done = ensemble("--help")
    assert done.returncode == 0
    assert "examples:\n  ensemble " in done.stdout


def test_help_imports_little() -> None:
    """No numerical library is imported to print a help text: it answers at once."""
    code = (
        "import sys, ensemble, ensemble.cli; ensemble.cli.build_parser();"
        "print(sorted({'numpy', 'ase', 'scipy', 'vesin', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-I", "-c", code], text=True) == "[]\n"


def test_version() -> None:
    assert ensemble("--version").stdout.startswith("ensemble 0.")


def test_wrong_command_lines_are_one_line() -> None:
    assert_fails(ensemble(), 2, "COMMAND", "--help")
    assert_fails(ensemble("launhc"), 2, "launhc", "potential")
    assert_fails(ensemble("potential", "info"), 2, "file", "ensemble potential info --help")
    assert_fails(
        ensemble("potential", "info", "a.mtp", "--jsn"),
        *(2, "--jsn; did you mean --json?", "ensemble potential info --help"),
    )


@pytest.mark.parametrize(
    ("level", "basic", "products", "scalars"),
    [(10, 25, 42, 16), (12, 46, 117, 29), (14, 81, 348, 52)],
)
def test_info(level: int, basic: int, products: int, scalars: int) -> None:
    path = MODELS / f"level{level}.mtp"
    facts = json.loads(ensemble("potential", "info", path, "--json").stdout)
    assert facts["level"] == level
    assert facts["species_count"] == 2
    assert facts["species"] == []
    assert facts["cutoff"] == 5.0
    assert facts["min_dist"] == 1.9
    assert [facts["basic_moments"], facts["products"]] == [basic, products]
    assert facts["scalars"] == scalars
    radial = 4 * facts["radial_functions"] * facts["chebyshev_functions"]
    assert facts["coefficients"] == radial + 2 + scalars
    text = ensemble("potential", "info", path).stdout
    assert facts["hash"] in text
    assert len(text.splitlines()) == len(facts)


def test_info_of_bad_files(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.mtp"
    assert_fails(ensemble("potential", "info", missing), 1, str(missing), "No such file")
    broken = tmp_path / "broken.mtp"
    broken.write_text((MODELS / "level10.mtp").read_text()[:2000])
    assert_fails(ensemble("potential", "info", broken), 1, str(broken))


def test_check_of_a_good_potential() -> None:
    done = ensemble("potential", "check", MODELS / "level10.mtp")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(ensemble("potential", "check", MODELS / "level10.mtp", "--json").stdout)
    assert report["checks"]


def test_generate(tmp_path: Path) -> None:
    path = tmp_path / "new.mtp"
    options = ["--level", 16, "--species", "Cu", "Se", "--cutoff", 5.5, "--min-dist", 2.0]
    done = ensemble("potential", "generate", *options, "-o", path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(ensemble("potential", "info", path, "--json").stdout)
    assert (facts["level"], facts["species"]) == (16, ["Cu", "Se"])
    assert (facts["cutoff"], facts["min_dist"], facts["scalars"]) == (5.5, 2.0, 92)
    before = path.read_bytes()
    assert_fails(ensemble("potential", "generate", *options, "-o", path), 1, str(path), "already")
    assert path.read_bytes() == before


def test_generate_refuses_what_is_not_a_level(tmp_path: Path) -> None:
    path = tmp_path / "new.mtp"
    options = ["--species", "Cu", "--cutoff", 5, "-o", path]
    assert_fails(ensemble("potential", "generate", "--level", 7, *options), 1, "level", "7")
    assert not path.exists()


def test_build_plugin_of_nothing(tmp_path: Path) -> None:
    done = ensemble("potential", "build-plugin", "--lammps", tmp_path)
    assert_fails(done, 1, str(tmp_path))


# Campaigns and stores; what they do is shown in tests/cluster


QUICKSTART = Path(__file__).parents[1] / "campaigns" / "quickstart.toml"
DEPLOY = QUICKSTART.parents[1] / "deploy"


@pytest.mark.parametrize("command", ["status", "results"])
def test_a_folder_that_is_no_store(command: str, tmp_path: Path) -> None:
    assert_fails(ensemble(command, tmp_path), 1, str(tmp_path), "no store", "ensemble launch")


@pytest.mark.parametrize("command", ["launch", "plan"])
def test_a_campaign_that_is_not_there(command: str, tmp_path: Path) -> None:
    assert_fails(ensemble(command, tmp_path / "none.toml"), 1, "none.toml", "No such file")


@pytest.mark.parametrize("command", ["launch", "plan"])
def test_all_that_is_wrong_with_a_campaign_is_listed(command: str, tmp_path: Path) -> None:
    campaign = tmp_path / "wrong.toml"
    campaign.write_text(QUICKSTART.read_text().replace("seeds", "sedes").replace("emd", "md"))
    done = ensemble(command, campaign, *(["--store", tmp_path / "store"] * (command == "launch")))
    assert done.returncode == 1
    first, *problems = done.stderr.splitlines()
    assert str(campaign) in first
    assert "errors:" in first
    assert len(problems) >= 2
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("workers", ["0", "-1", "two"])
def test_a_number_of_workers_that_is_none(workers: str) -> None:
    assert_fails(ensemble("plan", QUICKSTART, "--workers", workers), 2, workers, "positive")


def test_plan() -> None:
    done = ensemble("plan", QUICKSTART, "--no-measurement", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["runs"] == 12
    assert [study["atoms"] for study in plan["studies"]] == [{"3x3x3": 319}, {"2x2x12": 566}]
    table = ensemble("plan", QUICKSTART, "--no-measurement")
    assert table.returncode == 0
    assert "12 runs" in table.stdout


def test_a_queue_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    store, cluster = tmp_path / "store", DEPLOY / "oar.toml"
    done = ensemble("launch", QUICKSTART, "--store", store, "--cluster", cluster)
    assert_fails(done, 1, "cluster.kind", "found oar", "no oarsub on this machine")
    assert not store.exists()


def test_plan_on_another_cluster(tmp_path: Path) -> None:
    done = ensemble(
        "plan", QUICKSTART, "--no-measurement", "--json", "--cluster", DEPLOY / "slurm.toml"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["workers"] == 80


def test_job_script() -> None:
    done = ensemble("plan", QUICKSTART, "--cluster", DEPLOY / "slurm.toml", "--job-script")
    assert done.returncode == 0, done.stderr
    assert "\n#SBATCH -J ensemble-quickstart\n" in done.stdout
    assert "-m ensemble.cluster.backends.worker <address of the scheduler> " in done.stdout


def test_this_machine_has_no_job_script() -> None:
    done = ensemble("plan", QUICKSTART, "--job-script")
    assert_fails(done, 1, "cluster.kind", "found local", "slurm, pbs, sge, lsf, htcondor, oar")
