rm -rf ../empty && git init -q ../empty
espdeck build ../empty
