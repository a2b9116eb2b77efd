"""Model cards in Markdown. Every number is from the cards of the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from ensemble.training.checks.compare import Difference

__all__ = ["markdown"]

Card = Mapping[str, Any]

NOTHING = "–"


def markdown(
    cards: Sequence[Card], *, differences: Sequence[Difference] = (), command: str = ""
) -> str:
    """The tables of all models of a material, and how they can be made again.

    Parameters
    ----------
    cards
        What `run` and `run_teacher` gave; the teacher's goes first, to be compared with.
    differences
        What `compare` gave.
    command
        What makes the models and the card anew.
    """
    sections = [
        ("Models", _models(cards)),
        ("Errors", _errors(cards)),
        ("Crystal at 0 K", _crystals(cards)),
        ("Molecular dynamics", _dynamics(cards)),
        ("Site energies", _site_energies(cards)),
        ("Differences between the models", _differences(differences)),
        ("How to make them again", [f"    {command}"] if command else []),
    ]
    return (
        "\n\n".join(
            f"## {title}\n\n" + "\n".join(lines) for title, found in sections if (lines := [*found])
        )
        + "\n"
    )


def _found(card: Card, check: str) -> Any:
    """What a check found; None where it was not done, or found nothing."""
    return card.get(check, {}).get("found")


def _models(cards: Sequence[Card]) -> Iterator[str]:
    made = [card for card in cards if "made" in card]
    if not made:
        rows = [[card["name"], card.get("level", card.get("identity", NOTHING))] for card in cards]
        if rows:
            yield from _table(["model", "level"], rows)
        return
    yield "Share is that of the trajectories in the training set. A model that is fitted to one"
    yield "composition keeps the split of the energy between the species that it starts with: that"
    yield "of least squares, and what is given here.\n"
    heads = ["model", "level", "cutoff (Å)", "seed", "share", "fitted to", "frames", "steps"]
    yield from _table([*heads, "energies of the species (eV)"], map(_made, made))


def _made(card: Card) -> list[object]:
    record = card["made"]
    model = record["model"]
    shifts = (f"{key} {value:+g}" for key, value in model["species_energies"].items())
    return [
        *(card["name"], card["level"], model["cutoff"] or record["fit"]["cutoff"]),
        *(model["seed"], model["share"], model["material"] or "all"),
        *(record["training_errors"]["frames"], record["steps"], ", ".join(shifts) or NOTHING),
    ]


def _errors(cards: Sequence[Card]) -> Iterator[str]:
    keys = ("energy_mae", "force_mae", "force_rmse", "stress_rmse")
    rows = [
        [
            card["name"],
            "all" if group["temperature"] is None else f"{group['temperature']:g}",
            group["frames"],
            *(_number(group[key], ".3g") for key in keys),
        ]
        for card in cards
        for group in _found(card, "errors") or ()
    ]
    if rows:
        yield "Against the teacher, on trajectories that no model has seen any frame of.\n"
        heads = ["model", "T (K)", "frames", "energy MAE (meV/atom)", "force MAE (meV/Å)"]
        yield from _table([*heads, "force RMSE (meV/Å)", "stress RMSE (GPa)"], rows)


def _crystals(cards: Sequence[Card]) -> Iterator[str]:
    lattice = _keys((_found(card, "crystal") or {}).get("lattice", {}) for card in cards)
    constants = _keys((_found(card, "elastic") or {}).get("constants", {}) for card in cards)
    heads = ["model", *(f"{key} (Å)" for key in lattice), "B (GPa)"]
    heads += [*(f"{key} (GPa)" for key in constants), "lowest phonon (THz)", "highest (THz)"]
    rows: list[list[str]] = []
    problems: list[str] = []
    for card in cards:
        if not any(check in card for check in ("crystal", "elastic", "phonons")):
            continue
        crystal, elastic, phonon = (
            _found(card, check) or {} for check in ("crystal", "elastic", "phonons")
        )
        row = [card["name"], *(_number(crystal.get("lattice", {}).get(k), ".3f") for k in lattice)]
        row.append(_number(elastic.get("bulk_modulus"), ".1f"))
        row += [_number(elastic.get("constants", {}).get(key), ".1f") for key in constants]
        row += [_number(phonon.get(key), ".2f") for key in ("lowest", "highest")]
        rows.append(row)
        problems += _problems(card)
    if rows:
        yield "The unit cell without vacancies, relaxed with its symmetry kept. Elastic constants"
        yield "are those with relaxed ions; a negative frequency is an imaginary one.\n"
        yield from _table(heads, rows)
        yield from problems


def _problems(card: Card) -> Iterator[str]:
    problems = dict.fromkeys(
        card[check]["problem"]
        for check in ("crystal", "elastic", "phonons")
        if "problem" in card.get(check, {})
    )
    yield from (f"\n{card['name']}: {problem}." for problem in problems)


def _trajectories(cards: Sequence[Card]) -> Iterator[tuple[Card, dict[str, Any]]]:
    for card in cards:
        for one in _found(card, "dynamics") or ():
            yield card, one


def _dynamics(cards: Sequence[Card]) -> Iterator[str]:
    found = [*_trajectories(cards)]
    if not found:
        return
    species = _keys(one["displacement"] for _, one in found)
    first = found[0][1]
    yield f"{first['atoms']} atoms, at constant energy after settling at zero pressure. V is the"
    yield "volume of a unit cell and its cube root, <r²> the largest mean square displacement since"
    yield "the sampling began, the drift that of the total energy in 50 ps.\n"
    heads = ["model", "T (K)", "time (ps)", "survived", "V (Å³)", "V^⅓ (Å)", "P (GPa)"]
    heads += [f"D {symbol} (cm²/s)" for symbol in species]
    heads += [f"<r²> {symbol} (Å²)" for symbol in species] + ["drift (eV/atom)"]
    rows: list[list[str]] = []
    failures: list[str] = []
    for card, one in found:
        row = [card["name"], f"{one['temperature']:g}", f"{one['time']:g}"]
        row += ["no" if one["failure"] else "yes", _number(one["volume"], ".1f")]
        side = None if one["volume"] is None else one["volume"] ** (1 / 3)
        row += [_number(side, ".3f"), _number(one["pressure"], ".2f")]
        row += [_diffusivity(one["diffusion"].get(symbol)) for symbol in species]
        row += [_number(one["displacement"].get(symbol), ".2f") for symbol in species]
        rows.append([*row, _number(one["drift"], ".1e")])
        if one["failure"]:
            failures.append(f"\n{card['name']} at {one['temperature']:g} K: {one['failure']}.")
    yield from _table(heads, rows)
    yield from failures


def _diffusivity(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return NOTHING
    if found["value"] is None:
        return f"< {found['upper_limit']:.1e}"
    error = "" if found["half_width"] is None else f" ± {found['half_width']:.0e}"
    return f"{found['value']:.1e}{error}"


def _site_energies(cards: Sequence[Card]) -> Iterator[str]:
    found = [(card, one) for card, one in _trajectories(cards) if one["site_energies"]]
    species = _keys(one["site_energies"] for _, one in found)
    rows = []
    for card, one in found:
        row = [card["name"], f"{one['temperature']:g}"]
        for symbol in species:
            sites = one["site_energies"].get(symbol)
            row.append(
                f"{sites['mean']:.3f} ± {sites['standard_deviation']:.3f}" if sites else NOTHING
            )
        rows.append(row)
    if rows:
        yield "Mean and standard deviation over atoms and time. How the energy is split between"
        yield "the species is a convention of each model: with the composition fixed, no force"
        yield "depends on it.\n"
        yield from _table(["model", "T (K)", *(f"U {symbol} (eV)" for symbol in species)], rows)


def _differences(differences: Sequence[Difference]) -> Iterator[str]:
    groups: dict[float | None, list[Difference]] = {}
    for one in differences:
        groups.setdefault(one.temperature, []).append(one)
    rows = [
        [
            _number(temperature, "g"),
            group[0].frames,
            len(group),
            _spread([one.forces for one in group]),
            _spread([one.forces_rms for one in group]),
            _spread([one.energy for one in group]),
        ]
        for temperature, group in groups.items()
    ]
    if not rows:
        return
    yield "Mean absolute differences of two models, of forces also root mean square: the mean"
    yield "over all pairs, and in brackets the smallest and the largest.\n"
    heads = [
        *("T (K)", "frames", "pairs"),
        *("forces (meV/Å)", "forces RMS (meV/Å)", "energy (meV/atom)"),
    ]
    yield from _table(heads, rows)
    yield "\nPair by pair, mean absolute: over the diagonal forces (meV/Å), under it energies"
    yield "(meV/atom)."
    for temperature, group in groups.items():
        yield ""
        yield from _pairs(temperature, group)


def _pairs(temperature: float | None, differences: Sequence[Difference]) -> Iterator[str]:
    """The differences at one temperature as a square."""
    names = _keys(one.models for one in differences)
    by_pair = {one.models: one for one in differences}
    rows = []
    for a in names:
        row = [a]
        for b in names:
            over, under = by_pair.get((a, b)), by_pair.get((b, a))
            value = over.forces if over else under.energy if under else None
            row.append(_number(value, ".1f" if over else ".2f"))
        rows.append(row)
    yield from _table([f"{_number(temperature, 'g')} K", *names], rows)


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.3g} ({min(values):.3g} … {max(values):.3g})"


def _keys(tables: Iterable[Iterable[str]]) -> list[str]:
    """All keys, in the order in which they first come."""
    return list(dict.fromkeys(key for table in tables for key in table))


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else f"{value:{form}}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
