"""The campaign file: what is read, every refusal with its words, what counts as physics."""

import pickle
import random
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from ensemble.campaign import (
    Campaign,
    CampaignError,
    diff_physics,
    find_files,
    load_campaign,
    parse_campaign,
)
from ensemble.campaign.clusters import Local, Slurm
from ensemble.campaign.known import PrototypeName
from ensemble.campaign.reference import reference
from ensemble.campaign.studies import Emd, Nemd, Rerun
from ensemble.prototypes import PROTOTYPES

ROOT = Path(__file__).parents[1]
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

LJ = """
[campaign]
name = "fluid"
units = "lj"

[material.fluid]
prototype = "fcc"
species = ["Ar"]
lattice = 1.882

[models]
style = "lammps"

[[models.model]]
name = "lj"
commands = ["pair_style lj/cut 2.5", "pair_coeff 1 1 1 1"]

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

REFUSALS = tomllib.loads((Path(__file__).parent / "campaign_refusals.toml").read_text())


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


# What is read


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


SLURM = '"slurm"\nmaximum_jobs = 8\nmemory = "2 GB"\nwalltime = "02:00:00"'


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


# Refusals: keys, alone and together


@pytest.mark.parametrize("case", REFUSALS["everything"], ids=lambda case: case["new"])
def test_refused(case: dict[str, str]) -> None:
    assert case["message"] in refusal(changed(case["old"], case["new"]))


@pytest.mark.parametrize("case", REFUSALS["lj"], ids=lambda case: case["new"])
def test_refused_with_models_of_lammps(case: dict[str, str]) -> None:
    assert case["message"] in refusal(changed(case["old"], case["new"], LJ))


def test_rerun_without_any_source() -> None:
    text = EXAMPLE[: EXAMPLE.index("[[study]]")] + RERUN
    assert "allowed: an emd study: none, there is no such study" in refusal(text)


def test_all_problems_are_listed() -> None:
    text = changed("timestep = 1.0", "timestep = 0", changed("lattice = 5.85", "lattise = 5.85"))
    lines = refusal(text).splitlines()
    assert lines[0] == "2 errors:"
    assert lines[1].startswith("  1. material.beta.lattise: unknown key")
    assert lines[2].startswith("  2. study.gk-600K.timestep: found 0")


def test_an_error_survives_the_way_between_processes() -> None:
    with pytest.raises(CampaignError) as caught:
        parse(changed("seeds = 5", "seeds = 0"))
    other = pickle.loads(pickle.dumps(caught.value))
    assert str(other) == str(caught.value)
    assert other.problems == caught.value.problems


# Refusals: whole files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = = 1", "not TOML: Invalid value (at line 1, column 8)"),
        (b"\xff", "not UTF-8 text: byte 0"),
        ("a" + ".a" * 3000 + " = 1", "nobody wrote that: more than 16 tables or lists"),
        ("a = " + "[" * 3000, "nobody wrote that: more than 16 tables or lists"),
        ("a = " + "9" * 5000, "not TOML: "),
        ("a = 0x" + "f" * 20, "not TOML: a whole number of 80 bits, 64 are allowed"),
        ("", "campaign: missing; allowed: a table with the keys"),
        ("study = [1]", 'study #1: found 1; allowed: a table of kind "emd", "nemd" or "rerun"'),
        ("material = {}", "material: found {}; allowed: tables [material.NAME]"),
    ],
)
def test_refused_files(content: str | bytes, message: str) -> None:
    assert message in refusal(content)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_campaign(tmp_path / "nowhere.toml")


VALUES = """
1 -1 0 1e400 nan inf 1e-320 1e300 0x7fffffffffffffff 0xffffffffffffffffffff true "x" "" [] {} [[]]
[[1]] {a=1} 1979-05-27 07:32:00 "\\u0000" "gk-600K" "emd" "nemd" "rerun" "lj" "lammps" [1,1] [1,"a"]
"[key]" [key] "auto" 0.1 [[[ = " # , \\ é
"""


def mutate(text: str, random: random.Random) -> str:
    """The text with one to four small accidents."""
    for _ in range(random.choice([1, 1, 2, 4])):
        lines, words, at = text.split("\n"), text.split(" "), random.randrange(len(text))
        line, value = random.randrange(len(lines)), random.choice(VALUES.split())
        match random.randrange(6):
            case 0:
                text = text[:at] + text[at + random.randrange(1, 30) :]
            case 1:
                text = text[:at] + chr(random.choice([random.randrange(128), 0x3B1])) + text[at:]
            case 2:
                lines.insert(line, random.choice(lines))
                text = "\n".join(lines)
            case 3:
                del lines[line]
                text = "\n".join(lines)
            case 4:
                lines[line] = f"{lines[line].split('=')[0]}= {value}"
                text = "\n".join(lines)
            case _:
                words[random.randrange(len(words))] = value
                text = " ".join(words)
    return text


@pytest.mark.parametrize("seed", range(4))
def test_no_accident_is_worse_than_an_error(seed: int) -> None:
    """Thousands of damaged files: each is a campaign, or one error that names every key."""
    generator = random.Random(seed)
    good = [EVERYTHING, LJ, *(path.read_text() for path in SHIPPED)]
    accepted = refused_by_key = 0
    for _ in range(1500):
        text = mutate(generator.choice(good), generator)
        outcome = parse_or_error(text)
        if isinstance(outcome, CampaignError):
            assert str(outcome).startswith("x.toml: ")
            assert all(p.key and p.finding and p.allowed for p in outcome.problems)
            refused_by_key += bool(outcome.problems)
        else:
            accepted += 1
            assert again(outcome) == outcome
            assert not diff_physics(outcome.physics(), outcome.physics())
    assert min(accepted, refused_by_key) > 100


# Files


def campaign_in(folder: Path, text: str, files: dict[str, str]) -> Campaign:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (folder / "c.toml").write_text(text)
    return load_campaign(folder / "c.toml")


def missing(campaign: Campaign) -> str:
    with pytest.raises(CampaignError) as caught:
        find_files(campaign)
    return str(caught.value)


def test_potentials_are_found_by_pattern(tmp_path: Path) -> None:
    names = ["models/cu2se/mtp2.mtp", "models/cu2se/mtp1.mtp", "models/cu2se/other.mtp"]
    files = find_files(campaign_in(tmp_path, EVERYTHING, dict.fromkeys(names, "")))
    assert files.models == {
        "mtp1": (tmp_path / "models/cu2se/mtp1.mtp",),
        "mtp2": (tmp_path / "models/cu2se/mtp2.mtp",),
    }
    assert files.structures == {}


def test_potentials_that_are_not_there(tmp_path: Path) -> None:
    message = missing(campaign_in(tmp_path, EXAMPLE, {}))
    assert (
        f'models.files: found "models/cu2se/mtp*.mtp", which matches no file in {tmp_path}'
        in message
    )
    other = {"models/cu2se/mtp2.mtp": ""}
    message = missing(campaign_in(tmp_path, EVERYTHING, other))
    assert (
        'study.fixed.source.model: found "mtp1"; allowed: "mtp2"; did you mean "mtp2"?' in message
    )
    text = changed("seeds = 5", 'models = ["mtp3"]', EXAMPLE)
    assert 'study.gk-600K.models: found "mtp3"; allowed: "mtp2"' in missing(
        campaign_in(tmp_path, text, other)
    )


def test_potentials_of_one_name(tmp_path: Path) -> None:
    text = changed('"models/cu2se/mtp*.mtp"', '["a/*.mtp", "b/*.mtp"]', EXAMPLE)
    message = missing(campaign_in(tmp_path, text, {"a/m.mtp": "", "b/m.mtp": ""}))
    assert "models.files: found " in message
    assert "allowed: a name of its own for each" in message
    twice = changed('"models/cu2se/mtp*.mtp"', '["a/*.mtp", "a/m.mtp"]', EXAMPLE)
    assert list(find_files(campaign_in(tmp_path, twice, {})).models) == ["m"]
    text = changed("mtp*", "*", EXAMPLE)
    for name in ("a b.mtp", f"{'a' * 97}.mtp"):
        message = missing(campaign_in(tmp_path / name, text, {f"models/cu2se/{name}": ""}))
        assert f"cu2se/{name}; allowed: a file name of letters, digits" in message
    longest = f"{'a' * 96}.mtp"
    campaign = campaign_in(
        tmp_path / longest, EXAMPLE.replace("mtp*", "*"), {f"models/cu2se/{longest}": ""}
    )
    assert list(find_files(campaign).models) == ["a" * 96]


def test_structure_and_listed_files(tmp_path: Path) -> None:
    text = changed('prototype = "fcc"', 'structure = "fluid.xyz"', LJ)
    text = changed("lattice = 1.882", "", text)
    text = changed('name = "lj"', 'name = "lj"\nfiles = ["a/table", "b/table"]', text)
    message = missing(campaign_in(tmp_path, text, {"a/table": ""}))
    assert (
        f"material.fluid.structure: found {tmp_path / 'fluid.xyz'}, which is not there" in message
    )
    assert f"models.model.lj.files: found {tmp_path / 'b/table'}, which is not there" in message
    assert 'models.model.lj.files: found two files "table"' in message
    text = changed('["a/table", "b/table"]', '"a/table"', text)
    files = find_files(campaign_in(tmp_path, text, {"fluid.xyz": ""}))
    assert files.models == {"lj": (tmp_path / "a/table",)}
    assert files.structures == {"fluid": tmp_path / "fluid.xyz"}


@pytest.mark.parametrize("name", ["my table", "$table", ".table", "'table'", "t" * 101, "täble"])
def test_files_that_an_input_script_cannot_name(tmp_path: Path, name: str) -> None:
    text = changed('name = "lj"', f'name = "lj"\nfiles = "a/{name}"', LJ)
    message = missing(campaign_in(tmp_path, text, {f"a/{name}": ""}))
    assert "models.model.lj.files: found " in message
    assert "allowed: a file name of letters, digits and _ . + -, " in message


# Physics


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[600]", "[300, 600]"),
        ("[[5, 5, 5]]", "[[5, 5, 5], [6, 6, 6]]"),
        ("seeds = 5", "seeds = [3, 9]"),
        ("seeds = 5", 'models = ["mtp1"]'),
        ("supercells = [[3, 3, 20]]", "supercells = [[3, 3, 20]]\nengine = { ranks = 2 }"),
        ("[cluster]", "[engine]\nranks = 2\n[cluster]"),
        ("time = 2000", "time = 4000"),
        ("[3, 6]", '"auto"'),
        ("time = 100 }", 'time = 100.0, pressure = 0, coupling = "iso" }'),
        ("mtp*", "level*"),
        ('"local"', SLURM),
        ("[cluster]", "[convergence]\nrelative_error = 0.1\n[cluster]"),
        (
            "[cluster]",
            "[[experiment]]\nmaterial = 'beta'\ntemperature = 600\nkappa = 0.5\n[cluster]",
        ),
        ("# Å", "# comment"),
        ("lattice = 5.85", 'lattice = 5.85\nhost = ["Se"]'),
    ],
)
def test_what_is_not_physics(old: str, new: str) -> None:
    before, after = parse(EVERYTHING).physics(), parse(changed(old, new)).physics()
    assert diff_physics(before, after) == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("timestep = 1.0", "timestep = 2.0", "study.gk-600K.timestep: was 1.0, is now 2.0"),
        ("every = 10 ", "every = 20 ", "study.gk-600K.sample.every: was 10.0, is now 20.0"),
        ("5.85", "5.9", "material.beta.lattice: was [5.85], is now [5.9]"),
        ("0.025", "0.05", "material.beta.vacancies.fraction: was 0.025, is now 0.05"),
        ('"cu195se"', '"cu195se"\nunits = "real"', 'units: was "metal", is now "real"'),
        (
            "{ time = 1000 }",
            "{ time = 1000 }\nsettle = 5",
            "study.direct.settle: was 100.0, is now 5.0",
        ),
        ('model = "mtp1"', 'model = "mtp2"', 'study.fixed.source.model: was "mtp1", is now "mtp2"'),
    ],
)
def test_what_is_physics(old: str, new: str, message: str) -> None:
    differences = diff_physics(parse(EVERYTHING).physics(), parse(changed(old, new)).physics())
    assert [str(difference) for difference in differences] == [message]
    assert not differences[0].harmless


def test_files_count_by_their_contents() -> None:
    text = changed("lattice = 1.882", "", changed('prototype = "fcc"', 'structure = "a.xyz"', LJ))
    text = changed('name = "lj"', 'name = "lj"\nfiles = "a/table"', text)
    renamed = changed("a/table", "b/table", changed("a.xyz", "b.xyz", text))
    assert diff_physics(parse(text).physics(), parse(renamed).physics()) == ()


def test_what_comes_and_goes_as_a_whole_is_harmless() -> None:
    few, many = parse(EXAMPLE).physics(), parse(EVERYTHING).physics()
    for before, after in ((few, many), (many, few)):
        differences = diff_physics(before, after)
        assert [difference.key for difference in differences] == ["study.direct", "study.fixed"]
        assert all(difference.harmless for difference in differences)
    two = changed(
        "[[study]]", '[[models.model]]\nname = "b"\ncommands = ["pair_style zero 2"]\n[[study]]', LJ
    )
    (difference,) = diff_physics(parse(LJ).physics(), parse(two).physics())
    assert difference.key == "models.model.b"
    assert difference.harmless
    (difference,) = diff_physics(
        few,
        parse(
            changed("lattice = 5.85", "lattice = 5.85", EXAMPLE).replace(
                'vacancies = { species = "Cu", fraction = 0.025 }', ""
            )
        ).physics(),
    )
    assert difference.key == "material.beta.vacancies"
    assert not difference.harmless


# The page, and the neighbours


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
