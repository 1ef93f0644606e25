#!/usr/bin/python3
"""What sipcnn-bench kernels and peers print, and how they end; never how fast anything is.

Relies on: Python's standard library, tests/bench/fake_torch.py.
Relied on by: ctest (tests/bench).

  test_speed.py SIPCNN_BENCH
"""
import json
import os
import subprocess
import sys
import unittest

BENCH = sys.argv.pop(1)
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_torch.py")
QUICK = ["--rounds", "2", "--sample", "1"]


def bench(*arguments, **environment):
    known = {name: value for name, value in os.environ.items() if name not in ("SIPCNN_PYTHON", "SIPCNN_ONNXRUNTIME")}
    return subprocess.run([BENCH, *arguments], env={**known, **environment}, capture_output=True, text=True, check=False)


class Kernels(unittest.TestCase):
    def levels(self, cap):
        result = bench("kernels", "--json", *QUICK, SIPCNN_MAX_ISA=cap)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_every_op_is_timed_at_every_level(self):
        everything = self.levels("avx512")
        found = {(row["op"], row["kernel"], row["isa"]) for row in everything["rows"]}
        for isa in everything["fma"]:
            for op in "conv1d", "depthwise", "dense":
                for kernel in "forward", "data gradient", "weight gradient":
                    self.assertIn((op, kernel, isa), found)
            self.assertIn(("conv1d", "both gradients", isa), found)
            self.assertIn(("lookup", "forward", isa), found)
            self.assertIn(("lookup", "weight gradient", isa), found)
        for row in everything["rows"]:
            self.assertGreater(row["gflops"], 0)
            self.assertGreaterEqual(row["best_gflops"], row["gflops"])
            self.assertGreater(row["fma_share"], 0)
        self.assertEqual([entry["threads"] for entry in everything["sip_cnn"]["training"]], [1, 2])
        self.assertGreater(everything["sip_cnn"]["forward_us"], 0)

    def test_the_cap_holds(self):
        self.assertEqual(list(self.levels("portable")["fma"]), ["portable"])

    def test_table_and_arguments(self):
        result = bench("kernels", *QUICK)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("weight gradient", result.stdout)
        self.assertIn("rows/s", result.stdout)
        for wrong in (["--rounds", "0"], ["--rounds", "x"], ["--sample", "-1"], ["more"], ["--nothing"]):
            self.assertEqual(bench("kernels", *wrong).returncode, 2, wrong)
        self.assertEqual(bench("kernels", "--help").returncode, 0)


class Peers(unittest.TestCase):
    def fake(self, behaviour, *arguments):
        return bench("peers", "--peer", "pytorch", "--work", "infer", "--batch", "2", *QUICK, *arguments,
                     SIPCNN_PYTHON=FAKE, FAKE=behaviour)

    def test_an_honest_peer_gets_its_row(self):
        result = self.fake("honest", "--json", "--threads", "1,2")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual([(row["net"], row["work"], row["batch"], row["threads"], row["peer"]) for row in report["rows"]],
                         [(net, "infer", 2, threads, "pytorch") for net in "AB" for threads in (1, 2)])
        for row in report["rows"]:
            self.assertAlmostEqual(row["peer_per_s"], 2000, delta=1e-3)
            self.assertAlmostEqual(row["ratio"], row["ours_per_s"] / 2000, delta=1e-6 * row["ratio"])
            self.assertGreaterEqual(row["ours_best_per_s"], row["ours_per_s"])
            self.assertLess(row["difference"], 1e-4)
        self.assertEqual(report["missing"], [])
        self.assertEqual([entry["threads"] for entry in report["fma"]], [1, 2])
        for own in report["own"]:
            self.assertEqual("scaling" in own, own["threads"] == 2)
            self.assertGreater(own["fma_share"], 0)

    def test_table(self):
        result = self.fake("honest", "--net", "A")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("pytorch", result.stdout)
        self.assertNotIn("\nB ", result.stdout)

    def test_who_computes_something_else_does_not_count(self):
        for behaviour in "wrong", "nan":
            result = self.fake(behaviour, "--json", "--net", "A", "--threads", "1")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(json.loads(result.stdout)["rows"], [])
            self.assertIn("pytorch differs", result.stderr)
            self.assertNotIn("pytorch", self.fake(behaviour, "--net", "A", "--threads", "1").stdout)

    def test_who_is_missing_is_named(self):
        for result in self.fake("missing", "--json"), self.fake("silent", "--json"):
            self.assertEqual(result.returncode, 2)
            self.assertEqual(json.loads(result.stdout)["rows"], [])
            self.assertIn("not measured: pytorch", result.stderr)
        for peer, variable in ("pytorch", "SIPCNN_PYTHON"), ("onnxruntime", "SIPCNN_ONNXRUNTIME"):
            result = bench("peers", "--json", "--peer", peer, *QUICK, **{variable: "/nowhere/at/all"})
            self.assertEqual(result.returncode, 2)
            self.assertEqual([missing["peer"] for missing in json.loads(result.stdout)["missing"]], [peer])
            self.assertIn(f"not measured: {peer}: ", result.stderr)
            self.assertIn("/nowhere/at/all", result.stderr)

    def test_a_named_library_is_asked_for(self):
        with open("/proc/self/maps", encoding="ascii") as maps:
            libc = next(line.split()[-1] for line in maps if "libc.so" in line)
        result = bench("peers", "--work", "infer", "--batch", "1", "--threads", "1", *QUICK, SIPCNN_PYTHON="/nowhere",
                       SIPCNN_ONNXRUNTIME=libc)
        self.assertEqual(result.returncode, 2)
        self.assertIn("is not ONNX Runtime", result.stderr)

    def test_forward_only(self):
        result = bench("peers", "--peer", "onnxruntime", "--work", "train", *QUICK)
        self.assertEqual(result.returncode, 2)
        self.assertIn("forward passes only", result.stderr)

    def test_a_peer_that_breaks(self):
        for behaviour, words in ("leaving", "process has ended"), ("babbling", "maybe"):
            result = self.fake(behaviour)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_arguments(self):
        for wrong in (["--peer", "tensorflow"], ["--peer", ""], ["--net", "C"], ["--work", "train,"], ["--batch", "0"],
                      ["--batch", "1,,2"], ["--threads", "65"], ["--rounds", "1000"], ["--sample", "x"], ["more"]):
            result = bench("peers", *wrong)
            self.assertEqual(result.returncode, 2, wrong)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertEqual(bench("peers", "--help").returncode, 0)

    def test_whoever_is_installed_agrees(self):
        """Both networks, forward and training, against each real peer of this machine; none is fine."""
        named = {name: os.environ[name] for name in ("SIPCNN_PYTHON", "SIPCNN_ONNXRUNTIME") if name in os.environ}
        result = bench("peers", "--json", "--batch", "3", "--threads", "1,2", "--rounds", "1", "--sample", "1", **named)
        report = json.loads(result.stdout)
        self.assertEqual(report["disagreeing"], [], result.stderr)
        self.assertEqual(result.returncode, 2 if len(report["missing"]) == 3 else 0, result.stderr)


unittest.main()
