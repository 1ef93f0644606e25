#!/usr/bin/python3
"""The command sipcnn-train from outside: Ctrl-C and resume give the same bytes, bad input gives one clear line.

usage: test_command.py SIPCNN-TRAIN SIPCNN-DATA SAMPLES-FOLDER      exit code 77: skipped, there are no samples
"""
import filecmp, glob, json, os, random, re, signal, subprocess, sys, tempfile, time

import numpy as np

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [TESTS, os.path.join(TESTS, 'onnx')]
from onnx_model import Model
from sizes import test_size

TRAIN, DATA, SAMPLES = sys.argv[1:4]
FIT = ['fit', '--dataset', '../lab.h5', '--split', 'first', '--output', 'run.ckpt', '--epochs', '3', '--cap', '150',
       '--warm-every', '0', '--patience', '9']


def run(program, *words, cwd='.'):
    return subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True)


def check(condition, *what):
    if not condition:
        sys.exit('failed: ' + ' '.join(map(str, what)))


def expect_one_line(result, code, *texts):
    """A failure with this exit code whose only line names all of `texts`."""
    lines = result.stderr.strip().splitlines()
    check(result.returncode == code, result.args, 'exit code', result.returncode, result.stderr)
    check(len(lines) == 1, result.args, 'lines:', result.stderr)
    for text in texts:
        check(text in lines[0], result.args, 'does not say', text, 'but', lines[0])


def make_dataset(folder):
    """Two of the smallest labelled samples: one to learn from, one to validate and test."""
    captures = sorted(glob.glob(os.path.join(SAMPLES, '*.pcap.xz')), key=os.path.getsize)
    captures = [c for c in captures if glob.glob(c.replace('.pcap.xz', '.labels.tsv*'))][:2]
    if len(captures) < 2:
        print('skipped: no labelled samples in', SAMPLES)
        sys.exit(77)
    names = [os.path.basename(c)[:-len('.pcap.xz')] for c in captures]
    path = os.path.join(folder, 'lab.h5')
    result = run(DATA, 'import', '--output', path, *captures)
    check(result.returncode == 0, result.stderr)
    result = run(DATA, 'split', path, '--name', 'first', '--by', 'capture', '--assign', names[0] + '=train',
                 '--assign', names[1] + '=validation')
    check(result.returncode == 0, result.stderr)


def wait_for_a_checkpoint(folder, child):
    while child.poll() is None and not os.path.exists(os.path.join(folder, 'run.ckpt')):
        time.sleep(.01)


def interrupted(folder, threads, seconds):
    """Starts FIT, sends SIGINT after some time (0: once there is a checkpoint), resumes until it is done."""
    command = [TRAIN, *FIT, '--threads', threads]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if seconds:
        time.sleep(seconds)
    else:
        wait_for_a_checkpoint(folder, child)
    child.send_signal(signal.SIGINT)
    errors = child.communicate()[1]
    checkpoint = os.path.join(folder, 'run.ckpt')
    if child.returncode == 1:
        check('interrupted' in errors, errors)
        if not os.path.exists(checkpoint):  # it came before training began: nothing to resume
            return False
        result = run(TRAIN, 'resume', 'run.ckpt', '--threads', '1', cwd=folder)
        check(result.returncode == 0, result.stderr)
        return True
    check(child.returncode == 0, 'exit code', child.returncode, errors)
    return False


def resume_gives_the_same_bytes(folder):
    whole = os.path.join(folder, 'whole')
    os.mkdir(whole)
    begin = time.monotonic()
    result = run(TRAIN, *FIT, '--threads', '1', cwd=whole)
    check(result.returncode == 0, result.stderr)
    took, rng, resumed, runs = time.monotonic() - begin, random.Random(1), 0, test_size(6, 2)
    for i in range(runs):
        part = os.path.join(folder, 'part%d' % i)
        os.mkdir(part)
        # The command is kept in the run for provenance: all use the same words.
        resumed += interrupted(part, '1', took * rng.uniform(.2, 1) if i else 0)
        if os.path.exists(os.path.join(part, 'run.ckpt')):
            check(filecmp.cmp(os.path.join(whole, 'run.ckpt'), os.path.join(part, 'run.ckpt'), shallow=False),
                  'a resumed run differs')
    print('resumed', resumed, 'of', runs, 'runs, all with the bytes of the whole one')
    check(resumed > 0, 'no run was interrupted in time')


def calibrate_and_export(folder):
    run_path, model = os.path.join(folder, 'whole', 'run.ckpt'), os.path.join(folder, 'lab.sipcnn')
    data = os.path.join(folder, 'lab.h5')
    expect_one_line(run(TRAIN, 'export', '--checkpoint', run_path, '--output', model), 1, run_path, 'not calibrated')
    result = run(TRAIN, 'calibrate', '--checkpoint', run_path, '--dataset', data, '--json')
    check(result.returncode == 0, result.stderr)
    check('unknown' in json.loads(result.stdout), result.stdout)
    result = run(TRAIN, 'export', '--checkpoint', run_path, '--output', model)
    check(result.returncode == 0, result.stderr)
    export_onnx(folder, run_path, model)
    sides = ['--dataset', data, '--split', 'first', '--side', 'validation', '--json']
    a = json.loads(run(TRAIN, 'evaluate', '--checkpoint', run_path, *sides).stdout)
    b = json.loads(run(TRAIN, 'evaluate', '--model', model, *sides).stdout)
    check(a['benign'] > 0 and a['per_class'].keys() == b['per_class'].keys(), a)
    check(abs(a['macro_f1'] - b['macro_f1']) < 2e-3, 'run and model file differ:', a['macro_f1'], b['macro_f1'])


