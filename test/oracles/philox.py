"""Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), with Python's integers."""

import struct

import numpy as np

MASK = 0xFFFFFFFF


def words(position, key):
    c = [position & MASK, position >> 32, 0, 0]
    k = list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & MASK, p >> 32 ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def draw(count, seed):
    """For each position two numbers of 64 bits, for the seed that a node has as an attribute: an integer or a float32."""
    key = seed if isinstance(seed, int) else struct.unpack("<I", struct.pack("<f", seed))[0]
    found = [words(i, (key & MASK, key >> 32 & MASK)) for i in range(count)]
    return [[(w[1] << 32) | w[0] for w in found], [(w[3] << 32) | w[2] for w in found]]


def fraction(numbers, digits):
    return np.array([n >> (64 - digits) for n in numbers], np.float64) / 2**digits


def uniform(shape, seed, digits=24):
    """In [0, 1), with as many digits as the type has."""
    return fraction(draw(int(np.prod(shape)), seed)[0], digits).reshape(shape)


def normal(shape, seed, digits=24):
    first, second = (fraction(n, digits) for n in draw(int(np.prod(shape)), seed))
    return (np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)).reshape(shape)


# The authors' test vector.
assert words(0, (0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
