"""Makes safetensors_ref.h: a file saved by the Python package, as bytes.
usage: python make_safetensors.py > safetensors_ref.h   (needs safetensors, numpy, torch)
       python make_safetensors.py FILE                  prints what the package reads from one of ours"""
import sys
import torch
from safetensors.torch import save, load_file
from safetensors import safe_open

if len(sys.argv) > 1:
    with safe_open(sys.argv[1], "pt") as f:
        print(f.metadata())
    for name, t in load_file(sys.argv[1]).items():
        print(name, t.dtype, list(t.shape), t.flatten().tolist()[:6])
    sys.exit()

tensors = {
    "layer.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 4,
    "layer.bias": torch.tensor([1.0, -2.5, 1e-3], dtype=torch.float64),
    "half": torch.tensor([1.0, -0.5, 3.140625], dtype=torch.bfloat16),
    "steps": torch.tensor(7, dtype=torch.int64),
    "ids": torch.tensor([[1, -2], [3, 4]], dtype=torch.int32),
    "image": torch.tensor([0, 128, 255], dtype=torch.uint8),
    "mask": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 5),
    "été": torch.tensor([1.5]),
}
data = save(tensors, metadata={"format": "pt", "note": 'quote " backslash \\ newline \n é'})
print("/* Made by make_safetensors.py. */")
print("static const unsigned char safetensors_ref[%d] = {" % len(data))
for i in range(0, len(data), 20):
    print("    " + " ".join("%d," % b for b in data[i : i + 20]))
print("};")
