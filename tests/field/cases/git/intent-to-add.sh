echo n > new.c && git add -N new.c && git rm -q --cached main.c
espdeck build . --dirty
