"""In charge of subscriptions: who is told what after a commit, each by his present rights. No GraphQL, no sockets.

    put ∘ render ∘ read ∘ enter ∘ collect

wish  what somebody wants to be told, as data
hub   the subscribers of one project, and the rounds in which they are told
"""

from core.subscriptions.hub import Subscriber, hub
from core.subscriptions.wish import Ended, Entrance, Told, Wish, hides_key

__all__ = ["Ended", "Entrance", "Subscriber", "Told", "Wish", "hides_key", "hub"]
