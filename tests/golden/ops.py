"""Golden values of every op. A case is one call of case(): the C expression that builds the op, its data by name, and
the same op as PyTorch has it. The names are the C expression's variables, PyTorch's arguments, and the graph's inputs
or (weights) parameters: those of the layer "layer", or with other__weight those of "other". Gradients are autograd's, under a random cotangent.
Relies on: pieces.py.
Relied on by: make.py.
"""
import collections
import functools
import zlib

import numpy as np
import torch
import torch.nn.functional as F

from pieces import (array, conv, decimals, draws, floats, given, lengths, literal, masked, number, pool, real, sigmoid_loss,
                    statistic, valid, weight)

PARAMETERS = 'weight', 'statistic'
counts = collections.Counter()
code, rows = [], []


def case(op, expression, run, training=True, **data):
    """`run` gives the op's output [n, ...] from tensors by name; for a loss [n, 1], before 1/N."""
    name = f'{op}_{counts[op]}'
    counts[op] += 1
    random = np.random.RandomState(zlib.crc32(name.encode()))
    drawn = {key: draw(random) for key, draw in data.items()}
    tensors = {}
    for key, (role, values) in drawn.items():
        tensors[key] = torch.tensor(values.astype(np.int64 if role == 'bytes' else np.float64))
        tensors[key].requires_grad_(role in ('input', 'weight'))
    output = run(**tensors)
    cotangent = decimals(random.uniform(-1, 1, output.shape))
    if output.requires_grad:
        output.backward(torch.tensor(cotangent.astype(np.float64)))
    emit(name, op, expression, training, drawn, tensors, cotangent, output)


def emit(name, op, expression, training, drawn, tensors, cotangent, output):
    inputs = [key for key, (role, _) in drawn.items() if role not in PARAMETERS]
    code.append('')
    code.append(f'static GraphNode build_{name}(Graph *graph, const GraphNode *in) {{')
    for i, key in enumerate(inputs):
        code.append(f'    const GraphNode {key} = in[{i}];')
    code.append(f'    return {" ".join(expression.split())};')
    code.append('}')
    records = []
    for key, (role, values) in drawn.items():
        shape = list(values.shape) if role in PARAMETERS else list(values.shape[1:])
        expected = 'NULL'
        if tensors[key].requires_grad:
            expected = array(code, f'{name}_d_{key}', tensors[key].grad.numpy())
        elif role == 'statistic':
            expected = array(code, f'{name}_after_{key}', tensors[key].numpy())
        named = key.replace('__', '.') if '__' in key else 'layer.' + key
        fields = [f'"{named if role in PARAMETERS else key}"', f'GOLDEN_{role.upper()}',
                  f'{{{len(shape)}, {{{", ".join(map(str, shape + [1] * (3 - len(shape))))}}}}}',
                  array(code, f'{name}_{key}', values), expected]
        records.append('{' + ', '.join(fields) + '}')
    code.append(f'static const GoldenTensor {name}_data[] = {{{", ".join(records)}}};')
    value = array(code, f'{name}_value', output.detach().numpy())
    slope = array(code, f'{name}_cotangent', cotangent) if output.requires_grad else 'NULL'
    n = next(len(values) for role, values in drawn.values() if role not in PARAMETERS)
    rows.append(f'    {{"{op}", "{name}", {n}, {str(training).lower()}, build_{name}, {len(records)}, {name}_data, '
                f'{output.numel()}, {value}, {slope}}},')


def mask_text(mask, stride=1):
    """The C expression of a mask over the input `n`; mask is None, 'front' or 'end'."""
    if not mask:
        return 'NULL'
    return f'&(GraphMask){{.lengths = n, .stride = {stride}{", .at_end = true" if mask == "end" else ""}}}'


