"""Tables of a small campaign whose answers are known, written as `collect` writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ensemble.reproduction.tables import OF_CAMPAIGN, OF_PLANS, write_table

Line = dict[str, Any]

CAMPAIGN = "cu195se-small"

MODELS = tuple(f"m{number}" for number in range(1, 6))

ERROR = 0.02
"""Half-width of every κ."""

EMD = {
    "study": "gk-600K",
    "method": "emd",
    "material": "beta",
    "temperature": 600.0,
    "supercell": "3x3x3",
}
NEMD = EMD | {"study": "direct-600K", "method": "nemd", "supercell": "3x12x3"}
LENGTHS = NEMD | {"study": "lengths-600K"}
FIXED = EMD | {"study": "fixed-600K", "method": "rerun"}
SYMMETRIC = FIXED | {"study": "symmetric-600K"}

SAME = dict.fromkeys(MODELS, 0.45)
"""κ by the direct method."""

CELLS = {"3x8x3": 230.0, "3x12x3": 350.0, "3x18x3": 530.0}
"""With their lengths in Å, of `LENGTHS`."""

INFINITE, PATH = 0.49, 20.0
"""κ∞ and mean free path."""

APART = {model: 0.5 + 1.5 * place for place, model in enumerate(MODELS)}
"""Raw κ, up to 6.5."""

DIFFUSION = {model: 1e-5 * (1 + place) for place, model in enumerate(MODELS)}

ENERGIES = {model: -2.0 + place for place, model in enumerate(MODELS)}
"""Mean U of Cu; that of Se is −5."""


def plant_tables(folder: Path, raw: Mapping[str, float] | None = None, slab: float = 1.0) -> None:
    """Write all tables.

    Parameters
    ----------
    folder
        Of the tables; the campaign's are in a folder of it.
    raw
        Raw κ by model; `APART` where not given.
    slab
        Heat flux in the slabs over that of the swaps.
    """
    rows = {
        "store": [_store()],
        "studies": _studies(),
        "kappa": [*_kappas(APART if raw is None else raw, slab), *_cells()],
        "diffusion": [*_diffusion()],
        "lengths": [*_lengths()],
        "gauge": [*_gauge()],
        "site_energies": [*_site_energies()],
        "distributions": [*_distributions()],
        "displacements": [*_displacements()],
        "curves": [*_curves()],
        "drift": [*_drift()],
        "momentum": [
            {**_place(EMD), "model": m, "seed": 1, "momentum": 1e-9, "relative": 1e-11}
            for m in MODELS
        ],
        "cost": [_cost(EMD), _cost(NEMD)],
        "failures": [
            {"study": "gk-600K", "run": "m1-s1", "cause": "lost_atoms", "message": "2 atoms | lost"}
        ],
    }
    for name, lines in rows.items():
        write_table(folder / CAMPAIGN, OF_CAMPAIGN[name], lines)
    plant_plans(folder)


def plant_plans(folder: Path) -> None:
    """The tables of the campaigns in full."""
    plan = {
        "campaign": "cu195se",
        "study": "gk-600K",
        "method": "emd",
        "runs": 45,
        "atoms_least": 1475,
        "atoms_most": 1475,
        "steps": 2_600_000,
        "core_hours": 1234.0,
        "longest_hours": 30.0,
        "measured": 0,
    }
    played = {
        "campaign": "cu195se",
        "workers": 100,
        "walltime_hours": 4.0,
        "failure_rate": 0.01,
        "runs": 45,
        "done": 45,
        "makespan_hours": 31.0,
        "lower_bound_hours": 30.0,
        "jobs": 400,
        "deaths": 3,
        "utilisation": 0.987,
    }
    write_table(folder, OF_PLANS["plan"], [plan])
    write_table(folder, OF_PLANS["simulated"], [played])
    write_table(folder, OF_PLANS["first_segments"], [])


def _place(of: Line) -> Line:
    return {name: of[name] for name in ("study", "temperature", "supercell")}


def _store() -> Line:
    return {
        "name": CAMPAIGN,
        "description": "planted",
        "runs": 30,
        "runs_asked": 31,
        "launches": 2,
        "attempts_failed": 1,
        "ensemble": "0.1",
        "lammps": "20250722",
    }


def _studies() -> list[Line]:
    source = {"source_study": EMD["study"], "source_model": "m2"}
    common = {"species": "Cu Se", "runs": 5, "runs_asked": 5, "timestep": 0.01, "sampled": 100.0}
    return [
        {**EMD, **common, "virial": "centroid"},
        {**NEMD, **common, "virial": "centroid"},
        {**LENGTHS, **common, "virial": "centroid"},
        {**FIXED, **common, **source, "virial": "centroid"},
        {**SYMMETRIC, **common, **source, "virial": "symmetric"},
    ]


def _interval(name: str, mean: float) -> Line:
    return {
        name: mean,
        f"{name}_half_width": ERROR,
        f"{name}_low": mean - ERROR,
        f"{name}_high": mean + ERROR,
    }


def _kappa(of: Line, model: str, estimate: str, kappa: float, **more: Any) -> Line:
    return {
        **of,
        "model": model,
        "atoms": 319,
        "runs": 3,
        "runs_asked": 3,
        "estimate": estimate,
        "estimator": "direct" if estimate == "direct" else "spectrum",
        **_interval("kappa", kappa),
        "temperature_sampled": of["temperature"] + 2,
        "units": "W/m/K",
        "verdict": "converged",
        "samples": 9,
        "trusted": 1,
        **more,
    }


def _kappas(raw: Mapping[str, float], slab: float) -> Iterator[Line]:
    for place, model in enumerate(MODELS):
        gamma = 1 - 0.45 / raw[model]
        parts: Line = {}
        for name, share in (("convective", 0.7), ("conductive", 0.2), ("cross", 0.1)):
            parts |= {name: share * raw[model], f"{name}_half_width": ERROR}
        yield _kappa(EMD, model, "raw", raw[model], **parts)
        coupled = {"gamma_squared": gamma, "gamma_squared_half_width": 0.01}
        yield _kappa(EMD, model, "corrected", 0.45, **coupled)
        # Within the errors, so that chance alone tells models apart.
        moved = SAME[model] + 0.003 * (-1) ** place
        fluxes = {"swap_flux": 1e-3, "swap_flux_half_width": 1e-5}
        fluxes |= {"slab_flux": slab * 1e-3, "slab_flux_half_width": 2e-5}
        yield _kappa(NEMD, model, "direct", moved, length=350.0, **fluxes)
        yield _kappa(FIXED, model, "raw", 0.4 + 0.1 * (ENERGIES[model] + 5) ** 2, **parts)
        yield _kappa(FIXED, model, "corrected", 0.45)
        yield _kappa(SYMMETRIC, model, "raw", 2 * (0.4 + 0.1 * (ENERGIES[model] + 5) ** 2))
        yield _kappa(SYMMETRIC, model, "corrected", 0.45 * 1.5)


def _cells() -> Iterator[Line]:
    """As 1/κ = (1 + λ/L)/κ∞ has them."""
    for model in MODELS[:3]:
        for cells, length in CELLS.items():
            of = LENGTHS | {"supercell": cells}
            yield _kappa(of, model, "direct", INFINITE / (1 + PATH / length), length=length)


def _diffusion() -> Iterator[Line]:
    for model in MODELS:
        common = {**EMD, "model": model, "atoms": 319, "runs": 3, "runs_asked": 3}
        yield {
            **common,
            "species": "Cu",
            "diffusion": DIFFUSION[model],
            "diffusion_half_width": 1e-6,
            "upper_limit": DIFFUSION[model] + 1e-6,
            "units": "cm²/s",
        }
        yield {
            **common,
            "species": "Se",
            "upper_limit": 1e-8,
            "units": "cm²/s",
            "problem": "no diffusion is seen",
        }


def _lengths() -> Iterator[Line]:
    for model in MODELS[:3]:
        yield {
            **_place(LENGTHS),
            "material": "beta",
            "model": model,
            "order": 1,
            "lengths": 3,
            "shortest": min(CELLS.values()),
            "longest": max(CELLS.values()),
            "kappa": INFINITE,
            "kappa_half_width": 0.05,
            "kappa_low": 0.44,
            "kappa_high": 0.54,
            "units": "W/m/K",
            "mean_free_path": PATH,
            "mean_free_path_half_width": 5.0,
            "reduced_chi_square": 1.0,
            "p_value": 0.4,
            "verdict": "converged",
        }


def _gauge() -> Iterator[Line]:
    """Raw κ is least where the shift makes up for what the site energies are."""
    for place, model in enumerate(MODELS):
        for shift in range(-3, 4):
            raw = 0.45 + 0.2 * (shift + place - 2) ** 2
            corrected = 0.45 * (1 + 1e-13 * shift)
            yield {
                **_place(EMD),
                "model": model,
                "species": "Cu",
                "shift": shift,
                **_interval("raw", raw),
                **_interval("corrected", corrected),
                "gamma_squared": 1 - 0.45 / raw,
                "gamma_squared_half_width": 0.01,
            }


def _site_energies() -> Iterator[Line]:
    for of in (EMD, FIXED):
        for model in MODELS:
            for species, mean in (("Cu", ENERGIES[model]), ("Se", -5.0)):
                yield {
                    **_place(of),
                    "model": model,
                    "species": species,
                    "mean": mean,
                    "standard_deviation": 0.2,
                    "skewness": 0.1,
                    "frames": 12,
                }


def _distributions() -> Iterator[Line]:
    for line in _site_energies():
        for step in range(-3, 4):
            density = math.exp(-(step**2) / 2)
            energy = line["mean"] + 0.2 * step
            yield {**line, "energy": energy, "density": density}


def _displacements() -> Iterator[Line]:
    for model in MODELS:
        for species, slope in (("Cu", 6e4 * DIFFUSION[model]), ("Se", 0.0)):
            for lag in range(1, 11):
                yield {
                    **_place(EMD),
                    "model": model,
                    "species": species,
                    "lag": lag,
                    "displacement": 0.5 + slope * lag,
                    "displacement_error": 0.01,
                }


def _curves() -> Iterator[Line]:
    for model in MODELS:
        for lag in (0.0, 0.1, 1.0, 10.0):
            yield {
                **_place(EMD),
                "model": model,
                "lag": lag,
                "correlation": math.exp(-lag),
                "kappa": APART[model] * (1 - math.exp(-lag)),
                "kappa_error": 0.1,
            }


def _drift() -> Iterator[Line]:
    for place, model in enumerate(MODELS):
        yield {
            **_place(EMD),
            "model": model,
            "seed": 1,
            "time": 100.0,
            "drift": -1e-5 * place,
            "units": "eV/atom",
            "relative_drift": -6e-5 * place,
        }


def _cost(of: Line) -> Line:
    return {
        "study": of["study"],
        "method": of["method"],
        "runs": 15,
        "runs_asked": 15,
        "atoms_least": 319,
        "atoms_most": 319,
        "steps": 140_000,
        "attempts": 16,
        "attempts_failed": 1,
        "core_hours": 1.25,
        "core_hours_planned": 1.0,
    }
