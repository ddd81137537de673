espdeck build .
git commit -q --amend --allow-empty -m again
espdeck build .
