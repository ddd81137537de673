git tag -a -m Release v1.0 HEAD~1
espdeck build . --branch v1.0
espdeck build . --commit v1.0~1
