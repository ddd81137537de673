git branch dev HEAD~1
espdeck build . --branch dev
espdeck build . --dirty
