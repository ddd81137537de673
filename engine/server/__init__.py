"""The HTTP API: a front end like ``tui``, which talks to :class:`engine.Engine` alone.

FastAPI and uvicorn come with the extra ``server``; nothing else of espdeck imports this package
before it serves.
"""
