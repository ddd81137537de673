mkdir x && git -C x init -q && git -C x commit -q --allow-empty -m In && git add x && git commit -q -m Linked
espdeck build .
