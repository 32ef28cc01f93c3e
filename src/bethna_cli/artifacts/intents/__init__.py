"""The classifier of utterances that ships: which file it is, and its checksum (training/intents/train.py makes it)."""

SHIPPED = "intents-1.bin"
SHA256 = "3a1ba7869e53d3fce54bfd14bb79235ebca5c9fd84141bfa89fa210929525db8"
