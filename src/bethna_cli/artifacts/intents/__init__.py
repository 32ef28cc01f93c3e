"""The classifier of utterances that ships: which file it is, and its checksum (benchmarks/training makes it)."""

SHIPPED = "intents-2.bin"
SHA256 = "22f1dcbff7e53acee746968325624a91cd14f76cf4147aad001c44e998ff3b05"
