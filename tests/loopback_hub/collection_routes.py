# SPDX-License-Identifier: Apache-2.0
"""Collections: a title, a slug that the Hub completes by itself, items in order.

What huggingface_hub 2.4 sends and expects (`HfApi.create_collection`, `add_collection_item`, `list_collections`).
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loopback_hub.repo_routes import may_read, need_write
from loopback_hub.wire import Answer, Refusal, Request, User

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub

SHOWN_IN_LISTS = 4
"""Items of a collection in a list of collections."""

DESCRIPTION_LENGTH, NOTE_LENGTH = 150, 500


@dataclass
class Collection:
    """One collection; an item is `{"_id", "id", "type", "position", "note"}`."""

    owner: str
    title: str
    slug: str
    description: str = ""
    private: bool = False
    items: list[dict] = field(default_factory=list)

    def described(self, most: int | None = None) -> dict:
        """As the Hub answers; lists have no `position`, which the client counts."""
        return {
            "slug": self.slug, "title": self.title, "description": self.description, "private": self.private,
            "owner": {"name": self.owner, "type": "org"}, "theme": "orange", "upvotes": 0,
            "lastUpdated": "2026-01-01T00:00:00.000Z", "items": self.items[:most],
        }  # fmt: skip

    def may_be_seen_by(self, user: User | None) -> bool:
        return not self.private or (user is not None and user.may_write(self.owner))


def _whole(collection: Collection, status: int = 200) -> Answer:
    return Answer.of_json(collection.described() | {"position": 0}, status)


def find(hub: "LoopbackHub", request: Request) -> Collection:
    collection = hub.collections.get(f"{request.match['owner']}/{request.match['slug']}")
    if collection is None or not collection.may_be_seen_by(request.user):
        raise Refusal(404, "Collection not found")
    return collection


def listed(hub: "LoopbackHub", request: Request) -> Answer:
    owner = request.parameter("owner")
    found = [one for one in hub.collections.values() if owner in (None, one.owner) and one.may_be_seen_by(request.user)]
    return Answer.of_json([one.described(SHOWN_IN_LISTS) for one in found])


def whole(hub: "LoopbackHub", request: Request) -> Answer:
    return _whole(find(hub, request))


def create(hub: "LoopbackHub", request: Request) -> Answer:
    body = request.json()
    title, owner = body.get("title", ""), body.get("namespace", "")
    need_write(request.user, owner)
    if not title.strip():
        raise Refusal(400, "Invalid title: it must not be empty")
    if len(body.get("description", "")) > DESCRIPTION_LENGTH:
        raise Refusal(400, f"Invalid description: at most {DESCRIPTION_LENGTH} characters")
    for one in hub.collections.values():
        if hub.unique_titles and (one.owner, one.title) == (owner, title):
            # `exists_ok=True` reads the slug out of this refusal.
            raise Refusal(409, f"You already created a collection with this title: {title}", slug=one.slug)
    slug = f"{owner}/{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}-{secrets.token_hex(12)}"
    hub.collections[slug] = Collection(owner, title, slug, body.get("description", ""), bool(body.get("private")))
    return _whole(hub.collections[slug])


def add(hub: "LoopbackHub", request: Request) -> Answer:
    collection, body = find(hub, request), request.json()
    need_write(request.user, collection.owner)
    kind, item_id = body["item"]["type"], body["item"]["id"]
    repo = hub.repos.get((kind, item_id))
    if repo is None or (repo.private and not may_read(request.user, repo)):
        raise Refusal(404, f"{kind} {item_id} not found")
    if any((item["type"], item["id"]) == (kind, item_id) for item in collection.items):
        raise Refusal(409, f"{item_id} is in this collection already")
    if len(body.get("note", "")) > NOTE_LENGTH:
        raise Refusal(400, f"Invalid note: at most {NOTE_LENGTH} characters")
    note = {"note": {"text": body["note"], "html": body["note"]}} if body.get("note") else {}
    position = len(collection.items)
    collection.items.append({"_id": secrets.token_hex(12), "id": item_id, "type": kind, "position": position, **note})
    return _whole(collection)
