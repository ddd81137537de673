"""A client of espdeck's HTTP API: small, typed, over httpx, with and without asyncio.

:class:`~engine.server.client.synchronous.client.Client` is made from ``asynchronous/`` by
``python -m tests.engine.server.client.make_synchronous``: change that folder and run it.
"""
