"""What the papers found, to stand beside what these campaigns find.

Zhu et al., PRB 108, 014108 (2023), doi 10.1103/PhysRevB.108.014108, and Zhou et al., arXiv
2512.04718 (2025).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFUSION", "NAMES", "REFERENCES", "Reference", "reference"]

NAMES = {"cu195se": "Cu1.95Se", "mg2sn": "Mg2Sn", "mg3sb2": "Mg3Sb2"}
"""Of the materials, by the names of their campaigns in full."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """κ of a material at a temperature, in W/m/K, in the words of the paper."""

    system: str
    temperature: float
    equilibrium: str
    """By Green–Kubo, without a correction."""
    direct: str
    experiment: str
    least: float
    most: float
    """Ends of the range of `equilibrium` over the models; the same where there is a mean alone."""
    one_length: float
    """By the direct method in a cell of one length, or for infinite length."""


REFERENCES = (
    Reference(
        system="cu195se",
        temperature=300,
        equilibrium="0.82 ± 0.06, over nine models ± 0.13 (α)",
        direct="0.83 ± 0.02 (L → ∞)",
        experiment="–",
        least=0.82,
        most=0.82,
        one_length=0.83,
    ),
    Reference(
        system="cu195se",
        temperature=600,
        equilibrium="0.54 … 7.18 over nine models",
        direct="0.47 in a cell of 11.54 nm, over nine models ± 0.01; 0.49 ± 0.01 (L → ∞)",
        experiment="about 0.5",
        least=0.54,
        most=7.18,
        one_length=0.47,
    ),
    Reference(
        system="mg2sn",
        temperature=300,
        equilibrium="7.10, convective part under 4 %",
        direct="6.65",
        experiment="7.19",
        least=7.10,
        most=7.10,
        one_length=6.65,
    ),
    Reference(
        system="mg2sn",
        temperature=600,
        equilibrium="2.83, convective part under 4 %",
        direct="3.72",
        experiment="3.43",
        least=2.83,
        most=2.83,
        one_length=3.72,
    ),
    Reference(
        system="mg3sb2",
        temperature=300,
        equilibrium="1.88, convective part 4 %, over five models ≤ 0.18",
        direct="1.69",
        experiment="1.62",
        least=1.88,
        most=1.88,
        one_length=1.69,
    ),
    Reference(
        system="mg3sb2",
        temperature=600,
        equilibrium="1.01, convective part 9 %, over five models ≤ 0.18",
        direct="0.97",
        experiment="1.12",
        least=1.01,
        most=1.01,
        one_length=0.97,
    ),
)

DIFFUSION = (
    "D(Cu) of about 1e-8 cm² s⁻¹ below 450 K, 1e-6 between 450 and 550 K, 1e-5 above 550 K, and "
    "D(Se) below 1e-8"
)
"""In Cu1.95Se, by Zhu et al."""


def reference(system: str, temperature: float) -> Reference | None:
    """What the papers have of a material at a temperature; None where they have nothing."""
    for one in REFERENCES:
        if (one.system, one.temperature) == (system, temperature):
            return one
    return None
