"""The peer of `cargo xtask bench attribution`: infini-gram over the same texts and the same outputs.

    infinigram.py build SAMPLE.jsonl VOCABULARY INDEX        GPT-2 tokens, then its own index builder
    infinigram.py query INDEX VOCABULARY OUTPUTS.json        `attribute`, and steps 1 to 3 of OLMoTrace
    infinigram.py spans WORDS SPANS.json INDEX               its maximal spans over given word numbers, beside those given

VOCABULARY is a folder with encoder.json and vocab.bpe. Processor time is of this process and those it starts. Prints JSON.
Its builder takes 16-bit tokens (for 32 bits it wants a table of 2^32 buckets), so `spans` writes a word as two tokens, from
two ranges that share no number: runs of whole words are then the same question.
Absent: what it has no answer to: shares, a text that was added or taken back, proofs.
"""

import json
import math
import os
import random
import resource
import shutil
import subprocess
import sys
import time

import numpy as np
from infini_gram import engine as infini_gram
from tokenizers import Tokenizer, models, pre_tokenizers

SEPARATOR = 65535
OVERLAP = 100_000
ROUNDS, OUTPUTS, OUTPUTS_DEAR, OUTPUTS_TRACED = 3, 40, 10, 4
BUILDER = os.path.join(os.path.dirname(infini_gram.__file__), "rust_indexing")


