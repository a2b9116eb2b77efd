"""noise.py -in SCRIPT -var folder FOLDER -log LOG [...]

Plays LAMMPS for equilibrium runs whose heat flux is noise, with a correlation time of twice as many
rows as the temperature says. Reads an input script of `ensemble` and writes the files that such a
segment leaves. Like LAMMPS it is decided by its script and the restart file. Where the environment
has NOISE_DEFECT, runs with that in their names end in an error.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import sys
from pathlib import Path

FLUX = re.compile(r"heat_flux_(convective_|conductive_)?([xyz])")

FRAME = """\
ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
{atoms}
ITEM: BOX BOUNDS pp pp pp
0 1
0 1
0 1
ITEM: ATOMS
"""


def play(script: Path, folder: str) -> None:
    """Obey a script."""
    state: dict[str, int] = {}
    first, steps = 0, 0
    for line in script.read_text().replace("&\n", " ").replace("${folder}", folder).splitlines():
        words = line.split()
        verb = words[0] if words else ""
        if verb == "read_data":
            (count,) = re.findall(r"(\d+) atoms", Path(words[1]).read_text())
            state = {"atoms": int(count), "step": 0}
        elif verb == "read_restart":
            state = json.loads(Path(words[1]).read_text())
        elif verb == "reset_timestep":
            state["step"] = int(words[1])
        elif verb == "velocity" and words[2] == "create":
            state |= {"temperature": round(float(words[3])), "seed": int(words[4])}
        elif verb == "fix" and words[3] == "ave/time":
            names = re.findall('title2 "# step (.*?)"', line)[0].split()
            series = Path(words[-1]), names, int(words[6])
        elif verb == "dump" and words[1] == "site_energies":
            frames = Path(words[5]), int(words[4])
        elif verb == "dump_modify" and words[2] == "delay":
            first = int(words[3])
        elif verb == "run":
            steps = int(words[1])
            write_rows(*series, state, steps)
            if first:
                write_frames(*frames, first, state, steps)
            state["step"] += steps
        elif verb == "write_restart":
            Path(words[1]).write_text(json.dumps(state))
        elif verb == "print":
            Path(words[-1]).write_text(json.dumps({"lammps": 20250722, "atoms": state["atoms"]}))


def write_rows(path: Path, names: list[str], every: int, state: dict[str, int], steps: int) -> None:
    """What a ``fix ave/time`` writes."""
    generator = random.Random(f"{state['seed']} {state['step']}")
    memory = math.exp(-1 / state["temperature"])
    flux = {axis: generator.gauss(0, 1) for axis in "xyz"}
    lines = ["# Time-averaged data", "# step and values"]
    for step in range(state["step"] + every, state["step"] + steps + 1, every):
        for axis in flux:
            flux[axis] *= memory
            flux[axis] += math.sqrt(1 - memory**2) * generator.gauss(0, 1)
        values = (value(name, flux, state["temperature"]) for name in names)
        lines.append(" ".join(map(repr, (step, *values))))
    path.write_text("\n".join(lines) + "\n")


def value(name: str, flux: dict[str, float], temperature: float) -> float:
    """Of a channel. Convective and conductive flux are halves of the whole one."""
    if found := FLUX.fullmatch(name):
        return flux[found[2]] / (2 if found[1] else 1)
    return temperature if name == "temperature" else 1.0


def write_frames(path: Path, every: int, first: int, state: dict[str, int], steps: int) -> None:
    """What a ``dump`` of site energies writes."""
    atoms = state["atoms"]
    with path.open("w") as file:
        for step in range(first, state["step"] + steps + 1, every):
            file.write(FRAME.format(step=step, atoms=atoms) + "1 -1\n" * atoms)


if __name__ == "__main__":
    options = dict(zip(sys.argv[1:], sys.argv[2:], strict=False))
    defect, script = os.environ.get("NOISE_DEFECT"), Path(options["-in"])
    if defect and defect in script.resolve().parent.name:
        sys.exit("ERROR: Out of range atoms - cannot compute (src/pair.cpp:1)")
    play(script, sys.argv[sys.argv.index("folder") + 1])
    Path(options["-log"]).write_text(script.read_text())
