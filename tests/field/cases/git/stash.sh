echo 'int y;' > main.c && git stash -q
espdeck build .
espdeck build . --commit refs/stash
