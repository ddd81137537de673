git update-ref refs/heads/HEAD HEAD~2
espdeck build .
