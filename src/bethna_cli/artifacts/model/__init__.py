"""The model that ships: which file it is, and the checksum that `bethna train` on the named data gives it."""

SHIPPED = "alpha-1.bin"
SHA256 = "2f3f0d0b9599d670345c54ad6333012048b4af9b2a56cc9db94a75d78e49b187"
