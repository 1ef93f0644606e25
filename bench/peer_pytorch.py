"""PyTorch for sipcnn-bench peers: holds networks and runs them when told to.

Relies on: torch; the binary side is bench/peer_pytorch.c, which sends this file as the program to run.
Relied on by: bench/peer_pytorch.c.

A line on standard input, perhaps followed by bytes, is answered by a line on standard output, perhaps followed by bytes:
  (at start)                                       "ready VERSION", or "missing WHY"
  "new NET WORK BATCH THREADS RATE BYTES" + bytes  "ok JOB": parameters, input, targets; f32, but bytes in NET A's input
  "run JOB COUNT"                                  "ok SECONDS"
  "read JOB"                                       "ok BYTES" + f32: logits and, of training, gradients, in our layout
"""
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    print("missing", str(error).replace("\n", " "), flush=True)
    sys.exit(0)

WEIGHT_DECAY = 0.01  # optimiser_defaults


class NetA(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(256, 8)
        self.conv1 = nn.Conv1d(8, 16, 7, 2)
        self.conv2 = nn.Conv1d(16, 32, 5, 2)
        self.conv3 = nn.Conv1d(32, 64, 3, 2)
        self.output = nn.Linear(64, 12)

    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        for conv in self.conv1, self.conv2, self.conv3:
            x = functional.relu(conv(x))
        return self.output(x.amax(2))

    @staticmethod
    def batch(content, size):
        return torch.frombuffer(content, dtype=torch.uint8).reshape(size, 512).long()


class NetB(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(32, 64, 3, padding=1)
        self.conv2 = nn.Conv1d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv1d(64, 128, 3, padding=1)
        self.hidden = nn.Linear(128, 64)
        self.output = nn.Linear(64, 12)

    def forward(self, x):
        x = functional.relu(self.conv1(x))
        x = functional.max_pool1d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.conv3(x))
        return self.output(functional.relu(self.hidden(x.amax(2))))

    @staticmethod
    def batch(content, size):
        return torch.frombuffer(content, dtype=torch.float32).reshape(size, 64, 32).transpose(1, 2).contiguous()


# Our weights are [taps][in][out] and [in][out], PyTorch's [out][in][taps] and [out][in]; embeddings are the same.
def to_ours(module, tensor):
    return tensor if isinstance(module, nn.Embedding) else tensor.permute(*reversed(range(tensor.dim())))


class Job:
    def __init__(self, net, work, batch, threads, rate, content):
        self.threads, self.training = threads, work == "train"
        self.net = {"A": NetA, "B": NetB}[net]()
        self.logits = None
        self.parameters = [(module, parameter) for module in self.net.children() for parameter in module.parameters()]
        for module, parameter in self.parameters:
            ours = to_ours(module, parameter.data)
            taken = bytearray(content[:4 * parameter.numel()])
            parameter.data = to_ours(module, torch.frombuffer(taken, dtype=torch.float32).reshape(ours.shape)).contiguous()
            content = content[len(taken):]
        targets = 4 * 12 * batch
        self.input = self.net.batch(bytearray(content[:-targets]), batch)
        self.targets = torch.frombuffer(bytearray(content[-targets:]), dtype=torch.float32).reshape(batch, 12)
        decaying = [parameter for _, parameter in self.parameters if parameter.dim() > 1]
        others = [parameter for _, parameter in self.parameters if parameter.dim() == 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decaying, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0}], lr=rate)

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        self.logits = self.net(self.input)
        loss = functional.binary_cross_entropy_with_logits(self.logits, self.targets, reduction="sum")
        (loss / len(self.input)).backward()
        self.optimiser.step()

    def run(self, count):
        torch.set_num_threads(self.threads)
        if self.training:
            begin = time.perf_counter()
            for _ in range(count):
                self.step()
            return time.perf_counter() - begin
        with torch.inference_mode():
            begin = time.perf_counter()
            for _ in range(count):
                self.logits = self.net(self.input)
            return time.perf_counter() - begin

    def read(self):
        results = [self.logits.detach()]
        if self.training:
            results += [to_ours(module, parameter.grad) for module, parameter in self.parameters]
        return b"".join(result.contiguous().numpy().tobytes() for result in results)


def answer(line, content=b""):
    sys.stdout.buffer.write(line.encode() + b"\n" + content)
    sys.stdout.buffer.flush()


def main():
    jobs = []
    answer("ready " + torch.__version__)
    for line in sys.stdin.buffer:
        command, *arguments = line.decode().split()
        if command == "new":
            net, work, batch, threads, rate, size = arguments
            jobs.append(Job(net, work, int(batch), int(threads), float(rate), sys.stdin.buffer.read(int(size))))
            answer(f"ok {len(jobs) - 1}")
        elif command == "run":
            answer(f"ok {jobs[int(arguments[0])].run(int(arguments[1])):.9f}")
        elif command == "read":
            content = jobs[int(arguments[0])].read()
            answer(f"ok {len(content)}", content)


main()
