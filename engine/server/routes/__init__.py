"""The routes, one file a capability; each has a ``router`` that :mod:`engine.server.app` mounts."""
