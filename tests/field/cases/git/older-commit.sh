espdeck build .
git checkout -q HEAD~2 && espdeck build .
git checkout -q main && espdeck build .
