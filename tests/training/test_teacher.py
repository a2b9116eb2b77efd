"""Teachers by name, and frames that they label here and on workers."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from argon_frames import ARGUMENTS, LENNARD_JONES, argon, labelled
from ase import Atoms
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from distributed import Client

from ensemble.campaign.clusters import Local
from ensemble.cluster.local import local_cluster
from ensemble.training.labels import BadLabel, FrameError, labels_of
from ensemble.training.teacher import Teacher, TeacherError, label_frames

TEACHER = Teacher(calculator=LENNARD_JONES, arguments=ARGUMENTS)
FRAMES = [argon(number) for number in range(6)]


def odd(fault: str) -> Teacher:
    """Labels argon well, and krypton not."""
    return Teacher(calculator="odd_calculators:Odd", arguments={**ARGUMENTS, "fault": fault})


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two worker processes; the dashboard's usual port may be taken."""
    with local_cluster(Local(dashboard_address="127.0.0.1:0"), workers=2) as client:
        yield client


def test_a_teacher_says_who_it_is() -> None:
    assert TEACHER.identity == (
        f"ase {version('ase')} LennardJones epsilon=0.0104 rc=6.5 sigma=3.4"
    )
    assert odd("nan").identity.startswith("odd_calculators Odd epsilon=0.0104 fault=nan ")


def test_where_a_teacher_computes_is_no_part_of_who_it_is(tmp_path: Path) -> None:
    """Weights are told by what is in them."""

    def identity(content: str, folder: str, device: str = "cpu") -> str:
        weights = tmp_path / folder / "weights.pth"
        weights.parent.mkdir(exist_ok=True)
        weights.write_text(content)
        arguments = {**ARGUMENTS, "device": device, "verbose": True, "model": str(weights)}
        return Teacher(calculator=LENNARD_JONES, arguments=arguments).identity

    here = identity("1 2 3", "here")
    assert identity("1 2 3", "there", "cuda") == here
    assert identity("1 2 4", "here") != here
    assert str(tmp_path) not in here
    assert "cpu" not in here
    other = Teacher(calculator=LENNARD_JONES, arguments={**ARGUMENTS, "rc": 7.0})
    assert other.identity != TEACHER.identity


