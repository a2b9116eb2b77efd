"""The script of a segment that samples at equilibrium, and the quantities that its rows hold."""

from __future__ import annotations

from collections.abc import Iterator

from ensemble.md.assignment import Assignment
from ensemble.md.passage import passage
from ensemble.md.script import ENERGY, PER_ATOM, average, begin, end, head, text
from ensemble.md.site_energies import frames
from ensemble.plan.channels import (
    HEAT_FLUX,
    HEAT_FLUX_CONDUCTIVE,
    HEAT_FLUX_CONVECTIVE,
    SQUARE_DISPLACEMENT,
    components,
    of_species,
)
from ensemble.plan.segments import rows_per_origin

AXES = "xyz"

ROWS = "rows"
"""The file of the rows."""

DISPLACED = "displaced"
"""What LAMMPS is told to call the displacements of the atoms from the last time origin."""


def sampling_script(work: Assignment) -> str:
    """The script of a segment of sampling."""
    return text(
        [
            *head(work, "sampling"),
            *begin(work),
            *passage(work),
            *sampling(work),
            *frames(work),
            *end(work),
        ]
    )


def sampling(work: Assignment, *, file: str = ROWS) -> list[str]:
    """Constant energy, and a row of all channels every few steps."""
    return [
        "",
        "fix sampling all nve",
        "",
        *PER_ATOM,
        *quantities(work.species, displacements=True),
        rows(work, file=file),
        *_origins(work),
    ]


def rows(work: Assignment, *, file: str = ROWS) -> str:
    """What writes the rows: the channels of the recipe in their order."""
    names = [channel.name for channel in work.recipe.channels]
    values = dict(_values(work.species))
    return average(
        file, [values[name] for name in names], every=work.recipe.steps_per_row, titles=names
    )


def quantities(species: tuple[str, ...], *, displacements: bool) -> list[str]:
    """The computes and variables behind the channels, from energies and virials of the atoms."""
    return [
        "compute flux all heat/flux ke_atom pe_atom virial",
        *(
            f"variable {HEAT_FLUX_CONDUCTIVE}_{x} equal c_flux[{k}]-c_flux[{k + 3}]"
            for k, x in enumerate(AXES, 1)
        ),
        *(f"group {symbol} type {k}" for k, symbol in enumerate(species, 1)),
        *(
            f"variable {name} equal mass({symbol})*vcm({symbol},{x})"
            for symbol in species
            for name, x in zip(components(of_species("momentum", symbol)), AXES, strict=True)
        ),
        "compute kinetic_energy all ke",
        ENERGY,
        "variable volume equal vol",
        *(_displacements(species) if displacements else []),
    ]


def _displacements(species: tuple[str, ...]) -> Iterator[str]:
    yield "# From where the sampling began, which the restart files keep, and relative to the"
    yield "# species' own centre of mass: a framework that drifts as a whole has not melted."
    for symbol in species:
        yield f"compute {of_species('msd', symbol)} {symbol} msd com yes"
    yield "# The same from the last of several time origins: <d^2> - <d>^2 of the displacements d."
    yield "variable everywhere atom 1"
    yield f"compute {DISPLACED} all displace/atom refresh everywhere"
    mean = " ".join(f"c_{DISPLACED}[{k}]" for k in (1, 2, 3))
    for symbol in species:
        drift, square = of_species("drift", symbol), of_species("square", symbol)
        yield f"compute {drift} {symbol} reduce ave {mean}"
        yield f"compute {square} {symbol} reduce avesq c_{DISPLACED}[4]"
        drifted = "-".join(f"c_{drift}[{k}]^2" for k in (1, 2, 3))
        yield f"variable {of_species(SQUARE_DISPLACEMENT, symbol)} equal c_{square}-{drifted}"


def _origins(work: Assignment) -> list[str]:
    """Time origins of the displacements. A segment begins with one. A row that is due at the next
    one still has the longest lag, since LAMMPS dumps when its fixes are done.
    """
    steps = rows_per_origin(work.recipe.rows_per_segment) * work.recipe.steps_per_row
    return [
        "",
        f"# A new origin every {steps} steps: that is what the dump of one atom is for.",
        "group first id 1",
        f"dump origins first custom {steps} ${{folder}}/origins id",
        f"dump_modify origins refresh c_{DISPLACED}",
    ]


def _values(species: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The channels, and what LAMMPS calls them in a ``fix ave/time``."""
    for k in range(3):
        yield components(HEAT_FLUX)[k], f"c_flux[{k + 1}]"
        yield components(HEAT_FLUX_CONVECTIVE)[k], f"c_flux[{k + 4}]"
        name = components(HEAT_FLUX_CONDUCTIVE)[k]
        yield name, f"v_{name}"
    for symbol in species:
        for name in components(of_species("momentum", symbol)):
            yield name, f"v_{name}"
        msd = of_species("msd", symbol)
        yield msd, f"c_{msd}[4]"
        square = of_species(SQUARE_DISPLACEMENT, symbol)
        yield square, f"v_{square}"
    yield "temperature", "c_thermo_temp"
    yield "pressure", "c_thermo_press"
    yield "energy", "v_energy"
    yield "volume", "v_volume"
