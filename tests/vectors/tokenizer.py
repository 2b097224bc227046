"""Reference values of tests/unit/test_tokenizer.c from Hugging Face's tokenizers and the module regex:
python tests/vectors/tokenizer.py > tests/vectors/tokenizer.txt"""
import random

import regex
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

GPT2 = regex.compile(r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")
rng = random.Random(7)
odd = list("aZ09 ' '' \n\t\r.,!_-") + ["'s", "'ll", "'re", "é", "ß", "Ж", "中", "文", "٣", "½", "Ⅷ", "\u00a0", "\u2003", "\u3000", "😀", "e\u0301", "'", "  "]
texts = ["".join(rng.choice(odd) for _ in range(rng.randrange(1, 24))) for _ in range(60)]
for t in texts:
    print("split", t.encode().hex(), *[len(p.encode()) for p in GPT2.findall(t)])

words = "the cat sat on the mat; a dog's dinner isn't the cats' dinner. Über 27 Äpfel, 中文 中文 und 3½ Birnen! we'll see, they've seen".split(" ")
corpus = " ".join(rng.choice(words) for _ in range(400)).replace("!", "!\n")
tk = Tokenizer(models.BPE())
tk.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tk.train_from_iterator([corpus], trainers.BpeTrainer(vocab_size=360, special_tokens=["<|end|>"], show_progress=False,
                                                     initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
code = sorted(pre_tokenizers.ByteLevel.alphabet())
printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
byte = {c: b for c, b in zip(code, printable + [b for b in range(256) if b not in printable])}
print("corpus", corpus.encode().hex())
for name, i in sorted(tk.get_vocab().items(), key=lambda x: x[1]):
    print("token", i, name.encode().hex() if i == 0 else bytes(byte[c] for c in name).hex())
for t in texts[:20] + ["the dinner of the cats", "aaaaaaaaaaaaaaaa" * 8, corpus[:200]]:
    print("ids", t.encode().hex(), *tk.encode(t).ids)
