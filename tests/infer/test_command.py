#!/usr/bin/python3
"""sipcnn-infer from outside: verdicts, incidents, bad input, signals, delivery, live capture.

usage: test_command.py SIPCNN_INFER MAKE_ZERO_MODEL EMBED [--sanitized] [unittest arguments]
Standard library only. Skips what this machine cannot do (live capture without root, captures that are not there).
"""
import glob, http.server, json, os, random, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time
import unittest

INFER, MAKE_MODEL, EMBED = sys.argv[1:4]
SANITIZED = '--sanitized' in sys.argv
SOURCE = os.environ.get('SIPCNN_SOURCE_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
CORPUS = os.environ.get('SIPCNN_CORPUS', os.path.join(SOURCE, '..', 'shared', 'corpus'))
KEYS = ['frame', 'index', 'time', 'src', 'dst', 'method', 'status', 'call_id', 'class', 'p', 'novelty']
CLASSES = ['flood', 'distributed_flood', 'scan', 'enumeration', 'bruteforce', 'teardown', 'hijack', 'malformed',
           'injection', 'toll_fraud', 'spit']


def sip(method='OPTIONS', user='100', call=1, client='10.0.0.9', extra=''):
    return (f'{method} sip:{user}@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {client}:5060;branch=z9hG4bK{call}{method}\r\n'
            f'From: <sip:a@example.com>;tag=f{call}\r\nTo: <sip:{user}@example.com>\r\nCall-ID: {call}@{client}\r\n'
            f'CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n').encode()


def packet(payload, source='10.0.0.9', target='10.0.0.1', number=0):
    udp = struct.pack('>HHHH', 5060, 5060, 8 + len(payload), 0) + payload
    ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0, socket.inet_aton(source),
                     socket.inet_aton(target))
    return b'\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0' + ip + udp


PCAP_HEADER = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)


