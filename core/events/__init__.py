"""In charge of telling others what has happened, once it is stored: hooks, webhooks, subscriptions, caches.

collect     events, and the subscribers of a project
notes       what happened to items, as other processes hear of it
broker      other processes hear that the change log has moved, and of items
deliver     the courier of a project: deliveries of webhooks from the outbox to their receivers
deliveries  the outbox as the database holds it
signing     headers of a delivery
fetch       requests to URLs that others have named, bounded and guarded
addresses   which addresses these may reach
"""
