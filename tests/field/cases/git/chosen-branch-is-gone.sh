git branch keep HEAD~1
espdeck build . --branch keep
git branch -q -D keep
espdeck build .
