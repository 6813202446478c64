"""Eventual consistency, when a test switches it on: what was written is not there for those who read, for a while.

Entra's directory answers from replicas, so that an object just made may not be found and one just deleted may be. Here
the delay is no matter of time: a write shows after so many reads of that object, or when the switch is released.
"""

from typing import Any

from lakelatch_sandbox.store import Document, Store

SETTINGS, BEHIND = "_graph/consistency", "_graph/behind"


def configure(store: Store, *, reads: int = 0, held: bool = False) -> None:
    """Delay the writes from now on by `reads` reads of the object, or `held` until the next call; 0 ends all delays."""
    store.put(SETTINGS, "now", {"reads": reads, "held": held})
    if not held and reads == 0:
        for one in list(store.all(BEHIND)):
            store.delete(BEHIND, one["id"])


def settings(store: Store) -> dict[str, Any]:
    """The switch as it stands, as `configure` takes it."""
    return store.get(SETTINGS, "now") or {"reads": 0, "held": False}


def is_behind(store: Store) -> bool:
    """Whether anything does not show yet."""
    return store.count(BEHIND) > 0


def note_write(store: Store, kind: str, id: str, before: Document | None) -> None:
    """Remember what readers go on to see; called before an object is written or deleted."""
    now = settings(store)
    if not now["held"] and now["reads"] == 0:
        return
    key = f"{kind}/{id}"
    known = store.get(BEHIND, key)
    shown = known["shown"] if known else before
    left = None if now["held"] else now["reads"]
    store.put(BEHIND, key, {"id": key, "kind": kind, "object": id, "shown": shown, "left": left})


def seen(store: Store, kind: str, id: str, current: Document | None) -> Document | None:
    """What a reader sees of one object now; each call counts as a read."""
    key = f"{kind}/{id}"
    behind = store.get(BEHIND, key)
    if behind is None:
        return current
    if behind["left"] is not None:
        left = behind["left"] - 1
        if left > 0:
            store.put(BEHIND, key, {**behind, "left": left})
        else:
            store.delete(BEHIND, key)
    shown: Document | None = behind["shown"]
    return shown


def seen_all(store: Store, kind: str) -> list[Document]:
    """What a reader sees of all objects of a kind; counts as a read of each."""
    if not is_behind(store):
        return list(store.all(kind))
    current = {one["id"]: one for one in store.all(kind)}
    deleted = [one["object"] for one in store.all(BEHIND) if one["kind"] == kind and one["object"] not in current]
    views = [seen(store, kind, id, current.get(id)) for id in (*current, *deleted)]
    return [one for one in views if one is not None]
