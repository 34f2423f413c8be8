"""In charge of telling others what has happened, once it is stored: hooks, webhooks, subscriptions, caches.

collect  events, and the subscribers of a project
"""
