espdeck build .
git branch -m main trunk
espdeck build .
