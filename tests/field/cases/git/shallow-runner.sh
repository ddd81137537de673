git clone -q --depth=1 file://$PWD ../runner
espdeck build ../runner
espdeck build ../runner --commit HEAD~1