def export_onnx(folder, run_path, model):
    """A run and the model file made of it give ONNX models that agree, though one has folded its embeddings."""
    paths = [os.path.join(folder, name) for name in ('run.onnx', 'model.onnx')]
    again = os.path.join(folder, 'again.sipcnn')
    result = run(TRAIN, 'export', '--checkpoint', run_path, '--output', again, '--onnx', paths[0])
    check(result.returncode == 0, result.stderr)
    check(filecmp.cmp(model, again, shallow=False), 'the model file differs beside --onnx')
    result = run(TRAIN, 'export', '--model', model, '--onnx', paths[1])
    check(result.returncode == 0, result.stderr)
    a, b = (Model(open(path, 'rb').read()) for path in paths)
    check(a.metadata == b.metadata, 'metadata differ')
    rng = np.random.default_rng(1)
    inputs = {name: rng.integers(0, 256, [9, *shape[1:]]).astype(kind) for name, (kind, shape, _) in a.inputs.items()}
    for name, value in a.run(inputs).items():
        check(np.allclose(value, b.run(inputs)[name], rtol=1e-5, atol=1e-5), name, 'differs')
    expect_one_line(run(TRAIN, 'export', '--model', model, '--onnx', '/nowhere/x.onnx'), 1, '/nowhere/x.onnx')
    expect_one_line(run(TRAIN, 'export', '--model', model), 2, '--onnx')
    expect_one_line(run(TRAIN, 'export', '--checkpoint', run_path), 2, '--output', '--onnx')
    expect_one_line(run(TRAIN, 'export', '--checkpoint', run_path, '--model', model, '--onnx', paths[0]), 2, '--model')
    expect_one_line(run(TRAIN, 'export', '--model', run_path, '--onnx', paths[0]), 1, run_path)


def larger_than_the_cache(folder):
    """A cache that keeps a share gives the same run on any number of threads; judging sees every message all the same."""
    runs = []
    for threads in '1', '3':
        part = os.path.join(folder, 'bounded' + threads)
        os.mkdir(part)
        runs.append(os.path.join(part, 'run.ckpt'))
        bounded = [*FIT[:-4], '--epochs', '1', '--cache-rows', '5000', '--rows-per-epoch', '3000']
        # The command is kept in the run: the same words but for the threads, which are left to the environment.
        result = subprocess.run([TRAIN, *bounded], cwd=part, capture_output=True, text=True,
                                env=dict(os.environ, OMP_NUM_THREADS=threads))
        check(result.returncode == 0, result.stderr)
        check('the feature cache keeps ' in result.stderr and '% of the time' in result.stderr, result.stderr)
        check(int(re.search(r'(\d+) training rows', result.stderr).group(1)) <= 3000, result.stderr)
    check(filecmp.cmp(*runs, shallow=False), 'threads change a run on a bounded cache')
    sides = ['--dataset', os.path.join(folder, 'lab.h5'), '--split', 'first', '--side', 'validation', '--json']
    judged = ['evaluate', '--checkpoint', os.path.join(folder, 'whole', 'run.ckpt'), *sides]
    whole = run(TRAIN, *judged)
    replayed = run(TRAIN, *judged, '--cache', '/nowhere')
    check(whole.returncode == 0 and whole.stdout == replayed.stdout, whole.stderr, replayed.stderr)


def bad_input(folder):
    data, text = os.path.join(folder, 'lab.h5'), os.path.join(folder, 'text')
    with open(text, 'w') as f:
        f.write('only a text\n' * 100)
    out = os.path.join(folder, 'out.ckpt')
    expect_one_line(run(TRAIN, 'fit', '--dataset', '/nowhere.h5', '--output', out), 1, '/nowhere.h5')
    expect_one_line(run(TRAIN, 'fit', '--dataset', text, '--output', out), 1, text)
    expect_one_line(run(TRAIN, 'fit', '--dataset', data, '--split', 'none', '--output', out), 1, data, 'none', 'first')
    expect_one_line(run(TRAIN, 'resume', text), 1, text)
    expect_one_line(run(TRAIN, 'evaluate', '--checkpoint', text), 1, text)
    expect_one_line(run(TRAIN, 'evaluate', '--model', text, '--dataset', data), 1, text)
    result = run(TRAIN, 'fit', '--dataset', data, '--output', '/nowhere/out.ckpt', '--epochs', '1', '--cap', '20',
                 '--warm-every', '0', '--quiet')
    expect_one_line(result, 1, '/nowhere/out.ckpt')
    expect_one_line(run(TRAIN, 'fit', '--dataset', data), 2, '--output')
    expect_one_line(run(TRAIN, 'fit', '--epochs', 'many'), 2, '--epochs', 'many')
    expect_one_line(run(TRAIN, 'fit', '--shift', 'flood=high'), 2, '--shift', 'flood=high')
    expect_one_line(run(TRAIN, 'fit', '--dataset', data, '--output', out, '--shift', 'dark=1', '--quiet'), 1, 'dark=1')
    expect_one_line(run(TRAIN, 'evaluate', '--checkpoint', text, '--side', 'dark'), 2, 'dark')
    for command in 'fit', 'resume', 'evaluate', 'calibrate', 'export':
        result = run(TRAIN, command, '--help')
        check(result.returncode == 0 and 'example' in result.stdout, command, '--help')


def main():
    with tempfile.TemporaryDirectory() as folder:
        make_dataset(folder)
        resume_gives_the_same_bytes(folder)
        calibrate_and_export(folder)
        larger_than_the_cache(folder)
        bad_input(folder)
    print('passed')


main()
