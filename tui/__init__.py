"""espdeck's screens and command line. They talk to ``engine.Engine`` and to nothing below it."""
