# SPDX-License-Identifier: Apache-2.0
"""`collect`: one collection of the Hub that holds these repositories, however often and by whomever that is asked.

The Hub adds a random part to a collection's address, so that it is found by its title among those of its owner.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sycophancy.publishing.result import PublishError
from sycophancy.publishing.sending import check_token, persist

if TYPE_CHECKING:
    from huggingface_hub import Collection, HfApi

DESCRIPTION_LENGTH, NOTE_LENGTH = 150, 500
"""Characters that the Hub takes (huggingface_hub 2.4, `create_collection` and `add_collection_item`)."""

SLUG = re.compile(r"[\w.-]+/[\w.-]+-[0-9a-f]{24}")
"""Address of a collection: its owner, its title in lower case, and what tells it from others of that title."""


@dataclass(frozen=True)
class Item:
    """A repository in a collection, with a note of at most `NOTE_LENGTH` characters."""

    repo_id: str
    repo_type: str
    note: str = ""


@dataclass(frozen=True)
class Collected:
    """What a call of `collect` did: the collection's address, what it added, and what was there already."""

    url: str
    slug: str
    made: bool
    added: tuple[str, ...]
    there: tuple[str, ...]

    def report(self) -> str:
        """One line of text."""
        made = "made; " if self.made else ""
        return f"{self.url}: {made}{len(self.added)} added, {len(self.there)} there already"


@dataclass
class _Job:
    """A collection on its way to the Hub, over all attempts."""

    api: "HfApi"
    namespace: str
    title: str
    description: str
    items: Sequence[Item]
    private: bool
    attempts: int = 0
    reached: bool = False
    made: bool = False
    added: list[str] = field(default_factory=list)

    repo_type = "collection"

    @property
    def repo_id(self) -> str:
        return f"{self.namespace}/{self.title}"


def collect(
    title: str,
    namespace: str,
    items: Sequence[Item],
    *,
    description: str = "",
    private: bool = False,
    token: str | None = None,
    attempts: int = 8,
    first_wait: float = 1.0,
    patience: float = 600.0,
) -> Collected:
    """Make a collection hold these repositories, in this order where it is new; nothing is taken out of it.

    Args:
        title: The collection's, or its address `my-org/title-64f9a55bb3115b4f513ec026`. It is made if there is none.
        namespace: User or organisation whose collection it is.
        items: What it is to hold; each of them is on the Hub.
        description: Of a collection that is made.
        private: Make the collection private. One that is public already is refused, not changed.
        token, attempts, first_wait, patience: See `sycophancy.publishing.publish`.

    Returns:
        What was done.

    Raises:
        ValueError: a text is too long, or the owner has several collections of that title.
        PublishError: (a ValueError) the Hub refuses, cannot be reached, or does not recover in time.
    """
    from huggingface_hub import HfApi, get_token

    long = [("description", description, DESCRIPTION_LENGTH), *(("note", item.note, NOTE_LENGTH) for item in items)]
    for name, text, most in long:
        if len(text) > most:
            raise ValueError(
                f"expected a {name} of at most {most} characters, got {len(text)}: {text[:60]} ...; shorten it"
            )
    token = token or get_token()
    check_token(token, needed=True)
    job = _Job(HfApi(token=token), namespace, title, description, items, private)
    return persist(job, attempts=attempts, first_wait=first_wait, patience=patience, once=_fill)


def _fill(job: _Job) -> Collected:
    """Do the whole job once: find or make the collection, add what it lacks, read it back."""
    collection = _find(job)
    job.reached = True
    if collection is None:
        collection = job.api.create_collection(
            job.title, namespace=job.namespace, description=job.description or None, private=job.private, exists_ok=True
        )
        job.made = True
    if job.private and not collection.private:
        raise ValueError(f"{collection.url} is public: make it private in its settings, or leave out --private")
    there = _held(collection)
    for item in job.items:
        if (item.repo_type, item.repo_id) not in there:
            # Added before its answer was lost, or by somebody else meanwhile: it is there, as was asked.
            job.api.add_collection_item(
                collection.slug, item.repo_id, item.repo_type, note=item.note or None, exists_ok=True
            )
            job.added.append(item.repo_id)
    held = _held(job.api.get_collection(collection.slug))
    if missing := [item.repo_id for item in job.items if (item.repo_type, item.repo_id) not in held]:
        raise PublishError(
            f"{collection.url} does not hold {', '.join(missing)} after they were added", attempts=job.attempts
        )
    old = tuple(item.repo_id for item in job.items if item.repo_id not in job.added)
    return Collected(collection.url, collection.slug, job.made, tuple(job.added), old)


def _held(collection: "Collection") -> set[tuple[str, str]]:
    return {(item.item_type, item.item_id) for item in collection.items}


def _find(job: _Job) -> "Collection | None":
    """The collection with all its items; a list of collections holds four of each."""
    if SLUG.fullmatch(job.title):
        return job.api.get_collection(job.title)
    found = [one.slug for one in job.api.list_collections(owner=job.namespace) if one.title == job.title]
    if len(found) > 1:
        raise ValueError(
            f"expected one collection of {job.namespace} with the title {job.title!r}, got {', '.join(found)}: name one of these"
        )
    return job.api.get_collection(found[0]) if found else None
