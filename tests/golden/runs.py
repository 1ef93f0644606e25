"""Golden trainings: the network of tests/engine/network.c without dropout, its losses and gradient norms in every step,
and after one of them its parameters.
Relies on: pieces.py.
Relied on by: make.py.
"""
import math
import textwrap

import numpy as np
import torch
import torch.nn.functional as F

from pieces import array, conv, decimals, literal, masked, pool, sigmoid_loss

ROWS, BATCH, STEPS = 12, 7, 20
SHAPES = {
    'tokens.embedding.table': (12, 5), 'tokens.conv.weight': (3, 5, 7), 'tokens.conv.bias': (7,),
    'tokens.depthwise.weight': (3, 7), 'tokens.depthwise.bias': (7,),
    'tokens.pointwise.weight': (1, 7, 9), 'tokens.pointwise.bias': (9,),
    'text.embedding.table': (256, 4), 'text.conv1.weight': (5, 4, 6), 'text.conv1.bias': (6,),
    'text.conv2.weight': (3, 6, 6), 'text.conv2.bias': (6,),
    'dialog.embedding.table': (15, 4), 'dialog.conv1.weight': (3, 4, 6), 'dialog.conv1.bias': (6,),
    'dialog.conv2.weight': (3, 6, 6), 'dialog.conv2.bias': (6,),
    'counters.dense.weight': (6, 5), 'counters.dense.bias': (5,),
    'hidden.weight': (30, 16), 'hidden.bias': (16,), 'out.weight': (16, 3), 'out.bias': (3,)}


def draw_rows(random):
    """Fields of NetRow; the lengths begin with none and all."""
    bytes_ = {'tokens': (6, (6, 2)), 'text': (256, (12,)), 'events': (5, (8, 3)), 'counters': (256, (10,))}
    rows = {name: random.randint(0, below, (ROWS, *shape)).astype(np.uint8) for name, (below, shape) in bytes_.items()}
    for name, most in ('n_tokens', 6), ('n_text', 12), ('n_events', 8):
        rows[name] = np.array([0, most, *random.randint(0, most + 1, ROWS - 2)], np.uint8)
    rows['targets'] = (random.uniform(size=(ROWS, 3)) < .4).astype(np.float32)
    rows['mask'] = (random.uniform(size=(ROWS, 3)) < .9).astype(np.float32)
    rows['weight'] = decimals(random.uniform(.5, 1.5, ROWS))
    return rows


def draw_start(random):
    return {name: decimals(random.uniform(-1, 1, shape) * (.1 if name.endswith('bias') else
            1 if name.endswith('table') else math.sqrt(4 / np.prod(shape[:-1])))) for name, shape in SHAPES.items()}


def embed(table, ids, vocabulary):
    offsets = torch.tensor(np.concatenate([[0], np.cumsum(vocabulary)[:-1]]))
    return F.embedding(ids + offsets, table).sum(dim=2)


def logits(p, row):
    def layer(x, name, padding='SAME', mask='front', n=None, places=1, relu=True, **options):
        kernel = p[name + '.weight']
        depthwise = kernel.dim() == 2
        kernel = kernel.t()[:, None, :] if depthwise else kernel.permute(2, 1, 0)
        y = conv(x, kernel, p[name + '.bias'], padding, groups=x.shape[2] if depthwise else 1, **options)
        return masked(F.relu(y) if relu else y, mask, n, places)

    n = row['n_tokens']
    x = masked(embed(p['tokens.embedding.table'], row['tokens'], [6, 6]), 'front', n)
    x = layer(x, 'tokens.conv', n=n)
    x = layer(x, 'tokens.depthwise', n=n, relu=False)
    tokens = pool('max', layer(x, 'tokens.pointwise', n=n), 'front', n)

    n = row['n_text']
    x = masked(embed(p['text.embedding.table'], row['text'][:, :, None], [256]), 'front', n)
    x = layer(x, 'text.conv1', 'TAIL', n=n, places=2, stride=2)
    x = layer(x, 'text.conv2', 'TAIL', n=n, places=4, stride=2)
    text = pool('max', x, 'front', n, 4)

    n = row['n_events']
    x = masked(embed(p['dialog.embedding.table'], row['events'], [5, 5, 5]), 'end', n)
    x = layer(x, 'dialog.conv1', 'CAUSAL', 'end', n)
    dialog = layer(x, 'dialog.conv2', 'CAUSAL', 'end', n, dilation=2)[:, -1]

    x = (torch.clamp(row['counters'].double(), 0, 250) - 127) * float(np.float32(.014))
    dense = F.relu(F.linear(x[:, 4:], p['counters.dense.weight'].t(), p['counters.dense.bias']))
    x = torch.cat([tokens, text, dialog, x[:, :4], dense], dim=1)
    x = F.relu(F.linear(x, p['hidden.weight'].t(), p['hidden.bias']))
    return F.linear(x, p['out.weight'].t(), p['out.bias'])


def follow(optimiser, factor):
    """The rate times factor(step), step from 1."""
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: factor(epoch + 1))


def groups(weights, others, decay):
    return [{'params': weights, 'weight_decay': f32(decay)}, {'params': others, 'weight_decay': 0}]


