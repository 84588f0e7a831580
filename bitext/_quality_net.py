"""The quality network: hidden states of both sides in; penalties, error and omission logits per token out.

Plain functions over a dictionary of weights, differentiable, so that `models/train_quality.py` trains exactly what
`bitext.quality` runs.  Every target token looks for what it renders among the source tokens and every source
token for its rendering, guided by the cosines of their states and free to find nothing; what the two have in
common and what not goes through a small feed-forward layer.  Two rounds of that, then linear heads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

WIDTH, N_HEADS, N_BLOCKS, HIDDEN, POOLED = 64, 4, 2, 128, 48
USUAL_RATIO = 1.2
"""English tokens for each Chinese one."""

CATEGORIES = (
    "accuracy/mistranslation",
    "accuracy/omission",
    "accuracy/addition",
    "terminology/wrong-term",
    "fluency/grammar",
    "fluency/punctuation",
    "style/awkward",
)
"""What a target span can be, in the order of the network's outputs."""


class Estimate(NamedTuple):
    """What the network says of a batch of pairs.

    Attributes
    ----------
    penalty : tensor of shape (n_pairs,)
        On the scale of MQM points, not calibrated: the points of all tokens and what only the whole shows.
    on_target, on_source : tensor of shape (n_pairs, n_target) and (n_pairs, n_source)
        Points that each token costs; 0 under padding.
    major, minor : tensor of shape (n_pairs, n_target)
        Logits of a token being in a span of that severity.
    categories : tensor of shape (n_pairs, n_target, len(CATEGORIES))
        Logits of what is wrong with a token, if anything is.
    omitted : tensor of shape (n_pairs, n_source)
        Logits of a source token having no translation.
    covered : tensor of shape (n_pairs,)
        Mean cosine of the tokens with their nearest on the other side, over both sides; in [-1, 1].
    """

    penalty: torch.Tensor
    on_target: torch.Tensor
    on_source: torch.Tensor
    major: torch.Tensor
    minor: torch.Tensor
    categories: torch.Tensor
    omitted: torch.Tensor
    covered: torch.Tensor


