git init -q -b main --object-format=sha256 ../s && cp main.c ../s && git -C ../s add . && git -C ../s commit -q -m Wide
espdeck build ../s
echo 'int x9;' > ../s/main.c
espdeck build ../s --dirty