def adamw(*parameters):
    return follow(torch.optim.AdamW(groups(*parameters, .1), f32(.02), (f32(.9), f32(.99)), f32(1e-6)),
                  lambda step: cosine(step, 5, 18, f32(.1)))


def adam(*parameters):
    """L2, which is what PyTorch's Adam and SGD call weight decay."""
    return follow(torch.optim.Adam(groups(*parameters, .05), f32(.01), (f32(.8), f32(.95)), f32(1e-5)), lambda step: 1)


def sgd(*parameters):
    return follow(torch.optim.SGD(groups(*parameters, .02), f32(.1), f32(.9)),
                  lambda step: step / 3 if step < 3 else f32(.5) ** max((step - 4) // 6, 0))


def nesterov(*parameters):
    return follow(torch.optim.SGD(groups(*parameters, 0), f32(.05), f32(.8), nesterov=True), lambda step: 1)


def cosine(step, warmup, total, final):
    if step < warmup:
        return step / warmup
    done = min((step - warmup) / (total - warmup), 1)
    return final + (1 - final) * .5 * (1 + math.cos(math.pi * done))


def f32(value):
    return float(np.float32(value))


# Options in C and in PyTorch, the clipping norm, and whether the parameters at the end are kept too.
RUNS = {
    'adamw': ('.rate = 0.02f, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-6f, .weight_decay = 0.1f, '
              '.clip_norm = 0.5f, .schedule = {.warmup_steps = 5, .total_steps = 18, .final_fraction = 0.1f}',
              adamw, .5, True),
    'adam': ('.rate = 0.01f, .beta1 = 0.8f, .beta2 = 0.95f, .epsilon = 1e-5f, .l2 = 0.05f', adam, math.inf, False),
    'sgd': ('.kind = OPTIMISER_SGD, .epsilon = 1e-8f, .rate = 0.1f, .momentum = 0.9f, .l2 = 0.02f, .clip_norm = 0.75f, '
            '.schedule = {.kind = SCHEDULE_STEP, .warmup_steps = 3, .step_length = 6, .step_factor = 0.5f}',
            sgd, .75, False),
    'nesterov': ('.kind = OPTIMISER_SGD, .epsilon = 1e-8f, .rate = 0.05f, .momentum = 0.8f, .nesterov = true',
                 nesterov, math.inf, False)}


def train(rows, start, make, clip):
    p = {name: torch.tensor(values.astype(float), requires_grad=True) for name, values in start.items()}
    optimiser, schedule = make([w for name, w in p.items() if not name.endswith('bias')],
                               [w for name, w in p.items() if name.endswith('bias')])
    losses, norms = [], []
    for step in range(STEPS):
        first = step * 2 % (ROWS - BATCH + 1)
        row = {name: values[first:first + BATCH] for name, values in rows.items()}
        loss = sigmoid_loss(logits(p, row), row['targets'], row['mask'], row['weight'][:, None]).sum() / BATCH
        optimiser.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(p.values(), clip)))
        losses.append(float(loss))
        optimiser.step()
        schedule.step()
    return losses, norms, {name: w.detach().numpy() for name, w in p.items()}


def tensors_of(rows):
    kinds = {np.dtype(np.uint8): np.int64, np.dtype(np.float32): np.float64}
    columns = {name: torch.tensor(values.astype(kinds[values.dtype])) for name, values in rows.items()}
    for name in 'n_tokens', 'n_text', 'n_events':
        columns[name] = columns[name][:, None]
    return columns


def nested(values):
    """A C initialiser."""
    if isinstance(values, np.ndarray):
        return '{' + ', '.join(map(nested, values)) + '}'
    return str(values) if isinstance(values, np.uint8) else literal(values)


def write(file):
    random = np.random.RandomState(1)
    rows, start = draw_rows(random), draw_start(random)
    code = [f'enum {{ GOLDEN_ROWS = {ROWS}, GOLDEN_BATCH = {BATCH}, GOLDEN_STEPS = {STEPS} }};',
            'static const NetRow golden_rows[GOLDEN_ROWS] = {']
    for i in range(ROWS):
        fields = ', '.join(f'.{name} = {nested(values[i])}' for name, values in rows.items())
        code.append(textwrap.fill('{' + fields + '},', 118))
    code.append('};')
    parameters = {name: [array(code, 'start_' + name.replace('.', '_'), values)] for name, values in start.items()}
    records = []
    for run, (options, make, clip, kept) in RUNS.items():
        losses, norms, end = train(tensors_of(rows), start, make, clip)
        for name, values in end.items():
            parameters[name].append(array(code, f'{run}_{name.replace(".", "_")}', values) if kept else 'NULL')
        records.append(f'    {{"{run}", {{{options}}},\n     {array(code, run + "_losses", losses)}, '
                       f'{array(code, run + "_norms", norms)}}},')
    code.append('static const GoldenParameter golden_parameters[] = {')
    for name, (begin, *ends) in parameters.items():
        code.append(f'    {{"{name}", {np.prod(SHAPES[name])}, {begin}, {{{", ".join(ends)}}}}},')
    code += ['};', 'static const GoldenRun golden_runs[] = {', *records, '};', '']
    file.write('\n'.join(code))
