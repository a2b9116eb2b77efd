"""One segment of a run: the input script, the LAMMPS process, and what comes out of it.

``segment``
    The door: `run_segment`.
``assignment``
    What one process is to do, and where its files lie.
``script``, ``equilibrate``, ``emd``, ``nemd``, ``rerun``
    Input scripts: what all have in common, the stages before the sampling, the three methods.
``passage``
    From one stage to the next: the box at its mean, the energy that constant energy begins with.
``outcome``, ``rows``, ``record``, ``health``
    What LAMMPS wrote, read and judged.
``engine``, ``process``, ``leash.cpp``, ``cores``, ``loopback.cpp``, ``shared_memory``
    Which LAMMPS, how it is started, on which cores, what reaches it, and how nothing is left of it.
``failures``
    Why a segment failed.
``calibration``
    How fast models are on this machine.
"""
