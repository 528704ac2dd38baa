"""Commits that are repeated until nothing remains, whatever happens to their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bids_dl.errors import StoreError
from bids_dl.publishing.hub_client import HubClient
from bids_dl.publishing.hub_errors import LostAnswerError, ParentMovedError
from bids_dl.remote.cancellation import sleep
from bids_dl.remote.waits import backoff_delays

P = TypeVar("P")


def commit_all(
    client: HubClient,
    plan: P,
    *,
    commit_next: Callable[[P], None],
    plan_again: Callable[[], P],
    is_done: Callable[[P], bool],
) -> int:
    """Make commits until nothing remains.

    After each commit the repository is compared again. So a commit whose answer was lost is found,
    and so is what somebody else has committed meanwhile.

    Parameters
    ----------
    client
        Client of the repository.
    plan
        What remains.
    commit_next
        Makes one commit of a plan.
    plan_again
        Compares the repository again.
    is_done
        Tells of a plan that nothing remains.

    Returns
    -------
    int
        Number of commits that were confirmed.

    Raises
    ------
    StoreError
        The answers to several commits were lost, or others commit at the same time.
    """
    n_commits = 0
    delays = backoff_delays(client.retry_timeout)
    while not is_done(plan):
        try:
            commit_next(plan)
            n_commits += 1
            delays = backoff_delays(client.retry_timeout)
        except (ParentMovedError, LostAnswerError) as error:
            delay = next(delays, None)
            if delay is None:
                reason = str(error) or "others commit at the same time"
                raise StoreError(
                    f"{client.destination.url}: no commit was confirmed after several tries "
                    f"({reason}); run the same command later, it goes on where it stopped"
                ) from error
            sleep(delay)
        plan = plan_again()
    return n_commits
