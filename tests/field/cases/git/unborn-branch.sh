git checkout -q --orphan fresh
espdeck build .
