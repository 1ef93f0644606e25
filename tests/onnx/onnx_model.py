"""ONNX models with numpy: a reader of the file format and an evaluator of the operators that sipcnn writes.

Shares nothing with the C side: field numbers and operators are those of the ONNX specification (IR version 8,
operator set 17). What it does not know is an error.

Relies on: numpy. Relied on by: check_cases.py, tests/train/test_command.py.
"""
import math
import struct

import numpy as np

TYPES = {1: np.dtype('<f4'), 2: np.dtype('u1'), 6: np.dtype('<i4'), 7: np.dtype('<i8'), 9: np.dtype('?')}


# ---- the file: Protocol Buffers ----

def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """{number: [values]}: integers, or bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
            value -= (value >> 63) << 64
        elif key & 7 == 5:
            value, at = struct.unpack_from('<f', data, at)[0], at + 4
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            if at + size > len(data):
                raise ValueError('a field of %d bytes reaches beyond its message' % size)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError('wire type %d' % (key & 7))
        found.setdefault(key >> 3, []).append(value)
    return found


def text(message, number, otherwise=''):
    return message[number][0].decode() if number in message else otherwise


def attribute(data):
    message = fields(data)
    kind = message[20][0]
    value = {1: lambda: message[2][0], 2: lambda: message[3][0], 3: lambda: text(message, 4),
             7: lambda: message.get(8, []), 8: lambda: [s.decode() for s in message[9]]}[kind]()
    return text(message, 1), value


def tensor(data):
    message = fields(data)
    return text(message, 8), np.frombuffer(message[9][0], TYPES[message[2][0]]).reshape(message.get(1, []))


def declaration(data):
    """(name, (type, shape, doc)); a symbolic dimension is its name."""
    message = fields(data)
    kind = fields(fields(message[2][0])[1][0])
    dims = [fields(d) for d in fields(kind[2][0]).get(1, [])]
    return text(message, 1), (TYPES[kind[1][0]], [d[1][0] if 1 in d else text(d, 2) for d in dims], text(message, 3))


class Model:
    """A model file: nodes (operator, inputs, outputs, attributes), initializers, inputs, outputs, metadata."""

    def __init__(self, data):
        model = fields(data)
        graph = fields(model[7][0])
        self.ir_version, self.producer, self.doc = model[1][0], text(model, 2), text(model, 6)
        self.operator_set = {text(s, 1): s[2][0] for s in map(fields, model[8])}
        self.metadata = {text(e, 1): text(e, 2) for e in map(fields, model.get(14, []))}
        self.initializers = dict(tensor(t) for t in graph.get(5, []))
        if len(self.initializers) != len(graph.get(5, [])):
            raise ValueError('two initializers have the same name')
        self.inputs = dict(declaration(d) for d in graph.get(11, []))
        self.outputs = dict(declaration(d) for d in graph.get(12, []))
        self.nodes = [(text(n, 4), [i.decode() for i in n.get(1, [])], [o.decode() for o in n[2]],
                       dict(map(attribute, n.get(5, [])))) for n in map(fields, graph.get(1, []))]

    def run(self, inputs):
        """Every output, by name."""
        values = dict(self.initializers)
        for name, (kind, shape, _) in self.inputs.items():
            if inputs[name].dtype != kind or list(inputs[name].shape[1:]) != shape[1:]:
                raise ValueError('input %s is not %s %s' % (name, kind, shape))
            values[name] = inputs[name]
        for op, names, results, attributes in self.nodes:
            value = OPERATORS[op](*[values[n] if n else None for n in names], **attributes)
            for name, result in zip(results, value if isinstance(value, tuple) else (value,)):
                if name in values:
                    raise ValueError('two tensors are called ' + name)
                values[name] = result
        return {name: values[name] for name in self.outputs}


# ---- operators ----

def conv(x, w, b, kernel_shape, strides, dilations, pads, group):
    x = np.pad(x, ((0, 0), (0, 0), pads))
    reach, stride, dilation = (kernel_shape[0] - 1) * dilations[0], strides[0], dilations[0]
    length = (x.shape[2] - reach - 1) // stride + 1
    y = np.zeros((x.shape[0], w.shape[0], length), np.float32)
    per_in, per_out = w.shape[1], w.shape[0] // group
    for g in range(group):
        part, out = x[:, g * per_in:(g + 1) * per_in], slice(g * per_out, (g + 1) * per_out)
        for k in range(kernel_shape[0]):
            window = part[:, :, k * dilation:k * dilation + (length - 1) * stride + 1:stride]
            y[:, out] += np.einsum('ncl,oc->nol', window, w[out, :, k])
    return y + b[None, :, None]


def windows(x, kernel_shape, strides):
    """[N, C, L] as [N, C, L', window]."""
    return np.lib.stride_tricks.sliding_window_view(x, kernel_shape[0], axis=2)[:, :, ::strides[0]]


def slice_axes(x, starts, ends, axes, steps=(1,)):
    window = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        window[axis] = slice(start, None if end < -x.shape[axis] else end, step)
    return x[tuple(window)]


def batch_norm(x, scale, bias, mean, variance, epsilon):
    by_channel = [p.reshape([-1] + [1] * (x.ndim - 2)) for p in (scale, bias, mean, variance)]
    return (x - by_channel[2]) / np.sqrt(by_channel[3] + np.float32(epsilon)) * by_channel[0] + by_channel[1]


def layer_norm(x, scale, bias, axis, epsilon):
    centred = x - x.mean(axis, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(axis, keepdims=True) + np.float32(epsilon)) * scale + bias


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(x, r, state, hidden):
    """x: W x + Wb, r: (R, Rb); gates z, r, h with linear_before_reset."""
    side = state[0] @ r[0].T + r[1]
    z, reset = sigmoid(x[:, :2 * hidden] + side[:, :2 * hidden]).reshape(-1, 2, hidden).transpose(1, 0, 2)
    new = np.tanh(x[:, 2 * hidden:] + reset * side[:, 2 * hidden:])
    return ((1 - z) * new + z * state[0], state[1])


def lstm_step(x, r, state, hidden):
    """Gates i, o, f, c."""
    i, o, f, c = (x + state[0] @ r[0].T + r[1]).reshape(-1, 4, hidden).transpose(1, 0, 2)
    cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(c)
    return (sigmoid(o) * np.tanh(cell), cell)


def recurrent(step):
    def run(x, w, r, b, lengths=None, *, hidden_size, direction, linear_before_reset=1):
        """x [L, N, C] -> [L, 1, N, hidden], each row over its own length, zeros behind."""
        assert linear_before_reset
        steps, rows = x.shape[:2]
        lengths = np.full(rows, steps) if lengths is None else lengths
        wb, rb = np.split(b[0], 2)
        y = np.zeros((steps, 1, rows, hidden_size), np.float32)
        for n in range(rows):
            state = (np.zeros((1, hidden_size), np.float32),) * 2
            order = range(lengths[n])
            for t in reversed(order) if direction == 'reverse' else order:
                state = step(x[t, n:n + 1] @ w[0].T + wb, (r[0], rb), state, hidden_size)
                y[t, 0, n] = state[0][0]
        return y
    return run


def squeeze(x, axes):
    return np.squeeze(x, tuple(axes))


def unsqueeze(x, axes):
    return np.expand_dims(x, tuple(axes))


OPERATORS = {
    'Add': np.add,
    'AveragePool': lambda x, **attributes: windows(x, **attributes).mean(3),
    'BatchNormalization': batch_norm,
    'Cast': lambda x, to: x.astype(TYPES[to]),
    'Concat': lambda *x, axis: np.concatenate(x, axis),
    'ConstantOfShape': lambda shape: np.zeros(shape, np.float32),
    'Conv': conv,
    'Div': np.divide,
    'Equal': np.equal,
    'Erf': lambda x: np.vectorize(math.erf, otypes=[np.float32])(x),
    'GRU': recurrent(gru_step),
    'Gather': lambda x, index, axis=0: np.take(x, index, axis),
    'Gemm': lambda a, b, c: a @ b + c,
    'GlobalAveragePool': lambda x: x.mean(2, keepdims=True),
    'GlobalMaxPool': lambda x: x.max(2, keepdims=True),
    'Greater': np.greater,
    'Identity': lambda x: x,
    'LSTM': recurrent(lstm_step),
    'LayerNormalization': layer_norm,
    'Less': np.less,
    'Max': np.maximum,
    'MaxPool': lambda x, **attributes: windows(x, **attributes).max(3),
    'Min': np.minimum,
    'Mul': np.multiply,
    'ReduceSum': lambda x, axes, keepdims=1: np.sum(x, tuple(axes), keepdims=bool(keepdims)),
    'Relu': lambda x: np.maximum(x, 0),
    'Reshape': lambda x, shape: x.reshape([x.shape[d] if size == 0 else size for d, size in enumerate(shape)]),
    'Sigmoid': sigmoid,
    'Slice': slice_axes,
    'Squeeze': squeeze,
    'Sub': np.subtract,
    'Tanh': np.tanh,
    'Transpose': lambda x, perm: np.transpose(x, perm),
    'Unsqueeze': unsqueeze,
    'Where': np.where,
}
