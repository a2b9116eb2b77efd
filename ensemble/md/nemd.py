"""The script of a segment of the direct method: Müller-Plathe's exchange, and profiles in blocks.

The cell is cut into layers across the axis. Every few steps the hottest atom of the first layer
and the coldest of the middle one exchange velocities as in an elastic collision, so that energy and
momentum are conserved (J. Chem. Phys. 106, 6082 (1997); ``fix thermal/conductivity``). So the first
layer gets cold and the middle one hot, and heat flows back through the crystal, both ways.
"""

from __future__ import annotations

from ensemble.campaign.studies import Nemd
from ensemble.md.assignment import Assignment
from ensemble.md.passage import passage
from ensemble.md.script import (
    ENERGY,
    PER_ATOM,
    ROWS_FORMAT,
    average,
    begin,
    end,
    head,
    number,
    text,
)
from ensemble.plan.channels import HEAT_FLUX, of_species
from ensemble.plan.segments import step_count

VIRIAL_ROW = {"x": (1, 4, 5), "y": (7, 2, 6), "z": (8, 9, 3)}
"""Where ``compute centroid/stress/atom`` has the components W_xx W_xy W_xz and so on, from 1; they
are in the order xx yy zz xy xz yz yx zx zy."""

TILTS_ACROSS = {"x": ("xy", "xz"), "y": ("yz",), "z": ()}
"""Tilts with which planes across an axis do not fit the periodic cell."""

WIDER = 1 + 1e-10
"""Layers are wider by this factor: rounding must not add one that is empty."""

PROFILE, BLOCKS, EXCHANGED = "profile", "blocks", "exchanged"
"""The files of a segment of sampling: a row of each makes a row of the store."""

BLOCK_VALUES = {
    "momentum_x": "v_momentum_x",
    "momentum_y": "v_momentum_y",
    "momentum_z": "v_momentum_z",
    "temperature": "c_thermo_temp",
    "pressure": "c_thermo_press",
    "energy": "v_energy",
    "volume": "v_volume",
    "length": "v_length",
    "area": "v_area",
}
"""What is averaged over a block besides the profiles, and what LAMMPS calls it."""


def sampling_script(work: Assignment) -> str:
    """The script of a segment of sampling."""
    return text(
        [
            *head(work, "sampling"),
            *begin(work),
            *passage(work),
            "",
            "fix sampling all nve",
            *_profile(work),
            *_blocks(work),
            *swap(work),
            *_exchanged(work),
            *end(work),
        ]
    )


def study_of(work: Assignment) -> Nemd:
    """The study, which is one of this method."""
    study = work.recipe.study
    assert isinstance(study, Nemd)
    return study


def layer_values(work: Assignment) -> list[str]:
    """What is summed over the atoms of every layer, besides their temperature."""
    return [HEAT_FLUX, *(of_species("momentum", symbol) for symbol in work.species)]


def swap(work: Assignment) -> list[str]:
    """The exchange of velocities, from when the heat current settles to the end of the run."""
    study = study_of(work)
    steps = step_count(study.swap.every, study)
    return [
        "",
        *straight(work),
        f"# Every {steps} steps heat goes from the first layer to the middle one.",
        f"fix swap all thermal/conductivity {steps} {study.axis} {study.bins} "
        f"swap {study.swap.pairs}",
        *_framework(work),
    ]


def straight(work: Assignment) -> list[str]:
    """A refusal of cells in which the layers would not close upon themselves."""
    axis = study_of(work).axis
    return [
        line
        for tilt in TILTS_ACROSS[axis]
        for line in (
            f'if "$({tilt}) != 0" then &',
            f"  \"print 'ERROR: axis = {axis} needs a cell whose tilt {tilt} is 0, here $({tilt}); "
            "axis = z does for any cell'\" &",
            '  "quit 1"',
        )
    ]


def _framework(work: Assignment) -> list[str]:
    """How far the framework has moved since the heat current was switched on."""
    types = framework_types(work)
    if not types:
        return []
    return [
        f"group framework type {' '.join(map(str, types))}",
        "compute framework framework msd com yes",
    ]


def framework_types(work: Assignment) -> list[int]:
    """Atom types that must stay on their sites."""
    framework = work.recipe.material.framework
    return [k for k, symbol in enumerate(work.species, 1) if symbol in framework]


def _profile(work: Assignment) -> list[str]:
    """Number of atoms, temperature, and heat flux and momenta for an atom of every layer, each time
    before velocities change hands. A block's mean is over all atoms at all times (``norm all``).
    """
    study = study_of(work)
    momenta = (
        f"variable {of_species('momentum', symbol)} atom mass*v{study.axis}*(type=={k})"
        for k, symbol in enumerate(work.species, 1)
    )
    values = " ".join(f"v_{name}" for name in layer_values(work))
    every, repeat, block = _samples(work)
    diagonal = "+".join(
        f"c_virial[{k}]*v{x}" for k, x in zip(VIRIAL_ROW[study.axis], "xyz", strict=True)
    )
    width = f"{WIDER / study.bins:.15g}"
    return [
        "",
        *PER_ATOM,
        "# The terms of compute heat/flux, atom by atom.",
        f"variable {HEAT_FLUX} atom (c_ke_atom+c_pe_atom)*v{study.axis}"
        f"-({diagonal})/{number(work.units.lammps_nktv2p)}",
        *momenta,
        f"compute layers all chunk/atom bin/1d {study.axis} lower {width} units reduced",
        f"fix {PROFILE} all ave/chunk {every} {repeat} {block} layers temp &",
        f"    {values} norm all &",
        f"    format {ROWS_FORMAT} file ${{folder}}/{PROFILE}",
    ]


def _blocks(work: Assignment) -> list[str]:
    axis = study_of(work).axis
    every, repeat, block = _samples(work)
    values = tuple(BLOCK_VALUES.values())
    return [
        "",
        "compute kinetic_energy all ke",
        ENERGY,
        *(f"variable momentum_{x} equal mass(all)*vcm(all,{x})" for x in "xyz"),
        "variable volume equal vol",
        f"variable length equal l{axis}",
        f"variable area equal vol/l{axis}",
        average(BLOCKS, values, every=every, repeat=repeat, row=block, titles=BLOCK_VALUES),
    ]


def _exchanged(work: Assignment) -> list[str]:
    """The energy moved since the segment began, after the last exchange of a block; and the
    framework.
    """
    values = ["f_swap"] + (["c_framework[4]"] if framework_types(work) else [])
    return ["", average(EXCHANGED, values, every=work.recipe.steps_per_row)]


def _samples(work: Assignment) -> tuple[int, int, int]:
    """Steps between two samples, samples of a block, steps of a block."""
    study, block = study_of(work), work.recipe.steps_per_row
    every = step_count(study.sample.every, study)
    return every, block // every, block
