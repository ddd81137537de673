"""The artifact store: a folder of this machine, or an object store."""
