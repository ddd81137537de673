"""What espdeck's processes write down of themselves: one log of a workspace, and its readers."""
