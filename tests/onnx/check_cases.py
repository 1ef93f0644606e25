#!/usr/bin/python3
"""Exported ONNX models say the same as the engine: evaluated with numpy always, and checked by python3-onnx if it is there.

usage: check_cases.py ONNX-CASES

Relies on: onnx_model.py, numpy; onnx (optional). Relied on by: ctest (tests/onnx).
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from onnx_model import Model

TOLERANCE = 1e-5

try:
    import onnx
except ImportError:
    onnx = None
    print('python3-onnx is not installed: onnx.checker is left out')


def check(condition, *what):
    if not condition:
        sys.exit('failed: ' + ' '.join(map(str, what)))


def load(folder, name, kind, shape):
    return np.fromfile(os.path.join(folder, name + '.bin'), kind).reshape([-1] + shape[1:])


def check_with_onnx(case, path, model):
    """onnx.checker, and its own shape inference finds the shapes that we declare."""
    onnx.checker.check_model(path, full_check=True)
    bare = onnx.load(path)
    for output in bare.graph.output:
        output.type.tensor_type.ClearField('shape')
    inferred = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    for output in inferred.graph.output:
        dims = [d.dim_value or d.dim_param for d in output.type.tensor_type.shape.dim]
        check(dims == model.outputs[output.name][1], case, output.name, 'is inferred as', dims)


def check_case(case, folder):
    path = os.path.join(folder, 'model.onnx')
    with open(path, 'rb') as f:
        model = Model(f.read())
    check(model.ir_version == 8 and model.operator_set == {'': 17} and model.producer == 'sipcnn', case, 'header')
    if onnx:
        check_with_onnx(case, path, model)
    inputs = {name: load(folder, name, kind, shape) for name, (kind, shape, _) in model.inputs.items()}
    for name, got in model.run(inputs).items():
        want = load(folder, name, *model.outputs[name][:2])
        check(got.shape == want.shape and got.dtype == want.dtype, case, name, 'has shape', got.shape, got.dtype)
        worst = np.max(np.abs(got - want)) if want.size else 0
        check(worst <= TOLERANCE * max(1, np.max(np.abs(want))), case, name, 'is off by', worst)
    return model


def check_network(model):
    """What was left out, and what was said."""
    check(set(model.inputs) == {'tokens', 'n_tokens', 'text', 'n_text', 'events', 'n_events', 'counters'}, model.inputs)
    check(model.inputs['text'][1:] == (['N', 12, 1], 'the first bytes'), model.inputs['text'])
    check(model.outputs['logits'][1:] == (['N', 3], 'one of each class'), model.outputs)
    check(model.outputs['features'][1] == ['N', 16], model.outputs)
    check(model.metadata == {'classes': 'a,b,c', 'empty': ''}, model.metadata)
    check(model.doc == 'A network for the test.', model.doc)
    check(model.initializers['tokens.conv.weight'].shape == (7, 5, 3), 'weights are not [out, in, taps]')


def check_sipcnn(model):
    """What a consumer of the SIP CNN needs besides its logits."""
    check(model.metadata['feature_spec_version'] == '1' and len(model.metadata['feature_spec_hash']) == 16, 'spec')
    classes, thresholds, probability, novelty, counters, provenance = (
        json.loads(model.metadata[key])
        for key in ('classes', 'thresholds', 'probability', 'novelty', 'counters', 'provenance'))
    check(len(classes) == model.outputs['logits'][1][1] and 'flood' in classes, classes)
    check(set(thresholds) == {*classes, 'unknown'} and thresholds['flood'].keys() == {'threshold', 'k', 'n'}, thresholds)
    check(set(probability) <= set(classes), probability)
    units = model.outputs['hidden'][1][1]
    check(all(len(centre) == units for centre in [*novelty['centres'].values(), novelty['inverse_variance']]), 'centres')
    check('benign' in novelty['centres'], novelty['centres'].keys())
    check(len(counters) == model.inputs['input_counters'][1][1] and counters[0] == 'fact.REQUEST', counters[:3])
    check(provenance['program'].startswith('sipcnn-train'), provenance)
    check(all(doc for _, _, doc in model.inputs.values()), 'an input is not described')


def main():
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([sys.argv[1], folder])
        check(result.returncode == 0, 'onnx_cases ended with', result.returncode)
        cases = sorted(os.listdir(folder))
        models = {case: check_case(case, os.path.join(folder, case)) for case in cases}
        check_network(models['network'])
        check_sipcnn(models['sipcnn'])
        print(len(models), 'models passed')


main()
