espdeck build .
git reset -q --hard HEAD~2
espdeck build .
