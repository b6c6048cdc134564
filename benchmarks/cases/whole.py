"""Whole models as cases."""

from . import Case
from .models import MODELS

BOTH = ("vit_b", "deit_s", "bert128", "gpt2_decode")

CASES = [
    Case(name,
         "model",
         model.what,
         threads=(1, 2) if name in BOTH else (2, ),
         cold_start=name == "vit_b",
         packages=("torch", "timm", "transformers", "onnx", "onnxscript"),
         sources=("models.py", "export.py", "reduction.py")) for name, model in MODELS.items()
]
