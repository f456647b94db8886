"""The product's version; it is stored with every round and every exported student."""

VERSION = "0.1.0"
