"""What the golden scripts share: data, C text, and PyTorch's ops over sequences [N, L, C] with our masks and padding.
Relies on: python3-torch.
Relied on by: ops.py, runs.py.
"""
import re
import textwrap

import numpy as np
import torch
import torch.nn.functional as F

# ---- data: functions of a random state that give (role, values) ----


def draws(role, draw):
    return lambda random: (role, draw(random))


def decimals(values):
    """Few digits, and the same f32 here and in C."""
    return np.round(np.asarray(values, float), 3).astype(np.float32)


def real(*shape, scale=1):
    """An input with a gradient."""
    return draws('input', lambda random: decimals(random.uniform(-scale, scale, shape)))


def given(shape, change=lambda u: u):
    """An input without one; `change` makes of uniform numbers what is wanted."""
    return draws('given', lambda random: decimals(change(random.uniform(0, 1, shape))))


def weight(*shape):
    return draws('weight', lambda random: decimals(random.uniform(-1, 1, shape)))


def statistic(*shape, least=-1):
    """A parameter that only the op changes."""
    return draws('statistic', lambda random: decimals(random.uniform(least, 1, shape)))


def number(*shape, below=256):
    """Bytes."""
    return draws('bytes', lambda random: random.randint(0, below, shape).astype(np.uint8))


def lengths(n, most):
    """None, one, all, then any."""
    return draws('bytes', lambda random: np.array(
        ([0, 1, most] + list(random.randint(0, most + 1, n)))[:n], np.uint8).reshape(n, 1))


# ---- C text ----


def array(code, name, values):
    """Adds the C array to the lines `code`; its name."""
    values = np.asarray(values).ravel()
    words = map(str, values) if values.dtype == np.uint8 else map(literal, values)
    code.append(f'static const {"uint8_t" if values.dtype == np.uint8 else "float"} {name}[] = {{')
    code.append(textwrap.fill(', '.join(words), 138).replace(', ', ',') + '};')
    return name


def floats(values):
    """The C expression of a constant array."""
    return f'(const float[]){{{", ".join(map(literal, values))}}}'


def literal(value):
    """An f32 to seven digits, which is what our tolerances look at."""
    text = f'{value:.7g}'.replace('e-0', 'e-')
    text = text if re.search('[.e]', text) else text + '.'
    return re.sub(r'^(-?)0\.(.)', r'\1.\2', text) + 'f'


# ---- PyTorch's ops with sequences [N, L, C] as ours are, and masks ----

BEFORE = {'SAME': lambda span: (span - 1) // 2, 'CAUSAL': lambda span: span - 1, 'TAIL': lambda span: 0,
          'VALID': lambda span: 0}


def valid(length, n, stride=1, at_end=False):
    """[N, length, 1]: 1 where a position counts."""
    counted = torch.clamp((n + stride - 1) // stride, max=length)
    place = torch.arange(length)[None, :]
    keep = place >= length - counted if at_end else place < counted
    return keep[:, :, None]


def conv(x, kernel, bias, padding, stride=1, dilation=1, groups=1):
    """kernel [out, in / groups, taps] as PyTorch has it."""
    length, span = x.shape[1], (kernel.shape[2] - 1) * dilation + 1
    out = (length - span) // stride + 1 if padding == 'VALID' else -(-length // stride)
    before = BEFORE[padding](span)
    padded = F.pad(x.transpose(1, 2), (before, 0 if padding == 'VALID' else span + stride))
    return F.conv1d(padded, kernel, bias, stride, 0, dilation, groups)[:, :, :out].transpose(1, 2)


def masked(y, mask, n, stride=1):
    return y * valid(y.shape[1], n, stride, mask == 'end') if mask else y


def pool(kind, x, mask=None, n=None, stride=1, window=None, step=None):
    """The max or mean of the valid positions of each window, 0 without any; no window: all in one, [N, C]."""
    keep = valid(x.shape[1], n, stride, mask == 'end') if mask else torch.ones_like(x[:, :, :1], dtype=torch.bool)
    size = window or x.shape[1]
    x, keep = (v.unfold(1, size, step or size) for v in (x, keep))
    if kind == 'max':
        y = x.masked_fill(~keep, -np.inf).max(dim=3).values
    else:
        y = (x * keep).sum(dim=3) / torch.clamp(keep.sum(dim=3), min=1)
    y = torch.where(keep.any(dim=3), y, torch.zeros_like(y))
    return y if window else y[:, 0]


def sigmoid_loss(z, t, m=None, r=None, positive=1., negative=1., smoothing=0., focal=0.):
    """[N, 1]; PyTorch's weight is for both terms, pos_weight for one more of the first."""
    positive, negative = (torch.as_tensor(w, dtype=z.dtype).float().double() for w in (positive, negative))
    weights = (1 if m is None else m) * (1 if r is None else r)
    t = (1 - smoothing) * t + smoothing / 2
    if not focal:
        loss = negative * F.binary_cross_entropy_with_logits(z, t, reduction='none', pos_weight=positive / negative)
    else:
        s = torch.sigmoid(z)
        loss = -positive * t * (1 - s)**focal * F.logsigmoid(z) - negative * (1 - t) * s**focal * F.logsigmoid(-z)
    return (weights * loss).sum(dim=1, keepdim=True)
