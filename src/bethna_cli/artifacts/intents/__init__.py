"""The classifier of utterances that ships: which file it is, and its checksum (training/intents/train.py makes it)."""

SHIPPED = "intents-1.bin"
SHA256 = "524371666c6ba41974506b455c1296c27d4d3686d2f965815b98353e314bab63"
