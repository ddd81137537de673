git checkout -q --detach && git branch -q -D main && espdeck build .
