"""Copy of a store to a bucket or a folder, root last, that never replaces an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.publishing.conditional_objects import ExistingObjectError, has_object, write_new
from bids_dl.publishing.content import ObjectEntry, StoreContent
from bids_dl.publishing.existing_copy import (
    CopyPlan,
    CopyState,
    ExistingCopy,
    build_marker,
    plan_copy,
    refuse,
)
from bids_dl.publishing.transfer import READING_BACK, SENDING, ByteCounter, TransferCallbacks
from bids_dl.remote.location import Location
from bids_dl.remote.parallel import call_in_threads
from bids_dl.remote.retry import is_missing_bucket
from bids_dl.store import open_store
from bids_dl.store.format import CARD, MANIFEST, ROOT, ROOT_SHA256, UNFINISHED
from bids_dl.store.json_objects import MAX_JSON_BYTES
from bids_dl.wording import count, join_names


@dataclass(frozen=True)
class LocationCopy:
    """A copy of a store at a bucket or a folder, while it is made.

    Attributes
    ----------
    content
        The store.
    location
        Destination.
    jobs
        Number of objects that are sent at a time.
    reads_back
        Compare all objects by reading them, also where the server states a SHA-256.
    callbacks
        Callbacks of the transfer.
    """

    content: StoreContent
    location: Location
    jobs: int
    reads_back: bool = False
    callbacks: TransferCallbacks = TransferCallbacks()  # noqa: RUF009  (it is frozen)

    def plan(self) -> CopyPlan:
        """Compare the destination with the store, without writing.

        Raises
        ------
        StoreError
            The destination holds something else, or cannot be reached.
        """
        plan = plan_copy(self.location.url, self.content, self._find_existing())
        if plan.state is not CopyState.UNFINISHED:
            return plan
        wrong = [entry.name for entry in self._find_damaged(plan.present)]
        if wrong:
            raise refuse(
                self.location.url,
                f"is not a copy of this store ({join_names(wrong, limit=3)} differs in its bytes)",
            )
        return plan

    def send(self, plan: CopyPlan) -> int:
        """Send what is missing, and check it.

        Returns
        -------
        int
            Number of objects whose bytes could not be compared, because the server states no
            SHA-256 and they were not read back.

        Raises
        ------
        DamagedStoreError
            An object of the store is damaged, or differs at the destination after it was sent.
        StoreError
            Somebody else writes to the destination, or it cannot be written.
        """
        counter = ByteCounter(SENDING, plan.missing_bytes, self.callbacks)
        last = [entry for entry in plan.missing if entry.name in (MANIFEST, ROOT)]
        first = [entry for entry in plan.missing if entry.name not in (MANIFEST, ROOT)]
        marker = build_marker(self.content)
        if plan.state is not CopyState.FINISHED:
            self._claim(marker)

        def send_one(entry: ObjectEntry) -> None:
            self._write(entry)
            counter.add(entry.n_bytes)

        call_in_threads(send_one, first, n_threads=self.jobs)
        unchecked = self._check_sent(first)
        if plan.state is not CopyState.FINISHED:
            self._check_claim(marker)
        for entry in last:  # the root alone makes a store of the objects
            send_one(entry)
        unchecked += self._check_sent(last)
        self.check_opens()
        self.remove_marker()
        return unchecked

    def check_opens(self) -> None:
        """Open the copy as a reader does, and compare it with the store.

        Raises
        ------
        DamagedStoreError
            The copy is another store.
        """
        copy = open_store(self.location.url, storage_options=self.location.storage_options)
        for name in ("content", ROOT_SHA256):
            if copy.attributes.get(name) != self.content.store.attributes.get(name):
                raise DamagedStoreError(
                    f"{self.location.url}: its {name} is not that of {self.content.store.url}; "
                    "somebody else wrote to it, choose another name and push again"
                )

    def check_card(self) -> None:
        """Refuse facts for the card of a finished copy, whose README.md has others.

        Raises
        ------
        StoreError
            The copy has another README.md than the one that is to state the facts.
        """
        if self.content.edited_card is None:
            return
        try:
            existing = self.location.read(CARD, max_bytes=MAX_JSON_BYTES)
        except FileNotFoundError:
            return  # it is sent
        if existing != self.content.edited_card:
            raise refuse(
                self.location.url,
                "is a copy of this store already, whose README.md does not state these --doi, "
                "--author and --license",
            )

    def check_all(self, plan: CopyPlan) -> None:
        """Read all objects of a finished copy, and compare them.

        Raises
        ------
        DamagedStoreError
            An object differs.
        """
        damaged = self._find_damaged(plan.present)
        if damaged:
            raise self._damaged(damaged)

    def remove_marker(self) -> None:
        """Remove `unfinished.json` of a finished copy."""
        self.location.remove(UNFINISHED)

    def _find_existing(self) -> ExistingCopy:
        """List the destination, and read its root and its marker."""
        if self.location.is_local and self.location.folder.is_file():
            raise refuse(self.location.url, "is a file")
        try:
            sizes = self.location.sizes()
        except OSError as error:
            reason = error.strerror or str(error)
            if is_missing_bucket(error):
                reason = "the bucket does not exist"
            raise StoreError(f"{self.location.url}: cannot be listed ({reason})") from None
        if not sizes and self.location.is_s3:
            self._check_bucket()
        contents = []
        for name in (ROOT, UNFINISHED):
            content = None
            if name in sizes:
                content = self.location.read(name, max_bytes=MAX_JSON_BYTES)
            contents.append(content)
        return ExistingCopy(sizes, *contents)

    def _check_bucket(self) -> None:
        """Raise if the bucket does not exist, which looks like an empty one."""
        bucket = self.location.filesystem.split_path(self.location.root)[0]
        try:
            self.location.call_s3("head_bucket", Bucket=bucket)
        except FileNotFoundError:
            raise StoreError(
                f"{self.location.url}: the bucket does not exist; create it first"
            ) from None

    def _claim(self, marker: bytes) -> None:
        """Write `unfinished.json`. One of the same store may be there."""
        try:
            write_new(self.location, UNFINISHED, marker)
        except ExistingObjectError:
            self._check_claim(marker)

    def _check_claim(self, marker: bytes) -> None:
        """Raise if somebody else has taken over, unless a push of the same store has finished."""
        try:
            if self.location.read(UNFINISHED, max_bytes=MAX_JSON_BYTES) == marker:
                return
        except FileNotFoundError:
            if self.location.exists(ROOT):
                return  # the root is compared when it is written
        raise StoreError(
            f"{self.location.url}: somebody else writes to it; choose another name and push again"
        )

    def _write(self, entry: ObjectEntry) -> None:
        """Write an object, unless it is there already."""
        content = self.content.read(entry.name)
        try:
            write_new(self.location, entry.name, content)
        except ExistingObjectError:
            # of a try whose answer was lost, or of another push of the same store
            if not self._matches(entry):
                raise refuse(
                    self.location.url, f"{entry.name} has other bytes, which somebody else wrote"
                ) from None

    def _matches(self, entry: ObjectEntry) -> bool:
        """Return whether an object has the bytes of its entry, by reading it if necessary."""
        state = has_object(self.location, entry, reads=self.reads_back)
        if state is None:
            state = has_object(self.location, entry, reads=True)
        return bool(state)

    def _find_damaged(self, entries: Sequence[ObjectEntry]) -> list[ObjectEntry]:
        """Return the objects at the destination that have other bytes. A README.md may differ."""
        total = sum(entry.n_bytes for entry in entries)
        counter = ByteCounter(READING_BACK, total, self.callbacks)

        def matches(entry: ObjectEntry) -> bool:
            is_same = entry.name == CARD or self._matches(entry)
            counter.add(entry.n_bytes)
            return is_same

        results = call_in_threads(matches, entries, n_threads=self.jobs)
        return [entry for entry, is_same in zip(entries, results, strict=True) if not is_same]

    def _check_sent(self, entries: Sequence[ObjectEntry]) -> int:
        """Compare objects that were sent, and count those that could not be compared.

        Raises
        ------
        DamagedStoreError
            An object is missing or differs.
        """

        def state_of(entry: ObjectEntry) -> bool | None:
            try:
                return has_object(self.location, entry, reads=self.reads_back)
            except FileNotFoundError:
                return False

        states = call_in_threads(state_of, entries, n_threads=self.jobs)
        pairs = list(zip(entries, states, strict=True))
        damaged = [entry for entry, state in pairs if state is False]
        if damaged:
            raise self._damaged(damaged)
        return sum(state is None for state in states)

    def _damaged(self, entries: Sequence[ObjectEntry]) -> BidsDlError:
        names = join_names([entry.name for entry in entries], limit=3)
        return DamagedStoreError(
            f"{self.location.url}: {count(len(entries), 'object')} differ from those of "
            f"{self.content.store.url} ({names}); remove the copy and push again"
        )
