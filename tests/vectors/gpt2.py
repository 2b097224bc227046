"""A random GPT-2 as Hugging Face's library writes it, and its logits:

    python tests/vectors/gpt2.py                    writes tests/vectors/gpt2/{config.json,model.safetensors,logits.txt}
    python tests/vectors/gpt2.py FOLDER TOKEN ..    logits of a folder that gm_gpt_save_hf wrote, one a line
"""
import json
import os
import sys
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

if len(sys.argv) > 1:
    model = GPT2LMHeadModel.from_pretrained(sys.argv[1]).eval()
    with torch.no_grad():
        for v in model(torch.tensor([[int(t) for t in sys.argv[2:]]])).logits.flatten():
            print("%.7g" % v)
    sys.exit()

torch.manual_seed(1)
folder = "tests/vectors/gpt2"
os.makedirs(folder, exist_ok=True)
config = GPT2Config(vocab_size=7, n_positions=5, n_embd=4, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config).eval()
with torch.no_grad():
    for p in model.parameters():  # as drawn they are so small that mistakes would hide
        p.add_(torch.randn_like(p) * 0.5)
    ids = torch.tensor([[1, 6, 0, 3, 3], [2, 2, 5, 4, 1]])
    logits = model(ids).logits
save_file({k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}, folder + "/model.safetensors", metadata={"format": "pt"})
wanted = ["architectures", "model_type", "activation_function", "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "layer_norm_epsilon",
          "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "tie_word_embeddings", "bos_token_id", "eos_token_id"]
full = config.to_dict()
full["architectures"] = ["GPT2LMHeadModel"]
json.dump({k: full[k] for k in wanted}, open(folder + "/config.json", "w"), indent=1)
with open(folder + "/logits.txt", "w") as f:
    print(*ids.flatten().tolist(), file=f)
    print(*("%.8g" % v for v in logits.flatten()), file=f)
