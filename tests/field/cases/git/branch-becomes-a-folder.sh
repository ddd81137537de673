git branch dev
espdeck build .
git branch -D dev && git branch dev/new HEAD~1
espdeck build . --commit dev/new
