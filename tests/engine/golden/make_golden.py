#!/usr/bin/python3
"""Golden values of a small network's training, worked out with numpy in double precision, backward pass by hand.

Shares nothing with the engine but the definitions. Writes golden_values.inc for tests/engine/test_golden.c:
    tests/engine/golden/make_golden.py > tests/engine/golden/golden_values.inc
Relies on: numpy. Relied on by: nobody at build time; the output is committed.
"""
import numpy as np

N, L, C, K, STRIDE, C1, H, OUT = 6, 9, 3, 3, 2, 4, 5, 3
STEPS, WARMUP, TOTAL = 25, 5, 20
RATE, BETA1, BETA2, EPSILON, DECAY, CLIP, FINAL = 0.02, 0.9, 0.99, 1e-6, 0.1, 0.25, 0.1


def wave(shape, factor, phase, amplitude):
    """The numbers that test_golden.c draws too, rounded to f32."""
    k = np.arange(np.prod(shape))
    return (amplitude * np.sin(factor * k + phase)).astype(np.float32).astype(np.float64).reshape(shape)


x = wave((N, L, C), 0.9, 0.1, 1.0)
lengths = np.array([9, 0, 1, 4, 7, 8])
targets = (wave((N, OUT), 2.3, 0.4, 1.0) > 0).astype(float)
mask = (wave((N, OUT), 1.7, 0.2, 1.0) > -0.7).astype(float)
row_weights = np.abs(wave((N,), 1.1, 0.3, 1.0))
positive, negative = np.array([1.0, 2.0, 0.5]), np.array([1.0, 0.25, 1.5])
parameters = {
    "conv.weight": wave((K, C, C1), 0.7, 0.5, 0.6),
    "conv.bias": wave((C1,), 0.5, 0.6, 0.1),
    "hidden.weight": wave((C1, H), 1.3, 0.7, 0.8),
    "hidden.bias": wave((H,), 0.4, 0.8, 0.1),
    "out.weight": wave((H, OUT), 1.9, 0.9, 0.8),
    "out.bias": wave((OUT,), 0.3, 1.0, 0.1),
}
L1 = (L + STRIDE - 1) // STRIDE
# Padding at the tail: window t is x[2t .. 2t + K - 1], zeros beyond the end.
padded = np.concatenate([x, np.zeros((N, K, C))], axis=1)
windows = np.stack([padded[:, STRIDE * t : STRIDE * t + K] for t in range(L1)], axis=1)  # [N, L1, K, C]
valid = np.arange(L1)[None, :] < np.ceil(lengths / STRIDE)[:, None]


def pass_through(p):
    """Loss and gradients."""
    conv = np.einsum("ntkc,kco->nto", windows, p["conv.weight"]) + p["conv.bias"]
    features = np.maximum(conv, 0) * valid[:, :, None]
    best = np.argmax(features, axis=1)
    pooled = np.take_along_axis(features, best[:, None, :], axis=1)[:, 0]
    before = pooled @ p["hidden.weight"] + p["hidden.bias"]
    hidden = np.maximum(before, 0)
    logits = hidden @ p["out.weight"] + p["out.bias"]
    s = 1 / (1 + np.exp(-logits))
    element = -positive * targets * np.log(s) - negative * (1 - targets) * np.log(1 - s)
    weight = mask * row_weights[:, None] / N
    loss = np.sum(weight * element)

    d_logits = weight * (negative * (1 - targets) * s - positive * targets * (1 - s))
    d_hidden = (d_logits @ p["out.weight"].T) * (before > 0)
    d_pooled = d_hidden @ p["hidden.weight"].T
    d_features = np.zeros_like(features)
    np.put_along_axis(d_features, best[:, None, :], d_pooled[:, None, :], axis=1)
    d_conv = d_features * (conv > 0) * valid[:, :, None]
    return loss, {
        "conv.weight": np.einsum("ntkc,nto->kco", windows, d_conv),
        "conv.bias": d_conv.sum(axis=(0, 1)),
        "hidden.weight": pooled.T @ d_hidden,
        "hidden.bias": d_hidden.sum(axis=0),
        "out.weight": hidden.T @ d_logits,
        "out.bias": d_logits.sum(axis=0),
    }


def rate(step):
    if step < WARMUP:
        return RATE * step / WARMUP
    done = min((step - WARMUP) / (TOTAL - WARMUP), 1)
    return RATE * (FINAL + (1 - FINAL) * 0.5 * (1 + np.cos(np.pi * done)))


moments = {name: (np.zeros_like(w), np.zeros_like(w)) for name, w in parameters.items()}
losses, norms = [], []
for step in range(1, STEPS + 1):
    loss, gradients = pass_through(parameters)
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    losses.append(loss)
    norms.append(norm)
    for name, w in parameters.items():
        g = gradients[name] * min(1, CLIP / norm)
        m, v = moments[name]
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        moments[name] = (m, v)
        update = m / (1 - BETA1**step) / (np.sqrt(v / (1 - BETA2**step)) + EPSILON)
        decay = DECAY if name.endswith("weight") else 0
        parameters[name] = w - rate(step) * update - rate(step) * decay * w


def array(name, values):
    rows = ", ".join(f"{v:.12g}" for v in np.asarray(values).ravel())
    print(f"static const double {name}[] = {{{rows}}};")


print("/* Written by make_golden.py: losses and gradient norms of each step, and the parameters after the last.")
print(" * Relies on: nothing.")
print(" * Relied on by: tests/engine/test_golden.c. */")
print("/* clang-format off */")
array("golden_losses", losses)
array("golden_norms", norms)
for name, w in parameters.items():
    array("golden_" + name.replace(".", "_"), w)
