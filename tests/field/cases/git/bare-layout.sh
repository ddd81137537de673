mkdir ../d && git clone -q --bare . ../d/.bare && echo 'gitdir: ./.bare' > ../d/.git
espdeck build ../d
