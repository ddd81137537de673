git config extensions.worktreeConfig true && git worktree add -q ../side HEAD~1
espdeck build ../side
