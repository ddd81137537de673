git clone -q --bare . ../b.git && git -C ../b.git worktree add -q ../wt main
espdeck build ../wt
echo 'int x9;' > ../wt/main.c
espdeck build ../wt
espdeck build ../wt --dirty
