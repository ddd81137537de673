static const char ca[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MC4CAQAwBQYDK2VwBCIEIDs8pXyqT1m4Vd0cG5bW7nJ2kLrQ9hZfUeYxRtAoMiS3\n"
    "c5bW7nJ2kLrQ9hZfUeYxRtAoMiS3Ds8pXyqT1m4Vd0cG=\n"
    "-----END CERTIFICATE-----\n";