def conv_case(n, length, channels, out, taps, padding='SAME', stride=1, dilation=1, relu=False, mask=None, groups=1):
    """out 0: depthwise."""
    def run(x, weight, bias, n=None):
        kernel = weight.permute(2, 1, 0) if out else weight.t()[:, None, :]
        y = conv(x, kernel, bias, padding, stride, dilation, groups if out else channels)
        return masked(F.relu(y) if relu else y, mask, n, stride)

    fields = [f'.out_channels = {out}'] * (out > 0) + [f'.groups = {groups}'] * (groups > 1)
    fields += [f'.taps = {taps}', f'.stride = {stride}', f'.dilation = {dilation}', f'.padding = GRAPH_{padding}']
    fields += [f'.relu = {str(relu).lower()}', f'.mask = {mask_text(mask, stride)}']
    op = 'conv1d' if out else 'depthwise_conv1d'
    shape = (taps, channels // groups, out) if out else (taps, channels)
    data = {'x': real(n, length, channels), 'weight': weight(*shape), 'bias': weight(out or channels)}
    if mask:
        data['n'] = lengths(n, length)
    case(op, f'graph_{op}(graph, x, &(GraphConv1d){{{", ".join(fields)}}}, "layer")', run, **data)


def embedded(ids, table, vocabulary):
    """An id beyond a field's vocabulary adds nothing."""
    starts = np.concatenate([[0], np.cumsum(vocabulary)])
    y = 0
    for f, size in enumerate(vocabulary):
        rows = torch.cat([table[starts[f]:starts[f + 1]], torch.zeros(1, table.shape[1], dtype=table.dtype)])
        y = y + F.embedding(torch.clamp(ids[:, :, f], max=size), rows)
    return y


def embed_case(n, length, vocabulary, out, mask=None):
    def run(ids, table, n=None):
        return masked(embedded(ids, table, vocabulary), mask, n)

    data = {'ids': number(n, length, len(vocabulary), below=max(vocabulary) + 2), 'table': weight(sum(vocabulary), out)}
    if mask:
        data['n'] = lengths(n, length)
    case('embed', f'graph_embed(graph, ids, (const uint16_t[]){{{", ".join(map(str, vocabulary))}}}, {out}, '
         f'{mask_text(mask)}, "layer")', run, **data)


def folded_conv_case(n, length, vocabulary, width, out, taps, padding='SAME', stride=1, dilation=1, relu=False, mask=None):
    """A convolution of an embedding that nothing else reads."""
    def run(ids, embedding__table, weight, bias, n=None):
        x = masked(embedded(ids, embedding__table, vocabulary), mask, n)
        y = conv(x, weight.permute(2, 1, 0), bias, padding, stride, dilation)
        return masked(F.relu(y) if relu else y, mask, n, stride)

    embed = f'graph_embed(graph, ids, (const uint16_t[]){{{", ".join(map(str, vocabulary))}}}, {width}, '
    embed += f'{mask_text(mask)}, "embedding")'
    fields = f'.out_channels = {out}, .taps = {taps}, .stride = {stride}, .dilation = {dilation}, '
    fields += f'.padding = GRAPH_{padding}, .relu = {str(relu).lower()}, .mask = {mask_text(mask, stride)}'
    data = {'ids': number(n, length, len(vocabulary), below=max(vocabulary) + 2),
            'embedding__table': weight(sum(vocabulary), width), 'weight': weight(taps, width, out), 'bias': weight(out)}
    if mask:
        data['n'] = lengths(n, length)
    case('folded_conv1d', f'graph_conv1d(graph, {embed}, &(GraphConv1d){{{fields}}}, "layer")', run, **data)


def embed_conv_case(n, length, vocabulary, out, taps, padding='SAME', stride=1, dilation=1, relu=False, mask=None):
    """The ids as columns of ones and zeros, those that the mask leaves out and those beyond a vocabulary as none."""
    starts = np.concatenate([[0], np.cumsum(vocabulary)])

    def run(ids, table, bias, n=None):
        columns = [F.one_hot(torch.clamp(ids[:, :, f], max=size), size + 1)[:, :, :size]
                   for f, size in enumerate(vocabulary)]
        y = conv(masked(torch.cat(columns, dim=2).double(), mask, n), table.permute(2, 1, 0), bias, padding, stride, dilation)
        return masked(F.relu(y) if relu else y, mask, n, stride)

    fields = f'.out_channels = {out}, .taps = {taps}, .stride = {stride}, .dilation = {dilation}, '
    fields += f'.padding = GRAPH_{padding}, .relu = {str(relu).lower()}, .mask = {mask_text(mask, stride)}'
    data = {'ids': number(n, length, len(vocabulary), below=max(vocabulary) + 2),
            'table': weight(taps, starts[-1], out), 'bias': weight(out)}
    if mask:
        data['n'] = lengths(n, length)
    case('embed_conv1d', f'graph_embed_conv1d(graph, ids, (const uint16_t[]){{{", ".join(map(str, vocabulary))}}}, '
         f'&(GraphConv1d){{{fields}}}, "layer")', run, **data)


def inputs():
    case('input_f32', 'graph_add(graph, x, x)', lambda x: x + x, x=real(3, 5))
    case('input_u8', f'graph_normalise_u8(graph, x, {floats([0] * 3)}, {floats([255] * 3)}, {floats([0] * 3)}, '
         f'{floats([1] * 3)})',
         lambda x: x.double(), x=number(4, 3))
    low, high, mean, scale = [0, 10, 200], [255, 20, 210], [127, .5, 205], [.01, 2, -1]

    def normalise(x):
        bounds = torch.tensor([low, high, mean, scale], dtype=torch.float64)
        return (torch.minimum(torch.maximum(x.double(), bounds[0]), bounds[1]) - bounds[2]) * bounds[3].float().double()

    expression = f'graph_normalise_u8(graph, x, {floats(low)}, {floats(high)}, {floats(mean)}, {floats(scale)})'
    case('normalise_u8', expression, normalise, x=number(3, 3))
    case('normalise_u8', expression, normalise, x=number(2, 4, 3))
    embed_case(2, 5, [4], 3)
    embed_case(5, 7, [4, 6, 3], 5)
    embed_case(4, 4, [6], 17, 'front')
    embed_case(4, 5, [3, 3, 2, 5], 4, 'end')
    embed_conv_case(2, 6, [4], 3, 3)
    embed_conv_case(2, 2, [3, 4], 3, 5, 'CAUSAL', relu=True)
    embed_conv_case(2, 8, [3, 2], 2, 3, 'VALID', dilation=2)
    embed_conv_case(5, 7, [4], 9, 3, 'TAIL', stride=2, relu=True, mask='front')
    embed_conv_case(4, 6, [2, 3], 3, 3, 'CAUSAL', mask='end')
    folded_conv_case(2, 6, [4], 2, 3, 3)
    folded_conv_case(2, 2, [3, 4], 5, 3, 5, 'CAUSAL', relu=True)
    folded_conv_case(2, 8, [3, 2], 4, 2, 3, 'VALID', dilation=2)
    folded_conv_case(5, 7, [4], 3, 9, 3, 'TAIL', stride=2, relu=True, mask='front')
    folded_conv_case(4, 6, [2, 3], 3, 3, 3, 'CAUSAL', mask='end')


def convolutions():
    conv_case(3, 7, 5, 6, 3)
    conv_case(2, 8, 2, 3, 4)
    conv_case(1, 1, 1, 1, 1)
    conv_case(2, 2, 3, 4, 5)
    conv_case(2, 2, 3, 4, 5, 'CAUSAL', relu=True)
    conv_case(17, 4, 2, 3, 2, 'CAUSAL')
    conv_case(1, 8, 3, 18, 3, 'VALID')
    conv_case(2, 7, 2, 3, 2, dilation=3, stride=2)
    conv_case(3, 9, 3, 4, 3, 'CAUSAL', dilation=4, relu=True, mask='end')
    conv_case(4, 11, 2, 7, 5, 'TAIL', stride=2, relu=True, mask='front')
    conv_case(2, 10, 2, 17, 3, 'VALID', stride=3)
    conv_case(2, 12, 3, 2, 3, 'VALID', stride=2, dilation=2, relu=True)
    conv_case(3, 8, 4, 3, 4, stride=2, dilation=2, mask='front')
    conv_case(1, 3, 33, 5, 2)
    conv_case(1, 12, 3, 20, 3, 'TAIL', stride=4)
    conv_case(2, 5, 4, 6, 3, groups=2)
    conv_case(3, 7, 3, 3, 2, 'CAUSAL', stride=2, relu=True, mask='front', groups=3)
    conv_case(2, 7, 32, 32, 3, relu=True)
    conv_case(3, 7, 5, 0, 3)
    conv_case(2, 2, 3, 0, 5, relu=True)
    conv_case(2, 7, 4, 0, 3, 'VALID', stride=2)
    conv_case(2, 6, 17, 0, 2, 'TAIL')
    conv_case(4, 9, 9, 0, 3, 'CAUSAL', stride=2, dilation=2, mask='end')


def dense():
    def linear(x, weight, bias):
        return F.linear(x, weight.t(), bias)

    for n, channels, out in (3, 5, 7), (1, 1, 1), (17, 2, 18):
        case('linear', f'graph_linear(graph, x, {out}, false, "layer")', linear,
             x=real(n, channels), weight=weight(channels, out), bias=weight(out))
    case('linear', 'graph_linear(graph, x, 4, true, "layer")', lambda **data: F.relu(linear(**data)),
         x=real(5, 9), weight=weight(9, 4), bias=weight(4))


def recurrent_case(op, n, length, channels, hidden, reverse=False, mask=None):
    """Every sample by itself, so that PyTorch needs no mask; its weights are the transposed ones."""
    function, gates = (torch.gru, 3) if op == 'gru' else (torch.lstm, 4)

    def run(x, input_weight, state_weight, input_bias, state_bias, n=None):
        weights = [input_weight.t(), state_weight.t(), input_bias, state_bias]
        zero = torch.zeros(1, 1, hidden, dtype=x.dtype)
        keep = valid(length, n, 1, mask == 'end')[:, :, 0] if mask else torch.ones(x.shape[:2], dtype=torch.bool)
        rows = []
        for sample, kept in zip(x, keep):
            part = sample[kept].flip(0) if reverse else sample[kept]
            y = torch.zeros(length, hidden, dtype=x.dtype)
            if len(part):
                state = zero if op == 'gru' else (zero, zero)
                h = function(part[None], state, weights, True, 1, 0., False, False, True)[0][0]
                y[kept] = h.flip(0) if reverse else h
            rows.append(y)
        return torch.stack(rows)

    data = {'x': real(n, length, channels), 'input_weight': weight(channels, gates * hidden),
            'state_weight': weight(hidden, gates * hidden), 'input_bias': weight(gates * hidden),
            'state_bias': weight(gates * hidden)}
    if mask:
        data['n'] = lengths(n, length)
    case(op, f'graph_{op}(graph, x, {hidden}, {str(reverse).lower()}, {mask_text(mask)}, "layer")', run, **data)


def recurrent():
    for op in 'gru', 'lstm':
        recurrent_case(op, 2, 4, 3, 3)
        recurrent_case(op, 1, 1, 1, 1)
        recurrent_case(op, 2, 3, 2, 2, reverse=True)
        recurrent_case(op, 5, 4, 3, 2, mask='front')
        recurrent_case(op, 5, 4, 2, 3, reverse=True, mask='front')
        recurrent_case(op, 4, 4, 3, 2, mask='end')
        recurrent_case(op, 1, 2, 2, 9)


def pool_case(kind, n, length, channels, window=None, step=None, mask=None):
    data = {'x': real(n, length, channels)}
    if mask:
        data['n'] = lengths(n, length)
    windows = f'_windows(graph, x, {window}, {step or 0}' if window else '(graph, x'
    case(kind + '_pool', f'graph_{kind}_pool{windows}, {mask_text(mask)})',
         lambda x, n=None: pool(kind, x, mask, n, 1, window, step), **data)


def pools():
    for kind in 'max', 'average':
        pool_case(kind, 3, 6, 5)
        pool_case(kind, 5, 6, 5, mask='front')
        pool_case(kind, 5, 6, 5, mask='end')
        pool_case(kind, 2, 7, 3, window=2)
        pool_case(kind, 1, 9, 17, window=3, step=2)
        pool_case(kind, 5, 8, 3, window=3, step=1, mask='front')
        pool_case(kind, 5, 8, 3, window=2, mask='end')


def norm_case(op, shape, mask=None, training=True, **options):
    channels = shape[-1]
    epsilon = float(np.float32(options.get('epsilon', 1e-5)))
    momentum = float(np.float32(options.get('momentum', .1)))

    def batch(x, weight, bias, mean, variance, n=None):
        keep = valid(x.shape[1], n, 1, mask == 'end')[:, :, 0] if mask else torch.ones(x.shape[:-1], dtype=torch.bool)
        y = torch.zeros_like(x)
        y[keep] = F.batch_norm(x[keep], mean, variance, weight, bias, training, momentum, epsilon)
        return y

    def layer(x, weight, bias, n=None):
        return masked(F.layer_norm(x, [channels], weight, bias, epsilon), mask, n)

    data = {'x': real(*shape, scale=3), 'weight': weight(channels), 'bias': weight(channels)}
    if op == 'batch_norm':
        data.update(mean=statistic(channels), variance=statistic(channels, least=.1))
    if mask:
        data['n'] = lengths(shape[0], shape[1])
    fields = [f'.{key} = {literal(value)}' for key, value in options.items()] + [f'.mask = {mask_text(mask)}']
    case(op, f'graph_{op}(graph, x, &(GraphNorm){{{", ".join(fields)}}}, "layer")',
         batch if op == 'batch_norm' else layer, training, **data)


def norms():
    for training in True, False:
        norm_case('batch_norm', (19, 5), training=training)
        norm_case('batch_norm', (3, 4, 2), training=training, epsilon=.01, momentum=.3)
        norm_case('batch_norm', (5, 6, 3), 'front', training)
        norm_case('batch_norm', (5, 6, 3), 'end', training)
    norm_case('layer_norm', (4, 7))
    norm_case('layer_norm', (2, 3, 5), epsilon=.01)
    norm_case('layer_norm', (3, 2, 17), 'front')
    norm_case('layer_norm', (4, 4, 2), 'end', training=False)


def shapes():
    for mask in 'front', 'end':
        case('mask', f'graph_mask(graph, x, {mask_text(mask)})', lambda x, n: masked(x, mask, n),
             x=real(4, 5, 3), n=lengths(4, 5))
        case('last', f'graph_last_valid(graph, x, {mask_text(mask)})', functools.partial(last_valid, mask),
             x=real(5, 4, 3), n=lengths(5, 4))
    case('last', 'graph_last(graph, x)', lambda x: x[:, -1], x=real(3, 4, 5))
    case('slice', 'graph_slice(graph, x, 2, 4)', lambda x: x[:, 2:6], x=real(3, 9))
    case('slice', 'graph_slice(graph, x, 1, 2)', lambda x: x[:, :, 1:3], x=real(2, 3, 4))
    case('slice', 'graph_slice_positions(graph, x, 2, 3)', lambda x: x[:, 2:5], x=real(2, 6, 3))
    for of, axis, shapes_ in (('', 1, ((3, 4), (3, 1), (3, 6))), ('', 2, ((2, 3, 2), (2, 3, 4), (2, 3, 1))),
                              ('_positions', 1, ((2, 3, 2), (2, 1, 2), (2, 4, 2)))):
        case('concat', f'graph_concat{of}(graph, (const GraphNode[]){{x, y, z}}, 3)',
             functools.partial(joined, axis), **dict(zip('xyz', (real(*shape) for shape in shapes_))))
    case('concat', 'graph_concat(graph, (const GraphNode[]){x, x}, 2)', lambda x: torch.cat([x, x], dim=1), x=real(3, 4))


def last_valid(mask, x, n):
    keep = valid(x.shape[1], n, 1, mask == 'end')[:, :, 0]
    return torch.stack([sample[kept][-1] if kept.any() else torch.zeros(x.shape[2], dtype=x.dtype)
                        for sample, kept in zip(x, keep)])


def joined(axis, x, y, z):
    return torch.cat([x, y, z], dim=axis)


def elements():
    for shape in (3, 11), (2, 3, 4):
        case('relu', 'graph_relu(graph, x)', lambda x: F.relu(x), x=real(*shape))
        case('sigmoid', 'graph_sigmoid(graph, x)', lambda x: torch.sigmoid(x), x=real(*shape, scale=6))
        case('tanh', 'graph_tanh(graph, x)', lambda x: torch.tanh(x), x=real(*shape, scale=3))
        case('gelu', 'graph_gelu(graph, x)', lambda x: F.gelu(x), x=real(*shape, scale=4))
        case('add', 'graph_add(graph, x, y)', lambda x, y: x + y, x=real(*shape), y=real(*shape))
        case('mul', 'graph_mul(graph, x, y)', lambda x, y: x * y, x=real(*shape), y=real(*shape))
    # What dropout draws is ours alone; without training it does nothing.
    case('dropout', 'graph_dropout(graph, x, 0.5f)', lambda x: F.dropout(x, .5, False), training=False, x=real(4, 5))
    case('branch_dropout', 'graph_branch_dropout(graph, x, 0.5f, 1)', lambda x: F.dropout(x, .5, False),
         training=False, x=real(4, 5))


def loss_shape(smoothing, focal):
    return f'&(GraphLossShape){{.smoothing = {literal(smoothing)}, .focal = {literal(focal)}}}'


def sigmoid_losses():
    plus, minus = [1, 2.5, .5, 3], [1, .25, 2, 1]
    z, soft, weights = real(5, 4, scale=6), given((5, 4)), given((5, 1), lambda u: 2 * u)
    hard, marked = given((5, 4), lambda u: u < .4), given((5, 4), lambda u: u < .7)
    bare = 'GRAPH_NONE, GRAPH_NONE, NULL, NULL', {'t': hard}, {}
    full = (f'm, r, {floats(plus)}, {floats(minus)}', {'t': soft, 'm': marked, 'r': weights},
            {'positive': plus, 'negative': minus})
    for expression, data, options in (bare, full, ('m, GRAPH_NONE, NULL, NULL', {'t': soft, 'm': marked}, {}),
                                      (f'GRAPH_NONE, r, {floats(plus)}, NULL', {'t': hard, 'r': weights},
                                       {'positive': plus})):
        case('sigmoid_loss', f'graph_sigmoid_loss(graph, z, t, {expression})',
             functools.partial(sigmoid_loss, **options), z=z, **data)
    for expression, data, options in bare, full:
        for smoothing, focal in (.125, 0), (0, 2), (.25, 1.5):
            case('sigmoid_loss',
                 f'graph_sigmoid_loss_shaped(graph, z, t, {expression}, {loss_shape(smoothing, focal)})',
                 functools.partial(sigmoid_loss, **options, smoothing=smoothing, focal=focal), z=z, **data)


def softmax_loss(z, t, r=None, weights=None, smoothing=0., focal=0.):
    weights = None if weights is None else torch.tensor(weights, dtype=z.dtype).float().double()
    if not focal:
        loss = F.cross_entropy(z, t, weights, reduction='none', label_smoothing=smoothing)
    else:
        t = (1 - smoothing) * t + smoothing / z.shape[1]
        p = F.softmax(z, dim=1)
        loss = -((1 if weights is None else weights) * t * (1 - p)**focal * F.log_softmax(z, dim=1)).sum(dim=1)
    return ((1 if r is None else r[:, 0]) * loss)[:, None]


def softmax_losses():
    heavy = [1, 2.5, .5, 3, .125]
    z, weights = real(4, 5, scale=6), given((4, 1), lambda u: 2 * u)
    hard = draws('given', lambda random: np.eye(5, dtype=np.float32)[random.randint(0, 5, 4)])
    soft = draws('given', lambda random: np.round(random.dirichlet([1] * 5, 4) * 64).astype(np.float32) / 64)
    for smoothing, focal in (0, 0), (.125, 0), (0, 2), (.25, 1.5):
        shape = loss_shape(smoothing, focal) if smoothing or focal else 'NULL'
        case('softmax_loss', f'graph_softmax_loss(graph, z, t, GRAPH_NONE, NULL, {shape})',
             functools.partial(softmax_loss, smoothing=smoothing, focal=focal), z=z, t=hard)
        case('softmax_loss', f'graph_softmax_loss(graph, z, t, r, {floats(heavy)}, {shape})',
             functools.partial(softmax_loss, weights=heavy, smoothing=smoothing, focal=focal), z=z, t=soft, r=weights)


def write(file):
    for family in (inputs, convolutions, dense, recurrent, pools, norms, shapes, elements, sigmoid_losses,
                   softmax_losses):
        family()
    file.write('\n'.join([*code, '', 'static const Golden goldens[] = {', *rows, '};', '']))
