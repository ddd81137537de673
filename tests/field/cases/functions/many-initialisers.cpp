namespace {
int ticks(int ms) { return ms / 10; }
}

/*
 * A link to a peer.
 */
Link::Link(const Peer& peer)
    : peer_(peer),
      member_with_a_long_name_0{DEFAULT_OF_MEMBER_0},
      member_with_a_long_name_1{DEFAULT_OF_MEMBER_1},
      member_with_a_long_name_2{DEFAULT_OF_MEMBER_2},
      member_with_a_long_name_3{DEFAULT_OF_MEMBER_3},
      member_with_a_long_name_4{DEFAULT_OF_MEMBER_4},
      member_with_a_long_name_5{DEFAULT_OF_MEMBER_5},
      member_with_a_long_name_6{DEFAULT_OF_MEMBER_6},
      member_with_a_long_name_7{DEFAULT_OF_MEMBER_7},
      member_with_a_long_name_8{DEFAULT_OF_MEMBER_8},
      member_with_a_long_name_9{DEFAULT_OF_MEMBER_9},
      member_with_a_long_name_10{DEFAULT_OF_MEMBER_10},
      member_with_a_long_name_11{DEFAULT_OF_MEMBER_11},
      member_with_a_long_name_12{DEFAULT_OF_MEMBER_12},
      member_with_a_long_name_13{DEFAULT_OF_MEMBER_13},
      member_with_a_long_name_14{DEFAULT_OF_MEMBER_14},
      member_with_a_long_name_15{DEFAULT_OF_MEMBER_15},
      member_with_a_long_name_16{DEFAULT_OF_MEMBER_16},
      member_with_a_long_name_17{DEFAULT_OF_MEMBER_17},
      member_with_a_long_name_18{DEFAULT_OF_MEMBER_18},
      member_with_a_long_name_19{DEFAULT_OF_MEMBER_19},
#if EXTENDED
      phy_{ONE | TWO},
#endif
      params_{16,
              24} {
    start();
}

Link::~Link() {
    stop();
}

bool Link::connect(int timeout) {
    return begin(timeout);
}
