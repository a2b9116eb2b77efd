"""Training sets and models of one's own: what ``ensemble train`` does.

``settings``
    The training file.
``frames``, ``labels``, ``teacher``
    Labelled configurations: their files, whether to believe them, and who labels.
``potentials``, ``problem``, ``marquardt``, ``fit``, ``errors``
    Fits of moment tensor potentials to labels, and how good they are.
``explore``, ``committee``, ``select``
    Molecular dynamics in search of what a committee of models does not know yet.
``rounds``, ``models``, ``train``
    The whole road, round by round.
``checks``
    What a finished model says about the crystal, for its model card.
"""
