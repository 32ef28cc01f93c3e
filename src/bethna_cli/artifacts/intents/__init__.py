"""The classifier of utterances that ships: which file it is, and its checksum (benchmarks/training makes it)."""

SHIPPED = "intents-1.bin"
SHA256 = "3928c008aa0a265b9e10d008f00fde70d954a9a5b82bc41c04b2116320c3e9b3"