@pytest.mark.parametrize(
    ("calculator", "arguments", "message"),
    [
        ("no_such_package.x:Y", {}, "calculator: there is no package no_such_package here; inst"),
        ("ase.no.module:X", {}, "calculator: ase.no.module cannot be imported: No module"),
        (
            "ase.calculators.lj:LennardJons",
            {},
            'calculator: ase.calculators.lj has no class LennardJons; did you mean "LennardJones"?',
        ),
        ("ase.build:bulk", {}, "calculator: ase.build has no class bulk"),
        ("ase.calculators.eam:EAM", {"potential": 1.0}, r"teacher: .* does not start: "),
        ("odd_calculators:Broken", {}, "Broken does not start: OSError: weights not found"),
        ("odd_calculators:Broken", {"x": 1}, "teacher.arguments: .* unexpected keyword arg.*'x'"),
    ],
)
def test_a_teacher_that_cannot_be_made_says_why(
    calculator: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(TeacherError, match=message):
        label_frames(Teacher(calculator=calculator, arguments=arguments), FRAMES)


def test_a_package_of_the_extra_is_installed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.training.teacher.EXTRA", ("no_such_package",))
    message = r"no_such_package here; pip install '\.\[train\]' in its clone"
    with pytest.raises(TeacherError, match=message):
        assert Teacher(calculator="no_such_package.x:Y").identity


@pytest.mark.parametrize("calculator", ["Smeared", "OneEnergy", "NoFreeEnergy"])
def test_the_energy_is_the_one_of_the_forces(calculator: str) -> None:
    teacher = Teacher(calculator=f"odd_calculators:{calculator}", arguments=ARGUMENTS)
    (frame,) = label_frames(teacher, FRAMES[:1]).frames
    assert labels_of(frame)[0] == labels_of(labelled(0))[0]


def half(calculator: str) -> Teacher:
    """Half of the energy of Lennard-Jones."""
    arguments = {**ARGUMENTS, "epsilon": ARGUMENTS["epsilon"] / 2}
    return Teacher(calculator=calculator, arguments=arguments)


def test_what_is_added_to_a_teacher_is_in_the_labels_and_in_its_name() -> None:
    """Also where one of the two has an energy that its forces are not the gradient of."""
    smeared, sharp = half("odd_calculators:Smeared"), half("odd_calculators:NoFreeEnergy")
    teacher = replace(smeared, plus=(sharp,))
    assert teacher.identity == f"{smeared.identity} + {sharp.identity}"
    (frame,) = label_frames(teacher, FRAMES[:1]).frames
    for label, expected in zip(labels_of(frame), labels_of(labelled(0)), strict=True):
        np.testing.assert_allclose(label, expected, rtol=1e-12, atol=1e-15)


def test_a_teacher_of_two_that_one_of_them_is_not_names_both() -> None:
    teacher = replace(TEACHER, plus=(Teacher(calculator="odd_calculators:NoStress"),))
    message = r"LennardJones \+ odd_calculators:NoStress does not give energy, forces and stress"
    with pytest.raises(TeacherError, match=message):
        label_frames(teacher, FRAMES[:1])
    missing = replace(TEACHER, plus=(Teacher(calculator="no_such_package.x:Y"),))
    with pytest.raises(TeacherError, match="there is no package no_such_package here"):
        label_frames(missing, FRAMES[:1])


def test_dispersion_is_added_to_energy_forces_and_stress() -> None:
    """Its forces and stresses are the gradients of the energy that comes with them."""
    dispersion = {"method": "PBE", "damping": "d3bj"}
    crystal = bulk("NaCl", "rocksalt", a=5.6).repeat((2, 1, 1))
    crystal.rattle(0.1, seed=1)
    crystal.info = {"frame": "one", "trajectory": "one"}
    nothing = Teacher(calculator=LENNARD_JONES, arguments={**ARGUMENTS, "epsilon": 0.0})
    teacher = replace(nothing, plus=(Teacher(calculator="dftd3.ase:DFTD3", arguments=dispersion),))
    (frame,) = label_frames(teacher, [crystal]).frames
    energy, forces, stress = labels_of(frame)
    crystal.calc = teacher.make()
    assert energy == crystal.get_potential_energy() < 0
    np.testing.assert_allclose(calculate_numerical_forces(crystal), forces, atol=1e-5)
    virials = calculate_numerical_stress(crystal, force_consistent=False)
    np.testing.assert_allclose(virials, stress, atol=1e-6)


def test_labels_are_those_of_the_calculator() -> None:
    told: list[Atoms | BadLabel] = []
    done = label_frames(TEACHER, FRAMES, on_done=told.append)
    assert not done.rejected
    assert tuple(told) == done.frames
    for number, frame in enumerate(done.frames):
        assert frame.info == {**argon(number).info, "teacher": TEACHER.identity}
        for label, expected in zip(labels_of(frame), labels_of(labelled(number)), strict=True):
            np.testing.assert_array_equal(label, expected)


def test_workers_give_the_same_labels_in_the_same_order(client: Client) -> None:
    told: list[Atoms | BadLabel] = []
    there = label_frames(TEACHER, FRAMES, client=client, on_done=told.append)
    here = label_frames(TEACHER, FRAMES)
    assert not there.rejected
    assert sorted(f.info["frame"] for f in told) == [f.info["frame"] for f in FRAMES]
    for one, other in zip(there.frames, here.frames, strict=True):
        assert one.info == other.info
        assert one.positions.tobytes() == other.positions.tobytes()
        for a, b in zip(labels_of(one), labels_of(other), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("on_workers", [False, True])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("nan", "forces not a finite number"),
        ("huge", "force of 5e+04 eV/Å on atom 3 (Ar); at most 30 is plausible"),
        ("raises", "the teacher failed: ArithmeticError: no convergence"),
    ],
)
def test_a_frame_that_goes_wrong_is_rejected_and_the_others_go_on(
    client: Client, on_workers: bool, fault: str, reason: str
) -> None:
    frames = [argon(0), argon(1, krypton=1), argon(2)]
    told: list[Atoms | BadLabel] = []
    done = label_frames(
        odd(fault), frames, client=client if on_workers else None, on_done=told.append
    )
    assert [frame.info["frame"] for frame in done.frames] == [
        frames[0].info["frame"],
        frames[2].info["frame"],
    ]
    (bad,) = done.rejected
    assert str(bad) == f"frame round1-600K-0001: {reason}"
    assert len(told) == 3
    assert any(one is bad for one in told)


def test_a_frame_that_its_worker_dies_of_is_rejected(client: Client) -> None:
    frames = [argon(0), argon(1, krypton=1), *map(argon, range(2, 10))]
    done = label_frames(odd("dies"), frames, client=client)
    (bad,) = done.rejected
    assert str(bad) == (
        "frame round1-600K-0001: the worker process died of it; it may need more memory"
    )
    assert len(done.frames) == 9


@pytest.mark.parametrize("on_workers", [False, True])
def test_a_teacher_without_stress_is_no_teacher(client: Client, on_workers: bool) -> None:
    teacher = Teacher(calculator="odd_calculators:NoStress")
    with pytest.raises(TeacherError, match=r"NoStress does not give energy, forces and stress: .*"):
        label_frames(teacher, FRAMES, client=client if on_workers else None)


def test_frames_need_names_of_their_own() -> None:
    with pytest.raises(FrameError, match="frame round1-600K-0000: 2 frames have this name"):
        label_frames(TEACHER, [argon(0), argon(0)])


def test_what_was_labelled_before_an_interruption_has_been_told() -> None:
    told = []

    def stop_after_two(frame: Atoms | BadLabel) -> None:
        told.append(frame)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label_frames(TEACHER, FRAMES, on_done=stop_after_two)
    assert [frame.info["frame"] for frame in told] == [f.info["frame"] for f in FRAMES[:2]]


def test_the_room_itself_does_not_need_torch() -> None:
    code = "import ensemble.training.teacher, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, cwd=Path(__file__).parent)
