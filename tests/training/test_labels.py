"""Absurd labels and mixed teachers are refused, with the frame's name."""

import pickle

import numpy as np
import pytest
from argon_frames import labelled
from ase import Atoms

from ensemble.training.labels import (
    BadLabel,
    FrameError,
    Limits,
    check_labels,
    energy_references,
    labels_of,
    one_teacher,
)


def spoiled(**labels: object) -> Atoms:
    frame = labelled(0)
    for key, value in labels.items():
        frame.calc.results[key] = value
    return frame


def with_force(value: float) -> Atoms:
    forces = labelled(0).calc.results["forces"]
    forces[5, 1] = value
    return spoiled(forces=forces)


def squeezed(factor: float) -> Atoms:
    frame = labelled(0)
    frame.cell *= factor
    return frame


def test_good_labels_pass() -> None:
    frames = [labelled(number) for number in range(4)]
    for frame in frames:
        check_labels(frame)
        check_labels(frame, references=energy_references(frames))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (spoiled(energy=float("nan")), "energy not a finite number"),
        (spoiled(stress=np.full(6, np.inf)), "stress not a finite number"),
        (with_force(np.nan), "forces not a finite number"),
        (with_force(-1234.5), r"force of 12.. eV/Å on atom 5 \(Ar\); at most 30 is plausible"),
        (spoiled(stress=np.full(6, -1.0)), "stress of 160.2 GPa; at most 50 is plausible"),
        (squeezed(0.3), "volume of 1.0.. Å³ per atom; between 3 and 200 is plausible"),
        (squeezed(3.0), "volume of 10.. Å³ per atom; between 3 and 200"),
    ],
)
def test_a_bad_label_is_named(frame: Atoms, reason: str) -> None:
    with pytest.raises(BadLabel, match=f"^frame round1-600K-0000: {reason}") as caught:
        check_labels(frame)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.frame, copy.reason) == (caught.value.frame, caught.value.reason)


def test_limits_are_the_users() -> None:
    check_labels(with_force(40.0), Limits(force=41.0))
    with pytest.raises(BadLabel, match="at most 39 is plausible"):
        check_labels(with_force(40.0), Limits(force=39.0))


def test_an_energy_far_from_the_others_is_found_at_any_composition() -> None:
    frames = [labelled(number, krypton=number % 4) for number in range(12)]
    energy = {"Ar": -3.0, "Kr": -7.0}
    for frame in frames:
        frame.calc.results["energy"] = sum(energy[symbol] for symbol in frame.symbols)
    assert energy_references(frames).energies == pytest.approx(energy)
    frames[7].calc.results["energy"] += 8 * 2.5
    references = energy_references(frames)
    for frame in frames[:7] + frames[8:]:
        check_labels(frame, references=references)
    with pytest.raises(BadLabel, match=r"-0007: energy of .* eV per atom, \+\d.* from the other"):
        check_labels(frames[7], references=references)


def test_one_composition_has_references_too() -> None:
    frames = [labelled(number, krypton=2) for number in range(3)]
    references = energy_references(frames)
    for frame in frames:
        assert references.energy_of(frame) == pytest.approx(labels_of(frame)[0], abs=8 * 0.1)


def test_nothing_is_known_of_a_composition_that_no_mixture_has() -> None:
    """Of Ar6Kr2 alone, half its energy per atom is no energy of krypton."""
    known = [labelled(number, krypton=2) for number in range(3)]
    others = [labelled(3, krypton=6), labelled(4, krypton=2)]
    for frame, energy in zip([*known, *others], (-32.0, -32.0, -32.0, -80.0, -56.0), strict=True):
        frame.calc.results["energy"] = energy
    references = energy_references(known)
    assert np.isnan(references.energy_of(others[0]))
    check_labels(others[0], references=references)
    with pytest.raises(BadLabel, match=r"-0004: energy of -7 eV per atom, -3 from the other"):
        check_labels(others[1], references=references)
    between = labelled(5, krypton=4)
    assert energy_references([known[0], others[0]]).energy_of(between) == pytest.approx(-56.0)


def test_a_species_that_is_new_may_have_any_energy() -> None:
    references = energy_references([labelled(0)])
    newcomer = labelled(1, krypton=1)
    newcomer.calc.results["energy"] = -1e4
    check_labels(newcomer, references=references)


def test_labels_of_two_teachers_are_not_mixed() -> None:
    frames = [labelled(0, teacher="a 1"), labelled(1, teacher="a 1"), labelled(2, teacher="a 2")]
    assert one_teacher(frames[:2]) == one_teacher(frames[:2], "a 1") == one_teacher([], "a 1")
    first, last = "frame round1-600K-0000", "frame round1-600K-0002"
    with pytest.raises(FrameError, match=rf'"a 1" \({first}\) and "a 2" \({last}\); label all'):
        one_teacher(frames)
    with pytest.raises(FrameError, match=rf'"b 3" \(wanted\) and "a 1" \({first}\)'):
        one_teacher(frames, "b 3")


def test_a_frame_must_say_who_labelled_it() -> None:
    frame = labelled(0)
    del frame.info["teacher"]
    with pytest.raises(FrameError, match="frame round1-600K-0000: it does not say who labelled"):
        one_teacher([frame])