def cpu_s(who=resource.RUSAGE_SELF):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def tokenizer(vocabulary):
    with open(f"{vocabulary}/encoder.json", encoding="utf-8") as file:
        numbers = json.load(file)
    with open(f"{vocabulary}/vocab.bpe", encoding="utf-8") as file:
        merges = [tuple(line.split(" ")) for line in file.read().split("\n")[1:] if line.strip()]
    made = Tokenizer(models.BPE(vocab=numbers, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)


def write_tokens(folder, texts):
    """Arrays of tokens, a separator before each."""
    offset, count = 0, 0
    with open(f"{folder}/tokenized.0", "wb") as tokens, open(f"{folder}/offset.0", "wb") as offsets:
        for text in texts:
            written = np.concatenate(([SEPARATOR], text)).astype(np.uint16).tobytes()
            tokens.write(written)
            offsets.write(np.uint64(offset).tobytes())
            offset += len(written)
            count += 1
    open(f"{folder}/metadata.0", "w").close()
    np.zeros(count, dtype=np.uint64).tofile(f"{folder}/metaoff.0")


def sort_suffixes(folder):
    """What infini_gram.indexing does for one shard on one processor that fits the memory."""
    file = f"{folder}/tokenized.0"
    size = os.path.getsize(file)
    width = ["--ratio", str(math.ceil(math.log2(size) / 8)), "--token-width", "2"]
    parts, merged = f"{folder}/parts", f"{folder}/merged"
    fresh(parts)
    fresh(merged)
    steps = [
        ["make-part", "--parts-dir", parts, "--start-byte", "0", "--end-byte", str(size)],
        ["merge", "--parts-dir", parts, "--merged-dir", merged, "--num-threads", "1", "--hacksize", str(OVERLAP)],
        ["concat", "--merged-dir", merged, "--merged-file", f"{folder}/table.0", "--num-threads", "1"],
    ]
    for step in steps:
        subprocess.run([BUILDER, *step, "--data-file", file, *width], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(parts)
    shutil.rmtree(merged)


def opened(folder, end, **settings):
    return infini_gram.InfiniGramEngine(
        index_dir=folder, eos_token_id=end, ds_prefetch_depth=0, sa_prefetch_depth=0, od_prefetch_depth=0, **settings)


def build(sample, vocabulary, folder):
    fresh(folder)
    encoder, counts = tokenizer(vocabulary), np.zeros(SEPARATOR + 1, dtype=np.int64)

    def texts():
        with open(sample, encoding="utf-8") as lines:
            batch = []
            for line in lines:
                batch.append(json.loads(line)["text"])
                if len(batch) == 1000:
                    yield from encoded(batch)
                    batch = []
            yield from encoded(batch)

    def encoded(batch):
        for found in encoder.encode_batch(batch):
            tokens = np.array(found.ids, dtype=np.uint16)
            counts[:] += np.bincount(tokens, minlength=SEPARATOR + 1)
            yield tokens

    begun = cpu_s()
    write_tokens(folder, texts())
    tokenised = cpu_s() - begun
    with open(f"{folder}/unigram.0", "w", encoding="ascii") as file:
        file.writelines(f"{token} {count}\n" for token, count in enumerate(counts) if count)
    with open(f"{folder}/bow.txt", "w", encoding="ascii") as file:
        file.writelines(f"{token}\n" for word, token in encoder.get_vocab().items() if word[0] in "ĠĊ")
    sort_suffixes(folder)
    size = sum(os.path.getsize(f"{folder}/{name}.0") for name in ("tokenized", "table", "offset"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"tokens": int(counts.sum()), "tokenising_cpu_s": tokenised, "sorting_cpu_s": cpu_s(resource.RUSAGE_CHILDREN),
            "index_bytes": size, "peak_bytes": 1024 * children.ru_maxrss}


def times(find, outputs, rounds):
    """As the example's: an output's least time over the rounds, percentiles over outputs, mean of the processor's time."""
    least, begun = [math.inf] * len(outputs), cpu_s()
    for _ in range(rounds):
        for place, output in enumerate(outputs):
            started = time.perf_counter()
            find(output)
            least[place] = min(least[place], time.perf_counter() - started)
    cpu = (cpu_s() - begun) / (rounds * len(outputs))
    least.sort()
    return {"p50_ms": least[(len(least) - 1) // 2] * 1e3, "p99_ms": least[(len(least) - 1) * 99 // 100] * 1e3,
            "cpu_ms": cpu * 1e3, "outputs": len(outputs), "rounds": rounds}


def query(folder, vocabulary, outputs):
    encoder = tokenizer(vocabulary)
    engine = opened(folder, 50256, bow_ids_path=f"{folder}/bow.txt", precompute_unigram_logprobs=True)
    for name in ("tokenized", "table"):
        np.fromfile(f"{folder}/{name}.0", dtype=np.uint8).max()  # the file is in memory now
    ends = [encoder.encode(end).ids[0] for end in (".", "\n")]
    every = {"delim_ids": [], "min_len": 1, "max_cnt": 1_000_000, "enforce_bow": False}
    rare = {"delim_ids": ends, "min_len": 1, "max_cnt": 10, "enforce_bow": True}
    drawn = random.Random(1)

    def trace(tokens):
        spans = engine.attribute(tokens, **{**rare, "max_cnt": 1_000_000})["spans"]
        spans = sorted(spans, key=lambda span: span["unigram_logprob_sum"])[:math.ceil(0.05 * len(tokens))]
        wanted = []
        for span in sorted(spans, key=lambda span: span["l"]):
            texts = span["docs"] if len(span["docs"]) <= 10 else drawn.sample(span["docs"], 10)
            wanted += [(text["s"], text["ptr"], span["length"], 80) for text in texts]
        if wanted:
            engine.get_docs_by_ptrs_2(requests=wanted)

    with open(outputs, encoding="utf-8") as file:
        kinds = {kind: [encoder.encode(text).ids for text in texts[:OUTPUTS]] for kind, texts in json.load(file).items()}
    rows = []
    for kind, tokens in kinds.items():
        rows.append({
            "kind": kind, "tokens": sum(map(len, tokens)) / len(tokens),
            "attribute": {
                "every run": times(lambda output: engine.attribute(output, **every), tokens[:OUTPUTS_DEAR], 1),
                "rare runs in sentences": times(lambda output: engine.attribute(output, **rare), tokens, ROUNDS),
            },
            "trace": times(trace, tokens[:OUTPUTS_TRACED], 1),
        })
    return {"kinds": rows}


def spans(words, given, folder):
    fresh(folder)
    words = np.fromfile(words, dtype=np.uint32)
    with open(given, encoding="utf-8") as file:
        given = json.load(file)
    largest = max([int(words.max())] + [max(output["words"], default=0) for output in given])
    low = math.isqrt(largest) + 1
    assert low + largest // low < SEPARATOR, "the words do not fit two tokens"

    def pairs(numbers):
        numbers = np.asarray(numbers, dtype=np.int64)
        return np.stack((numbers % low, low + numbers // low), axis=1).reshape(-1)

    starts = np.flatnonzero(words == 0)
    ends = np.append(starts[1:], len(words))
    write_tokens(folder, (pairs(words[start + 1:end]) for start, end in zip(starts, ends)))
    sort_suffixes(folder)
    engine = opened(folder, 0, vocab_size=SEPARATOR, token_dtype="u16")
    equal, first, found_all = {}, None, 0
    for output in given:
        tokens = [int(token) for token in pairs(output["words"])]
        found = engine.attribute(tokens, delim_ids=[], min_len=1, max_cnt=10**9, enforce_bow=False)["spans"]
        # A run of tokens holds a run of whole words; those that lie in another are not maximal.
        whole = sorted({(-(-span["l"] // 2), span["r"] // 2) for span in found}, key=lambda span: (span[0], -span[1]))
        maximal, reached = [], 0
        for start, end in whole:
            if end > max(start, reached):
                maximal.append([start, end, engine.count(tokens[2 * start:2 * end])["count"]])
                reached = end
        found_all += len(maximal)
        is_equal = maximal == output["spans"]
        row = equal.setdefault(output["kind"], [0, 0])
        row[0] += is_equal
        row[1] += 1
        if not is_equal and first is None:
            first = {"words": output["words"], "theirs": maximal, "ours": output["spans"]}
    return {"kinds": {kind: {"equal": row[0], "outputs": row[1]} for kind, row in equal.items()},
            "spans": found_all, "first_difference": first, "words": int(len(words) - len(starts))}


if __name__ == "__main__":
    print(json.dumps({"build": build, "query": query, "spans": spans}[sys.argv[1]](*sys.argv[2:])))
