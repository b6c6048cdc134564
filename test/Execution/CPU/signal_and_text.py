# RUN: %python %s
"""What comes before a network: short Fourier transforms, mel bands, counts of n-grams."""

import numpy as np

from Execution.harness import case, main, node

rng = np.random.default_rng(51)
f32 = np.float32
draw = lambda *shape: rng.standard_normal(shape).astype(f32)


def stft(x, step, length, window=None, one_sided=True):
    wide = (x[..., 0] + 1j * x[..., 1]) if x.shape[-1] == 2 else x[..., 0].astype(np.float64)
    frames = [wide[:, i:i + length] for i in range(0, wide.shape[1] - length + 1, step)]
    got = np.fft.fft(np.stack(frames, 1) * (1 if window is None else window))
    got = got[..., :length // 2 + 1] if one_sided else got
    return np.stack([got.real, got.imag], -1).astype(f32)


def feed(x, step, window):
    return {"x": x, "s": np.array(step), "w": window}, {"y": stft(x, step, len(window), window)}


window = np.hanning(13).astype(f32)
case("stft_window", [("STFT", ["x", "s", "w"], ["y"])],
     *feed(draw(2, 40, 1), 7, window),
     atol=1e-4,
     shapes={
         "x": ["b", "n", 1],
         "w": ["l"],
         "y": ["b", "f", "k", 2]
     },
     sets=[feed(draw(1, 13, 1), 100, window),
           feed(draw(3, 9, 1), 1, window[:4].copy())])
x = draw(2, 33, 2)
case("stft_complex", [node("STFT", ["x", "s", "", "l"], ["y"], onesided=0)], {"x": x}, {"y": stft(x, 5, 8, one_sided=False)},
     constants={
         "s": np.array(5),
         "l": np.array(8)
     },
     atol=1e-4)


def mel(bands, length, rate, low, high):
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    mels = to_mel(low) + np.arange(bands + 2) * (to_mel(high) - to_mel(low)) / (bands + 2)
    corners = np.floor((length + 1) * 700 * (10**(mels / 2595) - 1) / rate)
    y = np.zeros((length // 2 + 1, bands))
    for i in range(bands):
        left, middle, right = corners[i:i + 3]
        for j in range(len(y)):
            if j == middle:
                y[j, i] = 1
            elif left <= j < middle:
                y[j, i] = (j - left) / (middle - left)
            elif middle < j < right:
                y[j, i] = (right - j) / (right - middle)
    return y


edges = {"n": np.array(8, np.int32), "l": np.array(65, np.int32), "r": np.array(8192, np.int32), "a": f32(10), "b": f32(4000)}
case("mel", [("MelWeightMatrix", ["n", "l", "r", "a", "b"], ["y"])],
     edges, {"y": mel(8, 65, 8192, 10, 4000).astype(f32)},
     shapes={"y": ["bins", "bands"]},
     sets=[({
         **edges, "n": np.array(3, np.int32),
         "b": f32(100)
     }, {
         "y": mel(3, 65, 8192, 10, 100).astype(f32)
     })])
case("mel_constant", [node("MelWeightMatrix", ["n", "l", "r", "a", "b"], ["y"], output_datatype=11)], {},
     {"y": mel(8, 65, 8192, 10, 4000)},
     constants=edges)

# N-grams of one to three tokens; the middle one of each length is elsewhere in the result.
POOL = [[1], [5], [3], [1, 2], [3, 3], [2, 5], [1, 2, 3], [3, 3, 3], [5, 1, 5]]
INDEXES = [0, 8, 2, 3, 7, 5, 6, 4, 1]
WEIGHTS = [0.5, 2, 3, -1, 4, 1, 7, 9, 0.25]


def count(row, skips, least, most):
    y = np.zeros(len(POOL))
    for gram, index in zip(POOL, INDEXES):
        n = len(gram)
        for distance in range(1, 2 if n == 1 else skips + 2):
            for start in range(len(row) - (n - 1) * distance):
                y[index] += least <= n <= most and list(row[start:start + n * distance:distance][:n]) == gram
    return y


rows = rng.integers(1, 6, (5, 31))
for name, mode, skips, least, most in (("tf", "TF", 0, 1, 3), ("skips", "TF", 3, 2, 3), ("idf", "IDF", 1, 1, 2), ("tf_idf", "TFIDF", 2, 1, 3)):
    got = np.stack([count(row, skips, least, most) for row in rows])
    got = got if mode == "TF" else (got.clip(0, 1) if mode == "IDF" else got) * WEIGHTS
    attributes = dict(mode=mode,
                      max_skip_count=skips,
                      min_gram_length=least,
                      max_gram_length=most,
                      ngram_counts=[0, 3, 9],
                      ngram_indexes=INDEXES,
                      pool_int64s=sum(POOL, []),
                      weights=WEIGHTS)
    case(f"grams_{name}", [node("TfIdfVectorizer", ["x"], ["y"], **attributes)], {"x": rows}, {"y": got.astype(f32)},
         shapes={
             "x": ["n", "m"],
             "y": ["n", 9]
         },
         sets=[({
             "x": rows[:2, :0]
         }, {
             "y": np.zeros((2, 9), f32)
         })])
case("grams_row", [
    node("TfIdfVectorizer", ["x"], ["y"],
         mode="TF",
         max_skip_count=5,
         min_gram_length=2,
         max_gram_length=2,
         ngram_counts=[0, 0],
         ngram_indexes=[1, 0],
         pool_int64s=[7, 7, 7, 8])
], {"x": np.array([7, 7, 8, 7], np.int32)}, {"y": np.array([2, 3], f32)})

if __name__ == "__main__":
    main()
