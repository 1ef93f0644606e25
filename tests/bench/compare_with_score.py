#!/usr/bin/python3
"""Compares sipcnn-bench accuracy with an independent score program on made-up sessions with many odd cases.

usage: compare_with_score.py SIPCNN-BENCH SCORE [NAME...]     NAMEs: sessions to compare on besides
The program is SIPCNN_SCORE from the environment, else SCORE; without it the test is skipped (exit code 77).
"""
import json, lzma, math, os, random, subprocess, sys, tempfile

CLASSES = ['flood', 'distributed_flood', 'scan', 'enumeration', 'bruteforce', 'malformed', 'spit']
HOSTS = ['10.0.0.%d' % i for i in range(1, 9)] + ['fd66::%x' % i for i in range(1, 6)]


def address(rng, host):
    """Spelt in one of the ways in which an address can be spelt."""
    if ':' in host:
        long = host.replace('::', ':0:0:0:0:0:0:')
        return rng.choice(['[%s]:5060' % host, host, '[%s]' % host.upper(), '[%s]:7' % long])
    return rng.choice([host + ':5060', host])


def rows_of(rng, runs, n):
    """Label rows: frames with several messages, ignored rows, all parts, also-classes, here and there a row twice."""
    rows, frame = [], 0
    for _ in range(n):
        frame += rng.choice([0, 1, 1, 2])
        index = rng.randrange(3)
        kind = rng.random()
        run, also = 0, ''
        if kind < .5:
            primary, part = 'benign', rng.choice(['request', 'reply', 'onset'])
        elif kind < .6:
            primary, part = 'ignore', 'relay'
        else:
            run = rng.choice(list(runs))
            primary, part = runs[run], rng.choice(['request'] * 4 + ['reply', 'onset', 'relay'])
            if rng.random() < .2:
                also = ','.join(rng.sample(CLASSES, 2)) + rng.choice(['', ','])
        rows.append((frame, index, primary, also, run, part))
    return rows


def verdict(rng, row, error):
    frame, index, primary, also, run, _ = row
    said = primary if primary != 'ignore' else 'benign'
    if rng.random() < error:
        said = rng.choice(CLASSES + ['benign', 'unknown'])
    source, destination = rng.sample(HOSTS, 2)
    v = {'frame': frame, 'index': index, 'time': 1000 + frame * .25, 'src': address(rng, source),
         'dst': address(rng, destination), 'method': 'INVITE', 'status': rng.choice([0, 0, 200, 404]),
         'call_id': 'a\u0000\u2028"<', 'class': said, 'p': {}, 'novelty': .1}
    if index == 0 and rng.random() < .3:
        del v['index']
    return v


def incidents_of(rng, runs, n):
    lines = []
    for i in range(n):
        by, name = rng.choice(['model', 'model', 'rule']), rng.choice(CLASSES + ['unknown'])
        client = rng.choice([address(rng, rng.choice(HOSTS)), '', None, 'not-an-address'])
        first = 1000 + rng.random() * 80
        for k in range(rng.randrange(1, 5)):
            line = {'id': 'i%d' % i, 'by': by, 'state': ['open', 'update', 'update', 'closed'][k], 'class': name,
                    'client': client, 'target': 'x', 'time': first + 10 * k, 'frame': 5 * k}
            if client is None:
                del line['client']
            if rng.random() < .1:
                line['time'] = str(line['time'])
            lines.append(line)
    rng.shuffle(lines)
    return lines


def make_session(rng, name, n, error, missing, extra):
    runs = {r: rng.choice(CLASSES) for r in range(1, rng.randrange(2, 9))}
    rows = rows_of(rng, runs, n)
    labels = '\n'.join(['frame\tindex\tprimary\talso\trun\tpart'] +
                       ['\t'.join(map(str, row)) for row in rows]) + '\n'
    if rng.random() < .3:
        lzma.open(name + '.labels.tsv.xz', 'wt').write(labels)
    else:
        open(name + '.labels.tsv', 'w').write(labels)
    with open(name + '.runs.tsv', 'w') as f:
        f.write('run\tclass\ttool\tsettings\tstart\tend\tclients\n')
        for run, primary in runs.items():
            start = 1000 + rng.random() * 60
            clients = rng.sample(HOSTS, rng.choice([1, 1, 2, 8, 9]))
            f.write('%d\t%s\tsvmap\t{"a": 1}\t%r\t%r\t%s\n' % (
                run, primary, start, start + rng.random() * 30, ','.join(address(rng, c) for c in clients)))
    seen = set()
    with open(name + '.verdicts.jsonl', 'w') as f:
        for row in rows:
            if row[:2] in seen or rng.random() < missing:
                continue
            seen.add(row[:2])
            f.write(json.dumps(verdict(rng, row, error)) + '\n')
        for i in range(extra):
            f.write(json.dumps(verdict(rng, (10**6 + i // 2, 0, 'benign', '', 0, ''), 0)) + '\n')
    with open(name + '.incidents.jsonl', 'w') as f:
        for line in incidents_of(rng, runs, rng.randrange(0, 40)):
            f.write(json.dumps(line) + '\n')


def equal(a, b, where):
    """The first place where the two differ, or None. Floats may differ in the last digits that are printed."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key not in a or key not in b:
                return '%s.%s is missing' % (where, key)
            fault = equal(a[key], b[key], where + '.' + key)
            if fault:
                return fault
        return None
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return '%s: %d and %d entries' % (where, len(a), len(b))
        return next(filter(None, (equal(x, y, '%s[%d]' % (where, i)) for i, (x, y) in enumerate(zip(a, b)))), None)
    if isinstance(a, float) or isinstance(b, float):
        same = a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
        return None if same else '%s: %r and %r' % (where, a, b)
    return None if a == b else '%s: %r and %r' % (where, a, b)


def compare(bench, score, names, options):
    ours = subprocess.run([bench, 'accuracy', '--json'] + options + names, capture_output=True, text=True)
    theirs = subprocess.run([sys.executable, score, '--json'] + options + names, capture_output=True, text=True)
    if not theirs.stdout:
        sys.exit('%s failed:\n%s' % (score, theirs.stderr))
    if not ours.stdout:
        sys.exit('%s failed:\n%s' % (bench, ours.stderr))
    expected = json.JSONDecoder().raw_decode(theirs.stdout)[0]  # remarks may follow
    fault = equal(expected, json.loads(ours.stdout), 'score')
    if fault or ours.returncode != theirs.returncode:
        sys.exit('%s: %s (exit codes %d and %d)' % (' '.join(options + names), fault, theirs.returncode,
                                                    ours.returncode))


def main():
    bench, score = sys.argv[1], os.environ.get('SIPCNN_SCORE', sys.argv[2])
    if not os.path.exists(score):
        print('skipped: no score program at', score)
        sys.exit(77)
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(24):
            rng = random.Random(seed)
            names = []
            for i in range(rng.randrange(1, 4)):
                os.makedirs(os.path.join(folder, str(seed), str(i)))
                # Equal base names in different folders count as one session's clients.
                names.append(os.path.join(folder, str(seed), str(i), rng.choice(['a', 'b'])))
                make_session(rng, names[-1], rng.choice([0, 3, 200, 900]), rng.choice([0, .02, .3]),
                             rng.choice([0, 0, .0005, .1]), rng.choice([0, 0, 2, 30]))
            for options in [], ['--rules']:
                compare(bench, score, names, options)
                compared += 1
    for name in sys.argv[3:]:
        compare(bench, score, [name], [])
        compared += 1
    print('equal in', compared, 'comparisons')


main()
