echo 'int y;' > main.c
espdeck build .
espdeck build . --dirty
git checkout -q main.c
espdeck build . --dirty
