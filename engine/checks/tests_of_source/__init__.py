"""Which test covers which source file of a project, and what came of the tests when they ran."""
