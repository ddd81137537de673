printf x > $'a\nb.c' && printf y > $'\xff\xfe.c' && printf z > "$(printf 'n%.0s' {1..200})" && git add . && git commit -q -m Odd
espdeck build .
printf x2 > $'c\nd.c' && printf y > $'\xff\xfd.c'
espdeck build . --dirty
