"""Dask: the launcher, which reconciles and submits, and the task that a worker does.

``launch``
    What the campaign asks for and the store lacks, until all is done.
``launcher``
    What is left goes to the workers, and what comes back is settled.
``background``
    Launchers without a terminal, and how the next one takes over.
``prepare``
    The reconciling: the store made or grown, its files in place, how far each run is.
``convergence``
    Which groups of runs know κ well enough, and what the others are given.
``reductions``
    κ of each group of runs, by the workers, as soon as the last run of it is over.
``agenda``
    Which run is next, and what becomes of those that fail: decisions without Dask or files.
``corrections``
    How wrong the estimates of times are: which runs are longest, by what others of their kind took.
``hosts``
    Which hosts are left out for a time, since runs fail there one after the other.
``simulate``
    A launch that is played, on a cluster larger than any at hand.
``task``
    The worker's part: lease, segment, commit, receipt.
``jobs``
    What goes to a worker and what comes back.
``walltime``
    How a worker leaves before its job is over.
``backends``
    Where the workers are: this machine, job queues, a scheduler that runs already.
``local``
    Dask's settings, and its cluster on this machine.
``watch``, ``progress``
    How far a launch is, and how that is shown.
"""
