git tag v1 HEAD~1
espdeck build . --commit v1
git tag -f v1 HEAD~2
espdeck build . --commit v1
git tag -d v1
espdeck build . --commit v1
