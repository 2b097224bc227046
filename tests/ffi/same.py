"""same.py FOLDER - what same.c does, in Python; one thread instead of two."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/ffi/python"))
import gm  # noqa: E402

folder = sys.argv[1]
ctx = gm.Context(threads=1)


def write(name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def train(model, data, **training):
    model.fit(data, **training).save(os.path.join(folder, model.family + ".safetensors"))
    return model


def rows(model, data, **training):
    write(model.family + ".f32", bytes(gm.tensor(train(model, data, **training).sample(8, seed=2), ctx)._bytes()))


x = gm.Dataset("synth:digits,n=200,seed=1", ctx=ctx).read()  # with NumPy an array, over which the data set lies
rows(gm.VAE(ctx, hidden=[16], latent=3, seed=1), x, epochs=2, batch=50, lr=0.002, progress=lambda p: None, seconds=0)
rows(gm.RBM(ctx, hidden=12, seed=1), gm.Dataset("synth:bars,n=200,seed=1", ctx=ctx), epochs=2)
rows(gm.GAN(ctx, hidden=[16, 16], noise_dim=4, seed=1), gm.Dataset("synth:ring8,n=256,seed=1", ctx=ctx), steps=20, batch=32)
texts = gm.texts(["the cat sat on the mat, the dog sat on the log. " * 10], ctx)
gpt = train(gm.GPT(ctx, depth=1, heads=2, embd=16, block=16, seed=1), texts, steps=20, batch=4)
write("gpt.txt", gpt.generate("the cat", 40, temperature=0.8, seed=7).encode())
