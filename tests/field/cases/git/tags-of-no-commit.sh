git tag -a -m x ofblob HEAD:main.c && git tag oftree HEAD^{tree} && git tag -a -m y oftag HEAD~1 && git tag -a -m z oftagtag oftag
espdeck build .
espdeck build . --commit ofblob
espdeck build . --commit oftree
espdeck build . --commit oftagtag
