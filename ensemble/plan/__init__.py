"""From a campaign to what is to be done: runs, segments, channels, costs.

``make_plan``
    The door: a campaign and its files in, a `Plan` out.
``recipe``
    What a run, a segment and a study's recipe are.
``axes``
    The labels that a study's runs have.
``extension``
    What some groups of runs have besides, so that κ is known well enough.
``channels``
    What is sampled.
``segments``
    How runs are cut.
``models``, ``fingerprint``, ``crystals``
    What the files say: potentials, whether they changed, supercells.
``cost``, ``show``
    Core-hours and the time that all takes; the plan in words.
"""
