"""What ``dependency_check`` reads: manifests and locks of several tools, and submodules."""