def record(seconds, frame):
    micros = round(seconds * 1e6)
    return struct.pack('<IIII', micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame


def pcap(records):
    """records: (seconds, frame) pairs."""
    return PCAP_HEADER + b''.join(record(*r) for r in records)


def mixed_traffic(count, seed=1):
    """Several clients, replies, odd methods, hostile bytes, rubbish that still looks like SIP."""
    rng, records, now = random.Random(seed), [], 1.7e9
    for i in range(count):
        now += rng.expovariate(50)
        client = f'10.0.{rng.randrange(3)}.{1 + rng.randrange(60)}'
        method = rng.choice(['OPTIONS', 'REGISTER', 'INVITE', 'BYE', 'FROB', 'ACK', 'MESSAGE'])
        data = sip(method, str(rng.randrange(300)), rng.randrange(count // 3 + 1), client)
        if rng.random() < .3:
            body = data.split(b'\r\n', 1)[1]
            records.append((now, packet(b'SIP/2.0 %d Some\r\n' % rng.choice([100, 180, 200, 401, 404, 487]) + body,
                                        '10.0.0.1', client, i)))
            continue
        if rng.random() < .1:
            data = bytes(b ^ (rng.randrange(256) if rng.random() < .02 else 0) for b in data[:60]) + data[60:]
        records.append((now, packet(data, client, '10.0.0.1', i)))
    return records


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix='sipcnn-infer-')
        cls.model = cls.path('zero.sipcnn')
        subprocess.run([MAKE_MODEL, cls.model], check=True)
        cls.loud = cls.path('loud.sipcnn')
        subprocess.run([MAKE_MODEL, cls.loud, 'scan', '3', '5'], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir, name)

    def write(self, name, data):
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def run_infer(self, *args, code=0, **kwargs):
        done = subprocess.run([INFER, *args], capture_output=True, timeout=120, **kwargs)
        self.assertEqual(done.returncode, code, done.stderr.decode(errors='replace'))
        return done

    def lines(self, path):
        if not os.path.exists(path):
            return 0
        with open(path, 'rb') as file:
            return file.read().count(b'\n')

    def verdicts(self, capture, *args, model=None, **kwargs):
        out = self.path('verdicts.jsonl')
        self.run_infer('--model', model or self.model, '--read', capture, '--verdicts', out, '--quiet', *args, **kwargs)
        with open(out, 'rb') as file:
            return file.read()

    def incidents(self, capture, *args, model=None):
        done = self.run_infer('--model', model or self.loud, '--read', capture, '--json', '--quiet', *args)
        self.assertEqual(done.stderr, b'')
        return [json.loads(line) for line in done.stdout.splitlines()]


class Verdicts(Case):
    def test_one_line_per_message(self):
        capture = self.write('mixed.pcap', pcap(mixed_traffic(500)))
        done = self.run_infer('--model', self.model, '--read', capture, '--verdicts', self.path('v'))
        messages = int(re.search(rb'messages +(\d+)', done.stderr).group(1))
        with open(self.path('v'), encoding='utf-8') as file:
            lines = [json.loads(line, object_pairs_hook=lambda pairs: (self.assertEqual(
                len({k for k, _ in pairs}), len(pairs)), dict(pairs))[1]) for line in file]
        self.assertEqual(len(lines), messages)
        self.assertGreater(messages, 450)
        self.assertEqual(len({(v['frame'], v['index']) for v in lines}), messages)
        for v in lines:
            self.assertEqual(list(v), KEYS)
            self.assertEqual(list(v['p']), CLASSES)
            self.assertEqual(v['class'], 'benign')
            self.assertIsInstance(v['time'], float)
        self.assertEqual([v['frame'] for v in lines], sorted(v['frame'] for v in lines))
        self.assertEqual({v['status'] for v in lines if v['status']}, {100, 180, 200, 401, 404, 487})

    def test_any_number_of_workers_gives_the_same_bytes(self):
        capture = self.write('mixed.pcap', pcap(mixed_traffic(5000, seed=2)))
        for model in self.model, self.loud:
            one = self.verdicts(capture, '--workers', '0', model=model)
            self.assertGreater(len(one), 1000000)
            for workers in '1', '2', '3':
                self.assertEqual(self.verdicts(capture, '--workers', workers, model=model), one)
        strip = lambda changes: [{k: v for k, v in c.items() if k != 'id'} for c in changes]
        alone = strip(self.incidents(capture, '--workers', '0'))
        self.assertGreater(len(alone), 10)
        self.assertEqual(strip(self.incidents(capture, '--workers', '3')), alone)

    def test_standard_input_equals_the_file(self):
        data = pcap(mixed_traffic(300))
        capture = self.write('mixed.pcap', data)
        for workers in '0', '2':
            piped = self.verdicts('-', '--workers', workers, input=data)
            self.assertEqual(piped, self.verdicts(capture))

    def test_the_library_says_the_same(self):
        capture = self.write('mixed.pcap', pcap(mixed_traffic(2000, seed=3)))
        for model in self.model, self.loud:
            done = subprocess.run([EMBED, model, capture], capture_output=True, check=True)
            self.assertEqual(done.stdout, self.verdicts(capture, model=model))

    def test_standard_output(self):
        capture = self.write('few.pcap', pcap(mixed_traffic(20)))
        done = self.run_infer('-m', self.model, '-r', capture, '-v', '-', '-q')
        self.assertEqual(done.stdout, self.verdicts(capture))

    def test_other_peoples_captures(self):
        captures = sorted(glob.glob(os.path.join(CORPUS, '*', '*.pcap*'))) + \
            sorted(glob.glob(os.path.join(SOURCE, 'data', 'samples', '*.pcap')))
        if not captures:
            self.skipTest(f'no captures in {CORPUS}')
        for capture in captures:
            out = self.path('v')
            done = subprocess.run([INFER, '-m', self.model, '-r', capture, '-v', out, '--json'], capture_output=True)
            with open(out, encoding='utf-8') as file:
                lines = [json.loads(line) for line in file]
            if done.returncode == 0:
                messages = int(re.search(rb'messages +(\d+)', done.stderr).group(1))
                self.assertEqual(len(lines), messages, capture)
                self.assertEqual(done.stdout, b'', capture)  # no rule blames honest people
            else:
                self.assertEqual(len(done.stderr.splitlines()), 1, capture)
                self.assertIn(b'no SIP message', done.stderr)
                self.assertEqual(lines, [])

    def test_memory_is_bounded(self):
        if SANITIZED:
            self.skipTest('a sanitizer has its own memory')
        rng, capture = random.Random(5), self.path('spoofed.pcap')
        with open(capture, 'wb') as file:  # a fork's memory counts as the child's: keep ours small
            file.write(PCAP_HEADER)
            for i in range(120000):
                client = socket.inet_ntoa(struct.pack('>I', 0x0b000000 + rng.randrange(1 << 22)))
                target = socket.inet_ntoa(struct.pack('>I', 0x0a000000 + rng.randrange(1 << 15)))
                file.write(record(1.7e9 + i / 5000, packet(sip('INVITE', str(i), i, client), client, target, i)))
        process = subprocess.Popen([INFER, '-m', self.loud, '-r', capture, '-q', '-j', '-v', self.path('v')],
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        self.assertEqual(status, 0)
        self.assertLessEqual(usage.ru_maxrss, 128 * 1024)


class Incidents(Case):
    def scan(self, count, step):
        return pcap([(1.7e9 + i * step, packet(sip(call=i, user=str(i)), number=i)) for i in range(count)])

    def test_states(self):
        changes = self.incidents(self.write('scan.pcap', self.scan(250, 0.1)))
        self.assertEqual([c['state'] for c in changes], ['open', 'update', 'update', 'closed'])
        self.assertEqual([c['change'] for c in changes], [1, 2, 3, 4])
        self.assertEqual([c['frame'] for c in changes], [3, 103, 203, 250])
        self.assertEqual([c['messages'] for c in changes], [3, 103, 203, 250])
        self.assertEqual(len({c['id'] for c in changes}), 1)
        for c in changes:
            self.assertEqual((c['by'], c['class'], c['client'], c['target']), ('model', 'scan', '10.0.0.9', '10.0.0.1'))
            self.assertEqual(c['first'], 1.7e9)
        self.assertEqual(changes[0]['evidence'], ['OPTIONS', '2@10.0.0.9'])

    def test_own_hosts_are_left_out(self):
        capture = self.write('scan.pcap', self.scan(50, 0.1))
        self.assertEqual(self.incidents(capture, '--local', '10.0.0.0/24'), [])

    def test_text(self):
        capture = self.write('scan.pcap', self.scan(250, 0.1))
        done = self.run_infer('-m', self.loud, '-r', capture)
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  open +low +scan +10\.0\.0\.9 +-> 10\.0\.0\.1 ')
        self.assertNotIn('\033', done.stdout.decode())
        self.assertIn(b'verdicts   250 = 250 scan', done.stderr)
        self.assertIn(b'incidents  1 = 1 scan', done.stderr)

    def test_rules_need_no_model(self):
        flood = pcap([(1.7e9 + i / 50, packet(sip('INVITE', call=i), number=i)) for i in range(1500)])
        capture = self.write('flood.pcap', flood)
        done = self.run_infer('--rules-only', '-r', capture, '-j', '-q')
        changes = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({(c['by'], c['class'], c['client']) for c in changes}, {('rule', 'flood', '10.0.0.9')})
        self.assertEqual(changes[0]['evidence'][0], 'invites-unheard')
        ids = {c['id'] for c in self.incidents(capture)}
        self.assertEqual(len(ids), 2)  # the model's and the rules' incidents, apart


class BadInput(Case):
    def complains(self, *args, names, code=1, **kwargs):
        done = self.run_infer(*args, code=code, **kwargs)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith('sipcnn-infer: '), lines)
        for name in names:
            self.assertIn(name, lines[0])
        return done

    def test_command_line(self):
        file = self.write('x.pcap', pcap([]))
        for args, names in [((), ['--read']), (('-r', file, '-i', 'lo'), ['--read', '--interface']),
                            (('-r', file, '--local', '10.0.0.0/99'), ['10.0.0.0/99']),
                            (('-r', file, '--workers', '-1'), ['-1']), (('-r', file, '--workers', '9x'), ['9x']),
                            (('-r', file, '--json', '--verdicts', '-'), ['--json']),
                            (('-r', file, '--filter', 'udp'), ['--filter']), (('-r', file, 'more'), ['more']),
                            (('-r', file, '--token-file', 'x'), ['--report']),
                            (('-r', file, '--sensor', 'a b'), ['a b']),
                            (('-r', file, '--rules-only', '--verdicts', 'x'), ['--verdicts'])]:
            with self.subTest(args):
                self.complains(*args, names=names, code=2)
        done = subprocess.run([INFER, '--frobnicate'], capture_output=True)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1))

    def test_help(self):
        done = self.run_infer('--help')
        self.assertIn(b'Examples:', done.stdout)
        self.assertEqual(done.stderr, b'')
        self.assertRegex(self.run_infer('--version').stdout, rb'^sipcnn-infer \d')

    def test_captures(self):
        for name, data, names in [('empty', b'', []), ('text', b'hello, this is no capture at all\n' * 9, []),
                                  ('none', PCAP_HEADER, ['no SIP message']),
                                  ('dns', pcap([(1.0, packet(b'\0\1\1\0\0\1\0\0'))]), ['no SIP message', '1 packets'])]:
            with self.subTest(name):
                path = self.write(name, data)
                self.complains('-m', self.model, '-r', path, names=[path, *names])
        self.complains('-m', self.model, '-r', self.path('absent'), names=[self.path('absent')])
        self.complains('-m', self.model, '-r', self.dir, names=[self.dir])

    def test_damaged_capture(self):
        records = [(1.7e9 + i, packet(sip(call=i), number=i)) for i in range(30)]
        for cut in 1, 100, len(record(*records[-1])) - 8:
            capture = self.write('cut.pcap', pcap(records)[:-cut])
            out = self.path('v')
            for workers in '0', '2':
                self.complains('-m', self.model, '-r', capture, '-v', out, '-q', '-w', workers, names=[capture, '30'])
                with open(out) as file:
                    self.assertEqual(len(file.readlines()), 29)

    def test_models(self):
        capture = self.write('one.pcap', pcap([(1.0, packet(sip()))]))
        with open(self.model, 'rb') as file:
            good = file.read()
        rng = random.Random(4)
        cases = [('cut', good[:-100]), ('header', good[:20]), ('void', b''), ('text', b'not a model' * 100)]
        for i in range(20):
            at = rng.randrange(len(good))
            cases.append((f'flip{at}', good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1:]))
        for name, data in cases:
            path = self.write(name, data)
            self.complains('-m', path, '-r', capture, names=[path])
        self.complains('-m', self.path('absent'), '-r', capture, names=[self.path('absent')])
        self.complains('-m', self.dir, '-r', capture, names=[self.dir])
        if not os.path.exists('/usr/local/share/sipcnn/sipcnn-base.sipcnn'):
            self.complains('-r', capture, names=['sipcnn-base.sipcnn', '--model'])

    def test_outputs(self):
        traffic = pcap([(1.7e9 + i / 10, packet(sip(call=i), number=i)) for i in range(2000)])
        capture = self.write('long.pcap', traffic)
        nowhere = self.path('no/where')
        self.complains('-m', self.model, '-r', capture, '-v', nowhere, names=[nowhere])
        self.complains('-m', self.model, '-r', capture, '-v', self.dir, names=[self.dir])
        for workers in '0', '2':
            self.complains('-m', self.model, '-r', capture, '-v', '/dev/full', '-q', '-w', workers, names=['/dev/full'])
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([INFER, '-m', self.loud, '-r', capture, '-j', '-q'], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rb'^sipcnn-infer: standard output: [^\n]+\n$')
        self.complains('-m', self.model, '-r', capture, '-v', capture, names=[capture])
        with open(capture, 'rb') as file:
            self.assertEqual(file.read(), traffic)

    def test_interface(self):
        self.complains('-m', self.model, '-i', 'nothere0', names=['nothere0'])


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted, with the time; answers as the test wants."""
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        server = self.server
        server.requests.append((self.path, self.headers.get('Authorization'), time.time()))
        if server.code == 200:
            server.received += [(time.time(), incident) for incident in json.loads(body)['incidents']]
        answer = b'{}'
        self.send_response(server.code)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


class Delivery(Case):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Collector)
        self.server.received, self.server.requests, self.server.code = [], [], 200
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.token = self.write('token', b'secret-token\n')
        os.chmod(self.token, 0o600)
        records = [(1.7e9 + i / 10, packet(sip(call=i), number=i)) for i in range(250)]
        self.capture = self.write('scan.pcap', pcap(records))

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_everything_arrives(self):
        args = ['-m', self.loud, '-r', self.capture, '-j', '--report', self.url, '--token-file', self.token]
        done = self.run_infer(*args)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([incident for _, incident in self.server.received], lines)
        self.assertEqual({r[:2] for r in self.server.requests}, {('/v1/incidents', 'Bearer secret-token')})
        self.assertIn(b'reports    4 = 4 delivered', done.stderr)

    def test_collector_down(self):
        self.server.shutdown()
        self.server.server_close()
        out = self.path('v')
        done = self.run_infer('-m', self.loud, '-r', self.capture, '-v', out, '-j', '-q', '--report', self.url, code=1)
        self.assertEqual(len(done.stdout.splitlines()), 4)
        self.assertRegex(done.stderr.decode(), rf'^sipcnn-infer: {self.url}: 4 of 4 [^\n]+\n$')
        with open(out) as file:
            self.assertEqual(len(file.readlines()), 250)

    def test_wrong_token(self):
        self.server.code = 401
        done = self.run_infer('-m', self.loud, '-r', self.capture, '-q', '--report', self.url, '--token-file', self.token,
                              code=1)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn('token', lines[0])
        self.assertNotIn('secret', lines[0])

    def test_refusals_before_anything_is_read(self):
        os.chmod(self.token, 0o644)
        for args, name in [(('--report', self.url, '--token-file', self.token), self.token),
                           (('--report', 'http://192.0.2.1:8700'), '192.0.2.1'), (('--report', 'gopher://x'), 'gopher')]:
            done = self.run_infer('-m', self.loud, '-r', self.capture, *args, code=1)
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertIn(name, done.stderr.decode())

    def test_live(self):
        """On the loopback interface: verdicts and the incident at the collector within two seconds."""
        if os.geteuid() != 0:
            self.skipTest('live capture needs root')
        sender, port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 20000 + os.getpid() % 20000
        out = self.path('live')
        process = subprocess.Popen([INFER, '-m', self.loud, '-i', 'lo', '-f', f'udp port {port}', '-v', out, '-j', '--report',
                                    self.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            sent = 0
            while not os.path.exists(out) or time.sleep(.3):
                self.assertIsNone(process.poll())
            time.sleep(.3)
            onset = time.time()
            for i in range(20):
                sender.sendto(sip(call=i, client='127.0.0.1'), ('127.0.0.1', port))
                sent += 1
                time.sleep(.02)
            while not self.server.received and time.time() < onset + 5:
                time.sleep(.01)
            self.assertTrue(self.server.received)
            at, incident = self.server.received[0]
            self.assertLess(at - onset, 2)
            self.assertEqual((incident['state'], incident['class'], incident['client']), ('open', 'scan', '127.0.0.1'))
            deadline = time.time() + 2
            while self.lines(out) < sent and time.time() < deadline:
                time.sleep(.05)
            self.assertEqual(self.lines(out), sent)
            process.send_signal(signal.SIGUSR1)
            time.sleep(.5)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=20)
        finally:
            process.kill()
            sender.close()
        self.assertEqual(process.returncode, 0, stderr)
        self.assertEqual(stderr.count(b'messages/s'), 2)  # SIGUSR1's summary and the last one
        self.assertEqual([json.loads(line)['state'] for line in stdout.splitlines()], ['open', 'closed'])


class Signals(Case):
    def start(self, *args):
        return subprocess.Popen([INFER, '-m', self.loud, '-r', '-', *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def wait_for_lines(self, path, count):
        deadline = time.time() + 10
        while time.time() < deadline:
            if self.lines(path) == count:
                return
            time.sleep(.02)
        self.fail(f'{path} has no {count} lines')

    def test_interrupt(self):
        for workers in '0', '2':
            out = self.path('v' + workers)
            process = self.start('-v', out, '-j', '-w', workers)
            process.stdin.write(pcap([(1.7e9 + i, packet(sip(call=i), number=i)) for i in range(30)]))
            process.stdin.flush()
            self.wait_for_lines(out, 30)  # a pause hands everything on
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 0, stderr)
            self.assertEqual([json.loads(line)['state'] for line in stdout.splitlines()], ['open', 'update', 'update', 'closed'])
            self.assertIn(b'messages   30 = 30 verdicts', stderr)
            with open(out) as file:
                self.assertEqual(len([json.loads(line) for line in file]), 30)

    def test_summary_on_demand(self):
        process = self.start('-v', self.path('v'), '-w', '2')
        process.stdin.write(pcap([(1.7e9, packet(sip()))]))
        process.stdin.flush()
        self.wait_for_lines(self.path('v'), 1)
        process.send_signal(signal.SIGUSR1)
        time.sleep(.1)
        process.stdin.write(record(1.7e9 + 1, packet(sip(call=2), number=2)))
        _, stderr = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(stderr.count(b'messages/s'), 2, stderr)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[4:] if a != '--sanitized'])
