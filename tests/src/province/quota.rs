//! Sharing whole people out so that every margin is met exactly.
//!
//! `apportion` shares a total by weight; `fit` fills a table whose row and column sums are both given; `scatter`
//! deals a fitted table out to persons at random. The published tables are sums, so shares of the generated
//! province are quotas, never coin tosses. Pure except for the shuffling, which is passed in.

use super::draw::Draw;

/// Rounds of proportional fitting; the tables here settle within 200.
const FIT_ROUNDS: usize = 300;
/// Weight of a cell that the seed table calls impossible, so that contradictory margins still have a solution.
const IMPOSSIBLE: f64 = 1e-9;

/// `total` shared by `weights`, largest remainder first, earlier entries first among equals.
pub(crate) fn apportion(total: u32, weights: &[f64]) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|weight| f64::from(total) * weight / sum).collect();
    round_to(&exact, total)
}

/// Whole numbers near `exact` that sum to `total`.
fn round_to(exact: &[f64], total: u32) -> Vec<u32> {
    let mut whole: Vec<u32> = exact.iter().map(|share| share.floor().max(0.0) as u32).collect();
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    let missing = total.saturating_sub(whole.iter().sum());
    for &i in order.iter().cycle().take(missing as usize) {
        whole[i] += 1;
    }
    whole
}

/// Moves people from the largest to the smallest until all are within `low..=high`; the sum stays.
pub(crate) fn clamp(sizes: &mut [u32], low: u32, high: u32) {
    let (Ok(count), sum) = (u32::try_from(sizes.len()), sizes.iter().sum::<u32>()) else { return };
    if count == 0 {
        return;
    }
    let (low, high) = (low.min(sum / count), high.max(sum.div_ceil(count)));
    loop {
        let Some(largest) = (0..sizes.len()).max_by_key(|&i| sizes[i]) else { return };
        let Some(smallest) = (0..sizes.len()).min_by_key(|&i| sizes[i]) else { return };
        if sizes[smallest] >= low && sizes[largest] <= high {
            return;
        }
        sizes[largest] -= 1;
        sizes[smallest] += 1;
    }
}

/// A table with these row and column sums (which must agree in total), as near to the proportions of `weights` as
/// the sums allow.
pub(crate) fn fit(weights: &[Vec<f64>], rows: &[u32], cols: &[u32]) -> Vec<Vec<u32>> {
    let fitted = fit_exact(weights, rows, cols);
    let mut whole: Vec<Vec<u32>> =
        fitted.iter().zip(rows).map(|(row, &sum)| round_to(row, sum)).collect();
    settle_columns(&mut whole, &fitted, cols);
    whole
}

/// Iterative proportional fitting, rows last so that rounding starts from exact rows.
fn fit_exact(weights: &[Vec<f64>], rows: &[u32], cols: &[u32]) -> Vec<Vec<f64>> {
    let mut table: Vec<Vec<f64>> = weights
        .iter()
        .map(|row| row.iter().map(|weight| weight.max(IMPOSSIBLE)).collect())
        .collect();
    for _ in 0..FIT_ROUNDS {
        for (c, &want) in cols.iter().enumerate() {
            let sum: f64 = table.iter().map(|row| row[c]).sum();
            table.iter_mut().for_each(|row| row[c] *= f64::from(want) / sum.max(IMPOSSIBLE));
        }
        for (row, &want) in table.iter_mut().zip(rows) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|cell| *cell *= f64::from(want) / sum.max(IMPOSSIBLE));
        }
    }
    table
}

/// Moves single persons within a row from a column that has too many to one that has too few.
fn settle_columns(whole: &mut [Vec<u32>], fitted: &[Vec<f64>], cols: &[u32]) {
    loop {
        let sums: Vec<u32> =
            (0..cols.len()).map(|c| whole.iter().map(|row| row[c]).sum()).collect();
        let over = (0..cols.len()).find(|&c| sums[c] > cols[c]);
        let under = (0..cols.len()).find(|&c| sums[c] < cols[c]);
        let (Some(over), Some(under)) = (over, under) else { return };
        let gain = |r: usize| {
            let lacks = fitted[r][under] - f64::from(whole[r][under]);
            let spare = f64::from(whole[r][over]) - fitted[r][over];
            // A cell that the seed calls impossible is the last resort.
            lacks + spare - if fitted[r][under] < 0.01 { 1e6 } else { 0.0 }
        };
        let best = (0..whole.len())
            .filter(|&r| whole[r][over] > 0)
            .max_by(|&a, &b| gain(a).total_cmp(&gain(b)));
        let Some(row) = best else { return };
        whole[row][over] -= 1;
        whole[row][under] += 1;
    }
}

/// Deals the categories of `table[group]` out to the persons of each group, at random within the group.
pub(crate) fn scatter(draw: &mut Draw, groups: &[usize], table: &[Vec<u32>]) -> Vec<usize> {
    let mut piles: Vec<Vec<usize>> = table.iter().map(|row| pile(row)).collect();
    piles.iter_mut().for_each(|pile| draw.shuffle(pile));
    groups.iter().map(|&group| piles[group].pop().unwrap_or(0)).collect()
}

/// Fits and scatters in one go: `totals` per category over all persons, `weights[group][category]`.
pub(crate) fn deal(
    draw: &mut Draw,
    groups: &[usize],
    weights: &[Vec<f64>],
    totals: &[u32],
) -> Vec<usize> {
    let mut rows = vec![0; weights.len()];
    groups.iter().for_each(|&group| rows[group] += 1);
    scatter(draw, groups, &fit(weights, &rows, totals))
}

/// Each category as often as `counts` says.
pub(crate) fn pile(counts: &[u32]) -> Vec<usize> {
    counts
        .iter()
        .enumerate()
        .flat_map(|(category, &count)| std::iter::repeat_n(category, count as usize))
        .collect()
}

/// `total` people by percentages that sum to 100.
pub(crate) fn percent<const N: usize>(total: usize, shares: [f64; N]) -> Vec<u32> {
    apportion(u32::try_from(total).unwrap_or(u32::MAX), &shares)
}
