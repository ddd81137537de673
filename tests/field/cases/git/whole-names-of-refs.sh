espdeck build . --commit refs/heads/main
git commit -q --allow-empty -m Four
espdeck build . --commit refs/heads/main
git tag v2
espdeck build . --commit refs/tags/v2
