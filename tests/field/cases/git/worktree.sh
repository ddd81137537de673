git worktree add -q ../side HEAD~1 -b side
espdeck build ../side
git -C ../side commit -q --allow-empty -m Aside
espdeck build ../side
