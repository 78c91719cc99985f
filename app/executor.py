"""Where the parts of a long evaluation are computed: here, in processes of this machine, or on a Dask cluster.

The parts are pure functions of their argument, so the result does not depend on where they run. A part and its result
travel pickled: a scheduler that is not on this machine belongs behind TLS with certificates of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from multiprocessing import get_context
from typing import Any, Final, Protocol, TypeVar

from domain.error import ConfigurationError, ServiceError

Part = TypeVar("Part")
Result = TypeVar("Result")

FORMS: Final = (
    "serial",
    "processes://2 (so many processes)",
    "dask://local/2 (a Dask cluster of this machine with so many workers)",
    "dask://HOST:PORT (a Dask scheduler)",
    "dask+tls://HOST:PORT (one behind TLS, with the certificates of Dask's own configuration)",
)
_ANSWER_S: Final = 20
_MOST_WORKERS: Final = 1024


class Executor(Protocol):
    """Somewhere that computes."""

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        """Results in the order of the parts; the first error that a part raises is raised."""


class _Serial:
    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        return map(function, parts)


class _Processes:
    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        try:
            yield from self._pool.map(function, parts)
        except BrokenProcessPool as error:
            raise ServiceError(
                "a process of the evaluation was killed (out of memory?), expected it to finish"
            ) from error


class _Dask:
    def __init__(self, client: Any) -> None:
        self._client = client

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        from distributed import KilledWorker  # noqa: PLC0415 - only with the extra

        # Parts go to the workers as data: inside the graph they would pass through the scheduler.
        sent = self._client.scatter(list(parts), hash=False)
        futures = self._client.map(function, sent, pure=False)
        try:
            for future in futures:
                yield future.result()
        except KilledWorker as error:
            raise ServiceError(f"the cluster gave up a part after its workers died: {error}") from error
        finally:
            self._client.cancel([*futures, *sent])


def opened(url: str) -> AbstractContextManager[Executor]:
    """The executor that a URL names, for the time of a ``with``.

    Parameters
    ----------
    url : str
        One of `FORMS`.

    Returns
    -------
    context manager of Executor
        Ends processes and connections that it began.

    Raises
    ------
    ConfigurationError
        For another URL, a missing extra, or workers with another version of Lantian.
    ServiceError
        When no scheduler answers.
    """
    if url == "serial":
        return nullcontext(_Serial())
    if found := re.fullmatch(r"processes://(\d+)", url):
        return _processes(_workers(url, found[1]))
    if found := re.fullmatch(r"dask://local/(\d+)", url):
        return _local_cluster(_workers(url, found[1]))
    if found := re.fullmatch(r"dask(\+tls)?://([^/?]+:\d+)", url):
        return _cluster(f"{'tls' if found[1] else 'tcp'}://{found[2]}")
    raise ConfigurationError(f"executor {url!r}: expected one of {'; '.join(FORMS)}")


def _workers(url: str, number: str) -> int:
    if not 1 <= int(number) <= _MOST_WORKERS:
        raise ConfigurationError(f"executor {url!r}: found {number} workers, expected 1 to {_MOST_WORKERS}")
    return int(number)


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield _Processes(pool)


@contextmanager
def _local_cluster(workers: int) -> Iterator[Executor]:
    distributed = _distributed()
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield _Dask(client)


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    distributed = _distributed()
    security = distributed.Security() if address.startswith("tls") else None
    try:
        client = distributed.Client(address, timeout=_ANSWER_S, security=security, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ServiceError(f"{address}: found no Dask scheduler ({error}), expected one that answers") from error
    with client:
        _check_workers(client, address)
        yield _Dask(client)


def _check_workers(client: Any, address: str) -> None:
    """Each worker must have the version of Lantian that asks."""
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise ServiceError(
            f"{address}: found a scheduler without workers, expected at least one (dask worker {address})"
        )
    own = version("lantian")
    others = {worker: told for worker, told in client.run(_version, on_error="return").items() if told != own}
    if others:
        told = "; ".join(f"{worker}: {found}" for worker, found in sorted(others.items()))
        raise ConfigurationError(f"workers: found Lantian {told}; expected {own} on each (pip install 'lantian[dask]')")


def _version() -> str:
    return version("lantian")


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "executor: found no package 'distributed', expected it: pip install 'lantian[dask]' in this environment"
        ) from error
    return distributed
