"""From the store of a campaign to the small tables that are kept of it.

The store is read and nothing in it is changed, but for the results that it keeps. It may be at work
meanwhile: what is done by then is collected.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ensemble.campaign import parse_campaign
from ensemble.plan.cost import run_seconds
from ensemble.plan.crystals import composition
from ensemble.plan.recipe import Run, cells_text
from ensemble.reproduction.samples import (
    curves,
    displacements,
    distributions,
    material_of,
    momenta,
    site_energies,
)
from ensemble.reproduction.tables import OF_CAMPAIGN, TableError, read_table, write_table
from ensemble.results import Results, open_results
from ensemble.results.groups import groups_of
from ensemble.store import ledger
from ensemble.store.planned import plan_of
from ensemble.store.progress import State
from ensemble.store.status import Status, read_status

__all__ = ["SHIFTS", "collect"]

Line = dict[str, Any]

SHIFTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Of the site energies of the first species, in eV: over the range of the paper's models."""

SECONDS_PER_HOUR = 3600.0


def collect(store: Path, folder: Path, say: Callable[[str], None] = print) -> None:
    """Write the tables of a store into a folder, unless those there are of more runs.

    Parameters
    ----------
    store
        Complete or not.
    folder
        Of the campaign's tables; it is made where there is none.
    say
        Is told what could not be collected, or that nothing was.

    Raises
    ------
    StoreError, OSError
        The store cannot be read, or a table not be written.
    """
    results = open_results(store)
    done, before = _done(read_status(store)), _runs_of_tables(folder)
    if done < before:
        say(
            f"{store}: {done} runs are done, {folder} has the tables of {before}: they stay "
            f"(without {folder / 'store.csv'} they are replaced)"
        )
        return
    makers: dict[str, Callable[[Results], Iterable[Mapping[str, Any]]]] = {
        "store": _store,
        "studies": _studies,
        "kappa": _kappa,
        "diffusion": lambda found: _records(found.diffusion()),
        "lengths": lambda found: _records(found.length_dependence()),
        "gauge": lambda found: _each(found, _gauge, "emd", say),
        "site_energies": lambda found: _each(found, site_energies, "emd rerun", say),
        # Without counts there are no moments either, which is said above.
        "distributions": lambda found: _each(found, distributions, "emd rerun", lambda _: None),
        "displacements": lambda found: _each(found, displacements, "emd", say),
        "curves": lambda found: _each(found, curves, "emd", say),
        "drift": lambda found: _records(found.energy_drift()),
        "momentum": lambda found: _each(found, momenta, "emd", say),
        "cost": _cost,
        "failures": _failures,
    }
    for name, make in makers.items():
        write_table(folder, OF_CAMPAIGN[name], make(results))


def _done(status: Status) -> int:
    return sum(study.states[State.DONE] for study in status.studies)


def _runs_of_tables(folder: Path) -> int:
    """Of how many runs the tables of a folder are; 0 where there are none, or not to be read."""
    try:
        return int(read_table(folder, OF_CAMPAIGN["store"]).runs.iloc[0])
    except (TableError, IndexError, ValueError):
        return 0


def _records(frame: Any) -> list[Line]:
    found: list[Line] = frame.to_dict("records")
    return found


def _each(
    results: Results,
    make: Callable[[Results, str], Iterable[Line]],
    methods: str,
    say: Callable[[str], None],
) -> Iterator[Line]:
    """The lines of every study by one of some methods; where there are none, why."""
    for name, study in results.info.studies.items():
        if study.method in methods.split():
            try:
                yield from list(make(results, name))
            except ValueError as error:
                say(f"{results.info.root}: {error}")


def _store(results: Results) -> Iterator[Line]:
    info = results.info
    status, campaign = read_status(info.root), parse_campaign(info.campaign, info.paths.campaign)
    failed = sum(event.kind == "failed" for event in ledger.events(info.paths))
    yield {
        "name": campaign.name,
        "description": campaign.header.description,
        "runs": _done(status),
        "runs_asked": sum(study.runs for study in status.studies),
        "launches": len(list(ledger.launches(info.paths))),
        "attempts_failed": failed,
        **info.versions[-1],
    }


