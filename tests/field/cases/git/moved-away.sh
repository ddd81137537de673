espdeck build .
git clone -q --bare . ../hub.git && espdeck build ../hub.git
mv ../hub.git/refs ../hub.git/gone
espdeck build ../hub.git
