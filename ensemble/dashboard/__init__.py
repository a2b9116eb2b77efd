"""The page ``/ensemble`` in the dashboard of Dask's scheduler, and the same as data.

``install``
    The page, put into the scheduler of a launch.
``feed``
    The scheduler's part: who looks on, what is shown, when to look again.
``reader``
    A process beside the scheduler, which reads the store for all who look on.
``watcher``, ``runs``, ``speeds``, ``curves``, ``conductivities``
    What it finds: states of the runs, their speed and what is left, κ(t) and profiles, κ.
``news``
    What goes from the one to the other.
``data``, ``metrics``
    The same as JSON and for Prometheus.
``page``, ``grid``, ``figures``, ``tables``, ``style``
    The page itself, of Bokeh's figures and of tables.

Nothing of the store is read in the scheduler's process, and nothing at all while nobody looks on.
"""
