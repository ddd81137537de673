"""How a kind of case is read: one module a kind, named as its folder in ``cases/``.

Each has ``read(case) -> dict[str, object]``: what espdeck makes of the input, in plain values
(text, numbers, lists, mappings), so that a case's ``expect`` can name any of them.
"""
