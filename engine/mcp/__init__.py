"""A front end for coding agents: the lab as tools of the Model Context Protocol (MCP).

A client, such as an editor's agent, starts ``espdeck mcp`` and speaks with it over standard input
and output (modelcontextprotocol.io, "Tools", "Progress", "Cancellation"). Tools are data: a name,
what they take and answer, and what they need to be allowed; each talks to
:class:`engine.Engine` alone. What firmware, compilers and repositories said is cleaned, bounded and
passed on as data.
"""