def shapes(n_states: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights, for states of length `n_states`."""
    found: dict[str, tuple[int, ...]] = {
        "center": (n_states,),
        "project.weight": (WIDTH, n_states),
        "project.bias": (WIDTH,),
        "side": (2, WIDTH),
        "target.weight": (3 + len(CATEGORIES), WIDTH),
        "target.bias": (3 + len(CATEGORIES),),
        "source.weight": (2, WIDTH),
        "source.bias": (2,),
        "pool.weight": (POOLED, 4 * WIDTH),
        "pool.bias": (POOLED,),
        "whole.weight": (1, POOLED),
        "whole.bias": (1,),
    }
    for i in range(N_BLOCKS):
        found |= {
            f"{i}.near": (2, WIDTH),
            f"{i}.query.weight": (WIDTH, WIDTH),
            f"{i}.key.weight": (WIDTH, WIDTH),
            f"{i}.value.weight": (WIDTH, WIDTH),
            f"{i}.gain": (N_HEADS,),
            f"{i}.none": (N_HEADS,),
            f"{i}.up.weight": (HIDDEN, 3 * WIDTH + 1 + N_HEADS),
            f"{i}.up.bias": (HIDDEN,),
            f"{i}.down.weight": (WIDTH, HIDDEN),
            f"{i}.down.bias": (WIDTH,),
        }
    return found


def estimate(
    weights: dict[str, torch.Tensor],
    source: torch.Tensor,
    target: torch.Tensor,
    source_mask: torch.Tensor,
    target_mask: torch.Tensor,
) -> Estimate:
    """Estimate a batch of pairs.

    Parameters
    ----------
    weights : dict of str to tensor
        As `shapes` says.
    source, target : tensor of shape (n_pairs, n_source, n_states) and (n_pairs, n_target, n_states)
        States of the tokens; what stands under padding is not looked at.
    source_mask, target_mask : bool tensor of shape (n_pairs, n_source) and (n_pairs, n_target)
        True for tokens, at least one each.

    Returns
    -------
    Estimate
    """
    import torch
    from torch.nn.functional import gelu, layer_norm, linear, normalize, softplus

    cosine = normalize(source - weights["center"], dim=2) @ normalize(
        target - weights["center"], dim=2
    ).transpose(1, 2)
    s, t = (
        layer_norm(linear(x, weights["project.weight"], weights["project.bias"]), (WIDTH,)) + side
        for x, side in zip((source, target), weights["side"], strict=True)
    )
    s, t = s * source_mask.unsqueeze(2), t * target_mask.unsqueeze(2)
    nearest = _nearest(cosine, target_mask), _nearest(cosine.transpose(1, 2), source_mask)
    for i in range(N_BLOCKS):
        s, t = (
            _compare(weights, i, s, t, cosine, nearest[0], source_mask, target_mask),
            _compare(weights, i, t, s, cosine.transpose(1, 2), nearest[1], target_mask, source_mask),
        )
    target_outputs = linear(t, weights["target.weight"], weights["target.bias"])
    source_outputs = linear(s, weights["source.weight"], weights["source.bias"])
    on_target = softplus(target_outputs[:, :, 0]) * target_mask
    on_source = softplus(source_outputs[:, :, 0]) * source_mask
    pooled = torch.cat([*_pool(s, source_mask), *_pool(t, target_mask)], dim=1)
    pooled = gelu(linear(pooled, weights["pool.weight"], weights["pool.bias"]))
    whole = linear(pooled, weights["whole.weight"], weights["whole.bias"]).squeeze(1)
    # per token and times the length of the source: a wordy translation is not worse for its words
    expected = USUAL_RATIO * source_mask.sum(1) / target_mask.sum(1)
    return Estimate(
        penalty=on_target.sum(1) * expected + on_source.sum(1) + whole,
        on_target=on_target,
        on_source=on_source,
        major=target_outputs[:, :, 1],
        minor=target_outputs[:, :, 2],
        categories=target_outputs[:, :, 3:],
        omitted=source_outputs[:, :, 1],
        covered=(_mean(nearest[0], source_mask) + _mean(nearest[1], target_mask)) / 2,
    )


def _compare(
    weights: dict[str, torch.Tensor],
    i: int,
    x: torch.Tensor,
    other: torch.Tensor,
    cosine: torch.Tensor,
    nearest: torch.Tensor,
    mask: torch.Tensor,
    other_mask: torch.Tensor,
) -> torch.Tensor:
    """Update tokens `x` by what they find on the `other` side."""
    import torch
    from torch.nn.functional import gelu, layer_norm, linear, pad

    near = weights[f"{i}.near"]
    x = x + pad(x[:, :-1], (0, 0, 1, 0)) * near[0] + pad(x[:, 1:], (0, 0, 0, 1)) * near[1]
    n, length, _ = x.shape
    query = (x @ weights[f"{i}.query.weight"].T).view(n, length, N_HEADS, -1).transpose(1, 2)
    key = (other @ weights[f"{i}.key.weight"].T).view(n, other.shape[1], N_HEADS, -1).transpose(1, 2)
    value = (other @ weights[f"{i}.value.weight"].T).view(n, other.shape[1], N_HEADS, -1).transpose(1, 2)
    logits = query @ key.transpose(2, 3) / math.sqrt(WIDTH / N_HEADS)
    logits = logits + weights[f"{i}.gain"].view(1, -1, 1, 1) * cosine.unsqueeze(1)
    logits = logits.masked_fill(~other_mask[:, None, None, :], -1e4)
    none = weights[f"{i}.none"].view(1, -1, 1, 1).expand(n, -1, length, 1)
    shares = torch.softmax(torch.cat([logits, none], dim=3), dim=3)[..., :-1]
    found = (shares @ value).transpose(1, 2).reshape(n, length, WIDTH)
    similar = (shares * cosine.unsqueeze(1)).sum(3).transpose(1, 2)
    features = torch.cat([x, found, x * found, similar, nearest.unsqueeze(2)], dim=2)
    hidden = gelu(linear(features, weights[f"{i}.up.weight"], weights[f"{i}.up.bias"]))
    x = layer_norm(x + linear(hidden, weights[f"{i}.down.weight"], weights[f"{i}.down.bias"]), (WIDTH,))
    return x * mask.unsqueeze(2)


def _nearest(cosine: torch.Tensor, other_mask: torch.Tensor) -> torch.Tensor:
    """Cosine of every token with its nearest on the other side."""
    return cosine.masked_fill(~other_mask.unsqueeze(1), -1.0).amax(2)


def _mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (values * mask).sum(1) / mask.sum(1)


def _pool(x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and maximum over the tokens."""
    kept = mask.unsqueeze(2)
    return x.sum(1) / kept.sum(1), x.masked_fill(~kept, -1e4).amax(1)
