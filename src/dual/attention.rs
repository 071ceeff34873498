//! Softmax and scaled dot-product attention.

use burn::tensor::activation;

use super::Dual;

/// `s = softmax(z)` over the last axis with its tangent `s (z' - <s, z'>)`.
pub fn softmax<const D: usize>(z: Dual<D>) -> Dual<D> {
    let s = activation::softmax(z.value, D - 1);
    let tangent = z.tangent.map(|dz| {
        let mean = (s.clone() * dz.clone()).sum_dim(D - 1);
        s.clone() * (dz - mean)
    });
    Dual { value: s, tangent }
}

/// Multi-head self-attention: `softmax(Q K^T / sqrt(d)) V` for each head, heads joined again.
///
/// `qkv` is `[batch, tokens, 3 * width]`: queries, keys and values, each head by head; `heads` divides the
/// width. The result is `[batch, tokens, width]`.
pub fn attention(qkv: Dual<3>, heads: usize) -> Dual<3> {
    let [batch, tokens, triple] = qkv.value.dims();
    let width = triple / 3;
    let part = |i: usize| -> Dual<4> {
        qkv.clone().map_linear(|x| {
            x.narrow(2, i * width, width).reshape([batch, tokens, heads, width / heads]).swap_dims(1, 2)
        })
    };
    let scale = ((width / heads) as f64).sqrt().recip();
    let keys = part(1).map_linear(|k| k.swap_dims(2, 3).mul_scalar(scale));
    let mixed = softmax(part(0).matmul(keys)).matmul(part(2));
    mixed.map_linear(|x| x.swap_dims(1, 2).reshape([batch, tokens, width]))
}