def _studies(results: Results) -> Iterator[Line]:
    info = results.info
    for name, study in info.studies.items():
        physics = info.physics["study"][name]
        source = physics.get("source", {})
        groups = list(groups_of(info, _only(name)))
        yield {
            "study": name,
            "method": study.method,
            "material": study.material,
            "virial": physics.get("virial", "centroid"),
            "source_study": source.get("study", ""),
            "source_model": source.get("model", ""),
            "species": " ".join(info.physics["material"][study.material]["species"]),
            "runs": sum(len(group.done) for group in groups),
            "runs_asked": sum(group.asked for group in groups),
            "timestep": study.row_time,
            "sampled": study.sample_segments * study.rows_per_segment * study.row_time,
        }


def _only(study: str) -> Any:
    from ensemble.results import Selection

    return Selection(studies=frozenset([study]))


def _kappa(results: Results) -> Iterator[Line]:
    root = results.info.root
    for row in results.tables().kappa:
        line = row.as_dict()
        yield {
            **line,
            "verdict": _without_place(line["verdict"], root),
            "trusted": int(row.trusted),
        }


def _without_place(text: str, root: Path) -> str:
    """Where a store lay says nothing to who reads the tables elsewhere."""
    for path in (root.resolve(), root):
        text = text.replace(f"{path}/", "")
    return " ".join(text.split())


def _gauge(results: Results, study: str) -> Iterator[Line]:
    """κ while the site energies are shifted, the composition's mean of the shifts being zero."""
    info = results.info
    material = material_of(info, info.studies[study].material)
    if len(material.species) < 2:
        return
    first = material.species[0]
    for cells in info.studies[study].axes.supercells:
        shifts = [_balanced(composition(material, cells), first, shift) for shift in SHIFTS]
        found = results.gauge_scan(study, shifts, supercell=cells_text(cells))
        for line in _records(found):
            yield {
                **line,
                "supercell": cells_text(cells),
                "species": first,
                "shift": line[f"shift_{first}"],
            }


def _balanced(counts: Mapping[str, int], first: str, shift: float) -> dict[str, float]:
    """Shifts of all species that leave the total energy alone."""
    others = sum(counts.values()) - counts[first]
    back = -shift * counts[first] / others
    return {symbol: shift if symbol == first else back for symbol in counts}


def _cost(results: Results) -> Iterator[Line]:
    info = results.info
    plan = plan_of(info)
    seconds = run_seconds(plan)
    spent, ended = defaultdict[str, float](float), Counter[tuple[str, str]]()
    for event in ledger.events(info.paths):
        spent[event.study] += event.wall
        ended[event.study, event.kind] += 1
    for name, study in info.studies.items():
        groups = list(groups_of(info, _only(name)))
        done: list[Run] = [run for group in groups for _, run in group.done]
        atoms = [group.atoms for group in groups]
        line = {
            "study": name,
            "method": study.method,
            "runs": len(done),
            "runs_asked": sum(group.asked for group in groups),
            "atoms_least": min(atoms),
            "atoms_most": max(atoms),
            "attempts": ended[name, "done"] + ended[name, "failed"],
            "attempts_failed": ended[name, "failed"],
        }
        # On how many cores, and what the plan has, only the campaign knows: as launched last, it
        # may have dropped the study.
        if (recipe := plan.recipes.get(name)) is not None:
            ranks = recipe.engine.ranks / SECONDS_PER_HOUR
            line |= {
                "steps": recipe.steps,
                "core_hours": spent[name] * ranks,
                "core_hours_planned": math.fsum(map(seconds, done)) * ranks,
            }
        yield line


def _failures(results: Results) -> Iterator[Line]:
    root = results.info.root
    for failure in read_status(root).failures:
        yield {
            "study": failure.study,
            "run": failure.run,
            "cause": failure.cause,
            "message": _without_place(failure.message, root),
        }
