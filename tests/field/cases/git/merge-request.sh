git checkout -q -b topic && git commit -q --allow-empty -m Request && git checkout -q main
git update-ref refs/merge-requests/7/head topic && git branch -q -D topic
espdeck build . --commit refs/merge-requests/7/head
