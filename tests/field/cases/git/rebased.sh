git checkout -q -b topic HEAD~1
git commit -q --allow-empty -m Mine
espdeck build .
git rebase -q main && espdeck build .
