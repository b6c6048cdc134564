"""The whole models, as timm and transformers write them, with seeded random weights: nothing is downloaded.

MODELS tells each by name.  Its builder needs torch and is called only when the model is exported or run by torch; it
returns (module of positional arguments, {input name: tensor}, operations that masks make needless).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    build: object  # () -> (module, inputs, masked_flop)
    what: str
    opset: int = 20
    exporter: str = "dynamo"


def adapt(module, call):
    """`call(module, *tensors)` as a module of its own."""
    import torch

    class Adapted(torch.nn.Module):

        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, *tensors):
            return call(self.module, *tensors)

    return Adapted()


def image(batch, size=224):
    import torch
    return {"pixels": torch.randn(batch, 3, size, size)}


def causal_saving(layers, heads, size, length):
    """The operations of a dense score and value product that a causal mask makes needless."""
    return layers * heads * 4 * size * (length * length - length * (length + 1) // 2)


def timm_model(name, batch=1, **options):

    def build():
        import timm
        return timm.create_model(name, **options), image(batch), 0

    return build


def cvt():
    from transformers import CvtConfig, CvtForImageClassification
    return adapt(CvtForImageClassification(CvtConfig()), lambda m, x: m(pixel_values=x).logits), image(1), 0


def bert(length):

    def build():
        import torch
        from transformers import BertConfig, BertModel
        inputs = {
            "input_ids": torch.randint(0, 30522, (1, length)),
            "attention_mask": torch.ones(1, length, dtype=torch.int64)
        }
        call = lambda m, ids, mask: m(input_ids=ids, attention_mask=mask).last_hidden_state
        return adapt(BertModel(BertConfig()), call), inputs, 0

    return build


def gpt2_prefill(length=1024):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    config = GPT2Config(use_cache=False)
    call = lambda m, ids: m(input_ids=ids, logits_to_keep=1).logits
    inputs = {"input_ids": torch.randint(0, config.vocab_size, (1, length))}
    return adapt(GPT2LMHeadModel(config), call), inputs, causal_saving(12, 12, 64, length)


def gpt2_decode(past=1023):
    """One token; the past is an input, and the keys and values of the token are outputs, to be kept by the caller."""
    import torch
    from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel
    config = GPT2Config()
    layers = config.n_layer

    def call(module, ids, *cache):
        given = DynamicCache(ddp_cache_data=[(cache[2 * i], cache[2 * i + 1]) for i in range(layers)])
        out = module(input_ids=ids, past_key_values=given, use_cache=True)
        new = [t[:, :, -1:] for layer in out.past_key_values.layers for t in (layer.keys, layer.values)]
        return (out.logits, *new)

    inputs = {"input_ids": torch.randint(0, config.vocab_size, (1, 1))}
    for i in range(layers):
        for kind in ("key", "value"):
            inputs[f"past_{kind}_{i}"] = torch.randn(1, config.n_head, past, config.n_embd // config.n_head)
    return adapt(GPT2LMHeadModel(config), call), inputs, 0


def llama(length=128, layers=4):
    import torch
    from transformers import LlamaConfig, LlamaModel
    config = LlamaConfig(vocab_size=8,
                         hidden_size=2048,
                         intermediate_size=5632,
                         num_hidden_layers=layers,
                         num_attention_heads=16,
                         num_key_value_heads=4,
                         use_cache=False)
    call = lambda m, x: m(inputs_embeds=x).last_hidden_state
    inputs = {"embeddings": torch.randn(1, length, 2048)}
    return adapt(LlamaModel(config), call), inputs, causal_saving(layers, 16, 128, length)


def sam_block(window):

    def build():
        import torch
        from transformers import SamVisionConfig
        from transformers.models.sam.modeling_sam import SamVisionLayer
        config = SamVisionConfig()
        config._attn_implementation = "eager"
        layer = SamVisionLayer(config, window)
        return adapt(layer, lambda m, x: first(m(x))), {"x": torch.randn(1, 64, 64, config.hidden_size)}, 0

    return build


def first(value):
    return value[0] if isinstance(value, (tuple, list)) else value


def detr_decoder(tokens=850):
    """100 object queries that look at the 25 x 34 positions of an image of 800 x 1066."""
    import torch
    from transformers import DetrConfig
    from transformers.models.detr.modeling_detr import DetrDecoder
    config = DetrConfig()
    call = lambda m, x, memory, position, queries: m(inputs_embeds=x,
                                                     encoder_hidden_states=memory,
                                                     spatial_position_embeddings=position,
                                                     object_queries_position_embeddings=queries).last_hidden_state
    inputs = {
        "x": torch.randn(1, config.num_queries, config.d_model),
        "memory": torch.randn(1, tokens, config.d_model),
        "positions": torch.randn(1, tokens, config.d_model),
        "queries": torch.randn(1, config.num_queries, config.d_model)
    }
    return adapt(DetrDecoder(config), call), inputs, 0


def reduced(kind, name, batch=1, **options):
    """A timm ViT whose tokens are merged (tome) or dropped (evit)."""

    def build():
        import timm

        from . import reduction
        return getattr(reduction, kind)(timm.create_model(name, **options)), image(batch), 0

    return build


VIT_B, DEIT_S = "vit_base_patch16_224", "deit_small_patch16_224"

MODELS = {
    "vit_b": Model(timm_model(VIT_B), "ViT-B/16 at 224"),
    "vit_b_b8": Model(timm_model(VIT_B, 8), "ViT-B/16 at 224, batch 8"),
    "deit_s": Model(timm_model(DEIT_S), "DeiT-S at 224"),
    "deit_s_b8": Model(timm_model(DEIT_S, 8), "DeiT-S at 224, batch 8"),
    "swin_t": Model(timm_model("swin_tiny_patch4_window7_224"), "Swin-T at 224"),
    "maxvit_t": Model(timm_model("maxvit_tiny_rw_224"), "MaxViT-T at 224"),
    "cvt": Model(cvt, "CvT-13 at 224"),
    "bert128": Model(bert(128), "BERT-base, 128 tokens"),
    "bert512": Model(bert(512), "BERT-base, 512 tokens"),
    "gpt2_prefill": Model(gpt2_prefill, "GPT-2, 1024 tokens, logits of the last"),
    "gpt2_decode": Model(gpt2_decode, "GPT-2, one token after 1023"),
    "llama4": Model(llama, "4 layers of Llama, width 2048, 16 heads of which 4 keys, 128 tokens"),
    "sam_window": Model(sam_block(14), "block of SAM's image encoder, windows of 14 x 14 of 64 x 64"),
    "sam_global": Model(sam_block(0), "block of SAM's image encoder, all of 64 x 64"),
    "detr_decoder": Model(detr_decoder, "decoder of DETR, 100 queries, 850 positions"),
    "tome_b": Model(reduced("tome", VIT_B), "ViT-B/16, ToMe r = 13"),
    "tome_b_b8": Model(reduced("tome", VIT_B, 8), "ViT-B/16, ToMe r = 13, batch 8"),
    "tome_deit_s": Model(reduced("tome", DEIT_S), "DeiT-S, ToMe r = 13"),
    "tome_deit_s_b8": Model(reduced("tome", DEIT_S, 8), "DeiT-S, ToMe r = 13, batch 8"),
    "evit_deit_s": Model(reduced("evit", DEIT_S), "DeiT-S, EViT keep 0.7 at layers 4, 7, 10"),
}
