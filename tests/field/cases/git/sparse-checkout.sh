mkdir sub other && echo a > sub/a && echo b > other/b && git add . && git commit -q -m Four && git sparse-checkout set sub
espdeck build .
echo c > sub/c
espdeck build . --dirty
