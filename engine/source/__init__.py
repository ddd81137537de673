"""Source trees of others, to read from: those of a commit and those of a folder are alike."""
