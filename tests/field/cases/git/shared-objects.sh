git clone -q --shared . ../alt
espdeck build ../alt
echo q > ../alt/q
espdeck build ../alt --dirty
