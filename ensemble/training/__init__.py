"""Training sets and models of one's own: what ``ensemble train`` does.

``settings``, ``crystals``, ``reference``
    The training file, what it is about, and the page docs/training-file.md.
``frames``, ``labels``, ``teacher``, ``labelling``
    Labelled configurations: their files, whether to believe them, and who labels.
``potentials``, ``problem``, ``marquardt``, ``fit``, ``errors``
    Fits of moment tensor potentials to labels, and how good they are.
``explore``, ``committee``, ``select``
    Molecular dynamics in search of what a committee of models does not know yet.
``rounds``, ``models``, ``train``
    The whole road, round by round.
``workplace``, ``tasks``, ``report``
    The folder of what is half done, Dask's workers, and what is said meanwhile.
``checks``, ``cards``
    What a finished model says about the crystal, and its card.
"""
