"""``launch``: reconcile a campaign with its store, and have Dask do what is left.

The store knows what is done; plan minus store is what is to be done. The scheduler is disposable:
nothing that it knows is needed to go on after it died.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import FrameType
from typing import Any, Self
from urllib.parse import urljoin

from ensemble.campaign import Campaign, load_campaign, on_cluster
from ensemble.cluster.agenda import Agenda
from ensemble.cluster.backends import Backend, Setting, check_backend, open_backend
from ensemble.cluster.background import in_place_of_others
from ensemble.cluster.convergence import Judgement, extend, in_words, judge
from ensemble.cluster.hosts import Hosts
from ensemble.cluster.jobs import Receipt
from ensemble.cluster.launcher import Launcher
from ensemble.cluster.prepare import Prepared, prepare
from ensemble.cluster.progress import Reporter, closing_line, reporter_for
from ensemble.cluster.watch import Watch

__all__ = ["Summary", "launch"]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a launch came to."""

    store: Path
    asked: int
    """Runs of the campaign, or of the studies that were to be done."""
    done: int
    """Runs that are in the store from beginning to end."""
    failed: dict[str, Receipt]
    """Runs that were given up, in this launch or before, by their keys."""
    blocked: tuple[str, ...]
    """Runs of ``rerun`` studies whose trajectory failed."""
    interrupted: bool
    """Whether it was told to stop."""
    settled: bool
    """Whether ``[convergence]``, if there is any, has had its last word."""
    judged: tuple[Judgement, ...] = ()
    """Of the groups of runs, where the campaign has ``[convergence]``: what was said last."""

    @property
    def complete(self) -> bool:
        """Whether all runs are done, and there are to be no more."""
        return self.done == self.asked and self.settled


def launch(
    campaign: Campaign | str | PathLike[str],
    store: str | PathLike[str] | None = None,
    *,
    cluster: str | PathLike[str] | None = None,
    workers: int | None = None,
    studies: Collection[str] | None = None,
    retry_failed: bool = False,
    reporter: Reporter | None = None,
    background: bool = False,
) -> Summary:
    """Do all that a campaign asks for and its store has not.

    Ctrl-C and SIGTERM stop it within seconds; the same call goes on where it stopped.

    Parameters
    ----------
    campaign
        A campaign, or its file.
    store
        Folder of the store; ``runs/NAME`` by default, by the campaign's name.
    cluster
        A file with a table ``[cluster]``, in place of the campaign's own.
    workers
        Runs at a time, in place of the ``workers`` of ``[cluster]``; in a job queue at most.
    studies
        Names of those to be done, with the trajectories that they read again; None for all.
    retry_failed
        Whether runs that were given up before are tried again.
    reporter
        Shows the progress; a live table in a terminal, lines elsewhere by default.
    background
        Whether this is a launcher from which the next one takes over.

    Raises
    ------
    ensemble.campaign.CampaignError
        The campaign cannot be used, or has no such study.
    ensemble.store.StoreError
        The store cannot, or holds another campaign's runs.
    ValueError
        The cluster cannot be had.
    """
    if not isinstance(campaign, Campaign):
        campaign = load_campaign(campaign)
    root = Path(store) if store is not None else Path("runs") / campaign.name
    started = time.monotonic()
    if cluster is not None:
        campaign = on_cluster(campaign, cluster)
    check_backend(campaign.cluster)
    prepared = prepare(campaign, root, studies=studies, retry_failed=retry_failed)
    reporter = reporter or reporter_for()
    for key, receipt in prepared.failed.items():
        reporter.failure(key, receipt, again=False)
    stop, judged = threading.Event(), list[Judgement]()
    settled = campaign.convergence is None
    with closing(reporter):
        with (
            stopping(stop),
            ExitStack() as turn,
            Workplace(campaign, root, workers, reporter, stop) as workplace,
        ):
            agenda = Agenda(prepared.items())
            workplace.open(agenda)
            # Not before: where there is no cluster, whoever is at work goes on.
            turn.enter_context(
                in_place_of_others(prepared.paths, stop, reporter, background=background)
            )
            workplace.do(prepared, agenda)
            while not (settled or stop.is_set() or agenda.store_fault):
                asked = prepared.plan.extensions
                prepared = prepare(campaign, root, studies=studies)  # what the store says now
                judged = judge(prepared)
                settled = extend(prepared, judged, reporter.note) == asked
                if not settled:
                    prepared = prepare(campaign, root, studies=studies)
                    agenda = Agenda(prepared.items())
                    workplace.do(prepared, agenda)
        summary = _summary(prepared, agenda, stop.is_set(), settled, judged)
        reporter.stop(
            closing_line(
                summary.done,
                summary.asked,
                summary.failed.values(),
                str(root),
                time.monotonic() - started,
                summary.interrupted,
                in_words(judged),
            )
        )
    return summary


def _summary(
    prepared: Prepared,
    agenda: Agenda,
    interrupted: bool,
    settled: bool,
    judged: Sequence[Judgement],
) -> Summary:
    failed = prepared.failed | agenda.failed
    fault = agenda.store_fault
    return Summary(
        store=prepared.paths.root,
        asked=len(prepared.runs),
        done=len(prepared.done | agenda.done),
        failed=failed | ({fault.key: fault} if fault is not None else {}),
        blocked=tuple(sorted(agenda.blocked)),
        interrupted=interrupted,
        settled=settled,
        judged=tuple(judged),
    )


class Workplace:
    """A cluster that is started when there is something to do, and kept until all is done."""

    def __init__(
        self,
        campaign: Campaign,
        store: Path,
        workers: int | None,
        reporter: Reporter,
        stop: threading.Event,
    ) -> None:
        self._campaign = campaign
        self._setting = Setting(
            name=campaign.name, store=store, ranks=campaign.most_ranks, workers=workers
        )
        self._reporter = reporter
        self._stop = stop
        self._hosts = Hosts()
        self._stack = ExitStack()
        self._backend: Backend | None = None
        self._page = ""
        """Of this project in Dask's dashboard; empty where there is none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def open(self, agenda: Agenda) -> Backend | None:
        """The cluster, started if it is not yet; None where nothing is to be done, or no more is.

        Raises
        ------
        ValueError
            It cannot be had.
        """
        if agenda.finished:
            return None
        if self._backend is None and not self._stop.is_set():
            opened = open_backend(self._campaign.cluster, self._setting)
            self._backend = self._stack.enter_context(opened)
            self._add_page(self._backend)
        return self._backend

    def do(self, prepared: Prepared, agenda: Agenda) -> None:
        """Do what is left to do; the agenda says what became of it."""
        backend = self.open(agenda)
        if backend is None:
            return
        watch = Watch(prepared, backend)
        watch.progress.dashboard = self._page or watch.progress.dashboard
        watch.begin()
        self._reporter.start(watch.progress)
        Launcher(backend, prepared, agenda, self._hosts, watch, self._reporter, self._stop).run()

    def _add_page(self, backend: Backend) -> None:
        """Have the page in the scheduler's dashboard. A scheduler that somebody else has started
        may not know this package, or allow nobody to change it: then there is none.
        """
        from ensemble.cluster.task import TOPIC
        from ensemble.dashboard.install import NAME, install

        client, store = backend.client, str(self._setting.store.resolve())
        try:
            if client.run_on_scheduler(install, store=store, topic=TOPIC):
                self._page = urljoin(client.dashboard_link, NAME)
        except Exception as error:  # whatever the scheduler says
            self._reporter.note(f"no page of this campaign in the dashboard: {error!r}")


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set an event for as long as this lasts; a second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
