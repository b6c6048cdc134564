"""Token merging and token dropping in a ViT of timm, after the papers.

ToMe (Bolya et al., Token Merging: Your ViT But Faster): between attention and MLP, tokens are dealt into two sets; the
r tokens of the first that are most like one of the second are averaged into it, weighted by their sizes, which also
enter the softmax as their logarithm.  EViT (Liang et al., Not All Patches Are What You Need): after the attention of
some layers, the tokens that the class token looks at most are kept and the rest becomes one token, weighted by it.
"""

import math

import torch


class Reduced(torch.nn.Module):
    """A ViT of timm with another walk through its blocks."""

    def __init__(self, vit):
        super().__init__()
        self.vit = vit

    def forward(self, pixels):
        vit = self.vit
        x = vit.norm_pre(vit.patch_drop(vit._pos_embed(vit.patch_embed(pixels))))
        return vit.forward_head(vit.norm(self.walk(x)))

    def attend(self, attention, x, bias=None):
        """Returns the output, the keys and the probabilities."""
        b, n, width = x.shape
        qkv = attention.qkv(x).reshape(b, n, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        scores = (q * attention.scale) @ k.transpose(-2, -1)
        p = (scores if bias is None else scores + bias).softmax(-1)
        return attention.proj((p @ v).transpose(1, 2).reshape(b, n, width)), k, p


def match(metric, r):
    """Bipartite soft matching: (tokens of the first set left alone, tokens that merge, and into which)."""
    metric = metric / metric.norm(dim=-1, keepdim=True)
    a, b = metric[:, ::2], metric[:, 1::2]
    scores = a @ b.transpose(-1, -2)
    scores = torch.cat([torch.full_like(scores[:, :1], -math.inf), scores[:, 1:]], 1)  # the class token stays
    best, into = scores.max(-1)
    order = best.argsort(-1, descending=True)[..., None]
    source = order[:, :r]
    return order[:, r:].sort(1)[0], source, into[..., None].gather(1, source)


def merge(x, kept, source, into):
    """Adds the merged tokens to theirs; sums, so that sizes tell the mean."""
    a, b = x[:, ::2], x[:, 1::2]
    width = (x.shape[0], -1, x.shape[-1])
    b = b.scatter_add(1, into.expand(*width), a.gather(1, source.expand(*width)))
    return torch.cat([a.gather(1, kept.expand(*width)), b], 1)


class ToMe(Reduced):

    def __init__(self, vit, r=13):
        super().__init__(vit)
        self.r = r

    def walk(self, x):
        size = torch.ones_like(x[..., :1])
        for block in self.vit.blocks:
            bias = size.log()[:, None, None, :, 0]
            y, keys, _ = self.attend(block.attn, block.norm1(x), bias)
            x = x + y
            r = min(self.r, (x.shape[1] - 1) // 2)
            found = match(keys.mean(1), r)
            x, size = merge(x * size, *found), merge(size, *found)
            x = x / size
            x = x + block.mlp(block.norm2(x))
        return x


class EViT(Reduced):

    def __init__(self, vit, keep=0.7, layers=(3, 6, 9)):
        super().__init__(vit)
        self.keep, self.layers = keep, layers

    def walk(self, x):
        for i, block in enumerate(self.vit.blocks):
            y, _, p = self.attend(block.attn, block.norm1(x))
            x = x + y
            if i in self.layers:
                x = self.drop(x, p[:, :, 0, 1:].mean(1))
            x = x + block.mlp(block.norm2(x))
        return x

    def drop(self, x, looks):
        """Keeps the tokens with the largest `looks`; the rest becomes their weighted sum."""
        patches = x[:, 1:]
        order = looks.argsort(-1, descending=True)
        keep = math.ceil(self.keep * patches.shape[1])
        at = lambda index: patches.gather(1, index[..., None].expand(-1, -1, x.shape[-1]))
        rest = order[:, keep:]
        fused = (at(rest) * looks.gather(1, rest)[..., None]).sum(1, keepdim=True)
        return torch.cat([x[:, :1], at(order[:, :keep]), fused], 1)


def tome(vit):
    return ToMe(vit)


def evit(vit):
    return EViT(vit)
