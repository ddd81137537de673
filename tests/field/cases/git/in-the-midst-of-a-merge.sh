git checkout -q -b topic HEAD~1 && echo 'int t;' > main.c && git commit -qam Mine
git merge -q main >/dev/null 2>&1 || true
espdeck build .
