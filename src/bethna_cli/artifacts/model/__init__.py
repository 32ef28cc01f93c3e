"""The model that ships: which file it is, and the checksum that `bethna train` on the named data gives it."""

SHIPPED = "alpha-2.bin"
SHA256 = "6d75c3a1dd7e117ccc6dc80ccf068eb34ef6f770b8995554a4c7ae87165cbe5a"
