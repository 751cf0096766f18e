//! Every kernel of every instruction set gives the bits of the portable one, and that one is right.

use super::*;
use proptest::prelude::*;

const Q4_GROUPS: usize = 2;

/// Weights with small finite scales, from arbitrary bytes.
fn groups(bytes: &[u8], blocks: usize, block_bytes: usize, values: usize) -> Vec<u8> {
    let mut groups: Vec<u8> = bytes.iter().cycle().take(Q4_GROUPS * blocks * block_bytes).copied().collect();
    for block in groups.chunks_exact_mut(block_bytes) {
        for half in block[values..].chunks_exact_mut(2) {
            half[1] = (half[1] & 0x83) | 0x20;
        }
    }
    groups
}

fn others() -> Vec<&'static Kernels> {
    InstructionSet::available().into_iter().filter_map(Kernels::of).collect()
}

fn quantised(kernels: &Kernels, rows: &[f32], width: usize) -> Quantised {
    let tokens = rows.len() / width;
    let mut input = Quantised::default();
    input.resize(tokens, width);
    let mut part = input.parts(tokens).next().expect("one part");
    for (token, row) in rows.chunks_exact(width).enumerate() {
        part.set(kernels, token, row);
    }
    input
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn products_agree(
        bytes in prop::collection::vec(any::<u8>(), 97..400),
        rows in prop::collection::vec(-8.0_f32..8.0, 7 * 96),
        tokens in 1_usize..8,
    ) {
        let portable = Kernels::of(InstructionSet::Portable).expect("it runs everywhere");
        let input = quantised(portable, &rows[..tokens * 96], 96);
        let four = groups(&bytes, 3, Q4_BLOCK_BYTES, 256);
        let eight = groups(&bytes, 3, Q8_BLOCK_BYTES, 512);
        let run = |kernels: &Kernels| {
            let mut output = vec![0.0; 2 * Q4_GROUPS * tokens * GROUP];
            let (first, second) = output.split_at_mut(Q4_GROUPS * tokens * GROUP);
            kernels.multiply_q4(&four, &input, tokens, first);
            kernels.multiply_q8(&eight, &input, tokens, second);
            bits(&output)
        };
        let expected = run(portable);
        for kernels in others() {
            prop_assert_eq!(&run(kernels), &expected, "{:?}", kernels.set());
        }
    }

    #[test]
    fn adapters_agree(
        down in prop::collection::vec(-2.0_f32..2.0, 9 * 104),
        up in prop::collection::vec(-2.0_f32..2.0, 9 * 32),
        input in prop::collection::vec(-8.0_f32..8.0, 2 * 104),
        rank in 1_usize..10,
        base in prop::collection::vec(-8.0_f32..8.0, 2 * 3 * GROUP),
    ) {
        // Three rows of a panel, of which the first and the last have the adapter; something stands before its numbers.
        let stride = rank + 2;
        let run = |kernels: &Kernels| {
            let mut lowered = vec![7.0; 3 * stride];
            for (row, input) in [0, 2].into_iter().zip(input.chunks_exact(104)) {
                kernels.lower(&down[..rank * 104], input, &mut lowered[row * stride + 2..][..rank]);
            }
            let mut panel = base.clone();
            let values = &lowered[2..];
            kernels.raise(&up[..rank * 32], &Lowered { rank, rows: &[0, 2], values, stride }, 3, &mut panel);
            (bits(&lowered), panel)
        };
        let (lowered, panel) = run(Kernels::of(InstructionSet::Portable).expect("it runs everywhere"));
        for kernels in others() {
            let (other, others_panel) = run(kernels);
            prop_assert_eq!(&other, &lowered, "{:?}", kernels.set());
            prop_assert_eq!(bits(&others_panel), bits(&panel), "{:?}", kernels.set());
        }
        for (place, (found, base)) in panel.iter().zip(&base).enumerate() {
            let (group, row, lane) = (place / 48, place / 16 % 3, place % 16);
            let mut exact = f64::from(*base);
            if row != 1 {
                for index in 0..rank {
                    let input = &input[row / 2 * 104..][..104];
                    let lowered: f64 =
                        down[index * 104..].iter().zip(input).map(|(a, x)| f64::from(*a) * f64::from(*x)).sum();
                    exact += lowered * f64::from(up[(group * rank + index) * 16 + lane]);
                }
            }
            prop_assert!((f64::from(*found) - exact).abs() <= 1e-3, "{place}: {found} {exact}");
        }
    }

    #[test]
    fn rows_agree(
        row in prop::collection::vec(-30.0_f32..30.0, 160),
        weight in prop::collection::vec(-2.0_f32..2.0, 160),
    ) {
        let run = |kernels: &Kernels| {
            let mut normal = vec![0.0; 160];
            kernels.rms_norm(&row, &weight, 1e-5, &mut normal);
            let input = quantised(kernels, &row, 160);
            let mut gate = row.clone();
            kernels.silu_multiply(&mut gate, &weight);
            let mut likely = vec![0.0; 160];
            kernels.token_weights(&row, row[0].max(row[1]), 0.7, &mut likely);
            let rows = [&normal, &input.scales, &input.sums, &gate, &likely].map(|row| bits(row));
            (rows, input.values)
        };
        let expected = run(Kernels::of(InstructionSet::Portable).expect("it runs everywhere"));
        for kernels in others() {
            prop_assert_eq!(&run(kernels), &expected, "{:?}", kernels.set());
        }
    }

    #[test]
    fn attention_agrees_and_ignores_what_lies_behind(
        floats in prop::collection::vec(-3.0_f32..3.0, 3 * 2 * 64 * 32),
        queries in prop::collection::vec(-1.0_f32..1.0, 4 * 64),
        count in 1_usize..5,
        length in 1_usize..96,
    ) {
        let size = 64 * 32;
        let pages = |floats: &[f32]| -> Vec<(Vec<f32>, Vec<f32>)> {
            floats.chunks_exact(2 * size).map(|page| (page[..size].to_vec(), page[size..].to_vec())).collect()
        };
        let run = |kernels: &Kernels, pages: &[(Vec<f32>, Vec<f32>)]| {
            let views: Vec<PageView<'_>> = pages[..length.div_ceil(32)]
                .iter()
                .map(|(keys, values)| PageView { keys, values })
                .collect();
            let mut scores = vec![f32::NAN; count * views.len() * 32];
            let mut output = vec![0.0; count * 64];
            kernels.attend(64, &queries[..count * 64], &views, length, &mut scores, &mut output);
            bits(&output)
        };
        let portable = Kernels::of(InstructionSet::Portable).expect("it runs everywhere");
        let mut pages = pages(&floats);
        let expected = run(portable, &pages);
        for kernels in others() {
            prop_assert_eq!(&run(kernels, &pages), &expected, "{:?}", kernels.set());
        }
        // Slots from `length` on hold leftovers: nothing of them may show.
        let (keys, values) = &mut pages[(length - 1) / 32];
        for slot in (length - 1) % 32 + 1..32 {
            (0..64).for_each(|element| keys[element * 32 + slot] = f32::NAN);
            values[slot * 64..][..64].fill(f32::INFINITY);
        }
        prop_assert_eq!(run(portable, &pages), expected);
    }
}

