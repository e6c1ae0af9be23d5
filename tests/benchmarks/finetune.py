"""What a fine-tuned copy of the encoder's upper three layers adds to the linear heads.

    python tests/benchmarks/finetune.py --model DIRECTORY [--businesses a,b,c] [--alone]
        [--epochs N] [--learning-rate X] [--batch-size N] [--threads N]

Needs torch and transformers, no dependencies of the project, and a directory of all-MiniLM-L6-v2. The branch
learns intent, urgency and sentiment at once from all businesses but the one that it is judged by, on top of
the linear heads' scores; with --alone without these, from heads fitted to the unchanged layers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.calibration import fit_calibration, macro_f1
from ticketmill.learning.corpus import read_corpus
from ticketmill.learning.cross_validation import fit
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.learning.train import operating_points, read_training
from ticketmill.settings import load_settings

# the outputs that the branch learns; those of topics come after
TASKS, LABELS = {"intent": slice(0, 10), "urgency": slice(10, 14), "sentiment": slice(14, 17)}, 17

Floats = NDArray[np.float64]
say = partial(print, file=sys.stderr, flush=True)


class Lower:
    """What branches read, the tickets' states after the lower layers; and their own layers as they start."""

    def __init__(self, recipe: argparse.Namespace, texts: Sequence[str]) -> None:
        import torch
        from transformers import AutoModel

        torch.set_num_threads(recipe.threads)
        tokenizer = Tokenizer.from_file(str(recipe.model / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(256)
        encoder = AutoModel.from_pretrained(recipe.model, attn_implementation="eager").eval()
        self.upper, encoder.encoder.layer = encoder.encoder.layer[3:], encoder.encoder.layer[:3]
        ids = (torch.tensor([tokenizer.encode(text).ids]) for text in texts)
        with torch.no_grad():
            self.states = [encoder(input_ids=each).last_hidden_state[0] for each in ids]

    def pooled(self, layers: Any, batch: list[int]) -> Any:
        """(batch, layers · hidden): the mean over the tokens after each of the layers."""
        import torch

        lengths = torch.tensor([len(self.states[ticket]) for ticket in batch])
        # products of a new shape are slow the first time
        longest = -(-int(lengths.max()) // 32) * 32
        states = torch.zeros(len(batch), longest, self.states[0].shape[1])
        for row, ticket in zip(states, batch, strict=True):
            row[: len(self.states[ticket])] = self.states[ticket]
        mask = (torch.arange(longest) < lengths[:, None])[:, None].float()
        padding, share = (1 - mask[:, None]) * -1e9, mask / lengths[:, None, None]
        means = []
        for layer in layers:
            with torch.autocast("cpu", torch.bfloat16):
                states = layer(states, padding)
            means.append((share @ states.float())[:, 0])
        return torch.cat(means, 1)

    def batches(self, places: NDArray[np.int64], size: int) -> list[list[int]]:
        """Tickets of about the same length together, so that little is padding."""
        ordered = sorted(places.tolist(), key=lambda ticket: len(self.states[ticket]))
        return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def learn(recipe: argparse.Namespace, lower: Lower, seen: NDArray[np.int64], data: Sequence[Floats]) -> Any:
    """What gives a batch's logits; `data` is truth, urgency's weights and what logits are added to."""
    import torch
    from sklearn.linear_model import LogisticRegression

    rng, errors = np.random.default_rng(0), torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=0.05)
    torch.manual_seed(0)
    layers, dropout = deepcopy(lower.upper), torch.nn.Dropout(0.1)
    truth, weights, base = (torch.tensor(each, dtype=torch.float32) for each in data)
    with torch.no_grad():
        order = lower.batches(seen, 32)
        inputs = torch.cat([lower.pooled(layers, batch) for batch in order])
        mean, spread = inputs.mean(0), inputs.std(0) + 1e-6
        head = torch.nn.Linear(inputs.shape[1], LABELS)
        head.weight.zero_()
        head.bias.zero_()
        for own in TASKS.values() if recipe.alone else ():
            probe = LogisticRegression(C=0.003, max_iter=1000).fit(
                ((inputs - mean) / spread).numpy(), truth[np.concatenate(order), own].argmax(1).numpy()
            )
            head.weight[own], head.bias[own] = map(torch.tensor, (probe.coef_, probe.intercept_))

    def logits(batch: list[int]) -> Any:
        return head(dropout((lower.pooled(layers, batch) - mean) / spread)) + base[batch]

    parameters = [*layers.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=0.01)
    steps, pool = recipe.epochs * -(-len(seen) // recipe.batch_size), 8 * recipe.batch_size
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / steps)
    )
    for _ in range(recipe.epochs):
        pools = np.split(rng.permutation(seen), range(pool, len(seen), pool))
        batches = [batch for each in pools for batch in lower.batches(each, recipe.batch_size)]
        for batch in (batches[number] for number in rng.permutation(len(batches))):
            found = logits(batch)
            losses = {task: errors(found[:, own], truth[batch, own]) for task, own in TASKS.items()}
            losses["urgency"] = losses["urgency"] * weights[batch]
            optimizer.zero_grad()
            sum(each.mean() for each in losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
    dropout.eval()
    return torch.no_grad()(logits)


def chances(scores: Floats, truth: Floats, lengths: Floats, domains: NDArray[np.str_]) -> Floats:
    """Probabilities, each business calibrated on the others."""
    found = np.zeros(scores.shape)
    for domain, own in product(np.unique(domains), TASKS.values()):
        seen = domains != domain
        calibration = fit_calibration(scores[seen, own], truth[seen, own], lengths[seen], "softmax")
        found[~seen, own] = calibration.probabilities(scores[~seen, own], lengths[~seen])
    return found


def held_out(recipe: argparse.Namespace) -> list[NDArray[Any]]:
    """Scores of the heads and of the branch, truth, lengths and businesses, of the tickets left out."""
    tickets = read_corpus()
    encoder = Encoder(load_bundle(load_settings().bundle_dir), recipe.threads)
    training = read_training(tickets, encoder, say)
    count = training.originals
    truth, domains, lengths = training.truth[:count], training.domains[:count], training.lengths[:count]
    bias = operating_points(training.tasks)
    with one_blas_thread():
        linear = fit(training.raw, training.truth).left_out(training.domains)[:count] + bias
    urgency = truth[:, slice(*training.tasks["urgency"].range)]
    weights = urgency @ np.sqrt(count / urgency.shape[1] / np.maximum(urgency.sum(axis=0), 1))
    lower, branch = Lower(recipe, [ticket.text for ticket in tickets]), linear.copy()
    for business in recipe.businesses:
        say(f"training without {business}")
        seen, unseen = np.flatnonzero(domains != business), np.flatnonzero(domains == business)
        base = np.zeros((count, LABELS))
        for own in () if recipe.alone else TASKS.values():
            # scores of heads that did not see the ticket's business, in logits
            base[:, own] = linear[:, own] / _temperature(linear[seen, own], truth[seen, own], lengths[seen])
        logits = learn(recipe, lower, seen, (truth[:, :LABELS], weights, base))
        for batch in lower.batches(unseen, 32):
            branch[batch, :LABELS] = logits(batch)
    left_out = np.isin(domains, recipe.businesses)
    return [each[left_out] for each in (linear, branch, truth, lengths, domains)]


def _temperature(scores: Floats, truth: Floats, lengths: Floats) -> float:
    found = fit_calibration(scores, truth, lengths, "softmax")
    return found.temperature * float(np.median(lengths)) ** found.slope


def main() -> None:
    known = sorted({ticket.domain for ticket in read_corpus()})
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--businesses", type=lambda names: names.split(","), default=known)
    parser.add_argument("--alone", action="store_true")
    for name, default in (("epochs", 3), ("learning-rate", 2e-4), ("batch-size", 16), ("threads", 1)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    recipe = parser.parse_args()
    if not (find_spec("torch") and find_spec("transformers")):
        parser.error("torch or transformers is missing: pip install torch transformers")
    if len(set(recipe.businesses)) < 2 or not set(recipe.businesses) <= set(known):
        parser.error(f"--businesses takes two or more of {','.join(known)}")
    started = time.perf_counter()
    linear, branch, truth, lengths, domains = held_out(recipe)
    print(" | ".join(["macro-F1", *TASKS]))
    # logits in the linear scores' unit, where calibration looks for temperatures
    heads, tuned = (chances(each, truth, lengths, domains) for each in (linear, 0.1 * branch))
    for what, found in (("linear heads", heads), ("branch", tuned), ("both averaged", heads + tuned)):
        tasks = ((truth[:, own] == 1, found[:, own]) for own in TASKS.values())
        macros = (macro_f1(true, each == each.max(axis=1, keepdims=True)) for true, each in tasks)
        print(" | ".join([what, *(f"{macro:.3f}" for macro in macros)]))
    print(f"{len(truth)} tickets, {(time.perf_counter() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
