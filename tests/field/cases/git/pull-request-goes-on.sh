git update-ref refs/pull/7/head HEAD~1
espdeck build . --commit refs/pull/7/head
git update-ref refs/pull/7/head HEAD~2
espdeck build . --commit refs/pull/7/head