#[test]
fn weights_of_tokens_end_far_below_the_best() {
    let logits = [3.0, f32::NEG_INFINITY, 3.0 - 79.9, 3.0 - 80.1, 2.0, f32::NAN];
    let weights = token_weights(&logits, 3.0, 2.0);
    assert_eq!((weights[0], weights[1], weights[3], weights[5]), (1.0, 0.0, 0.0, 0.0));
    assert!(weights[2] > 0.0 && weights[2] < 1e-17);
    assert!((weights[4] - (-0.5_f32).exp()).abs() < 1e-6);
}

#[test]
fn quantising_agrees_on_what_is_no_number() {
    let mut row = [1.0_f32; 64];
    (row[3], row[40], row[41]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    let run = |kernels: &Kernels| {
        let input = quantised(kernels, &row, 64);
        (input.values, bits(&input.scales), bits(&input.sums))
    };
    let expected = run(Kernels::of(InstructionSet::Portable).expect("it runs everywhere"));
    for kernels in others() {
        assert_eq!(run(kernels), expected, "{:?}", kernels.set());
    }
}

#[test]
fn extremes_of_the_integer_products_do_not_saturate() {
    // All weights at their largest magnitude, all activations at plus or minus 127.
    for sign in [1.0_f32, -1.0] {
        let row = vec![sign; 32];
        for kernels in others() {
            let input = quantised(kernels, &row, 32);
            let mut four = vec![0xff_u8; Q4_BLOCK_BYTES];
            let mut eight = vec![0x80_u8; Q8_BLOCK_BYTES];
            for half in four[256..].chunks_exact_mut(2).chain(eight[512..].chunks_exact_mut(2)) {
                half.copy_from_slice(&0x3c00_u16.to_le_bytes());
            }
            let mut output = vec![0.0; 16];
            kernels.multiply_q4(&four, &input, 1, &mut output);
            assert!(output.iter().all(|value| (value - sign * 32.0 * 16.0).abs() < 0.01), "{output:?}");
            kernels.multiply_q8(&eight, &input, 1, &mut output);
            assert!(output.iter().all(|value| (value + sign * 32.0 * 128.0).abs() < 0.01), "{output:?}");
        }
    }
}
