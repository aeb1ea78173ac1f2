//! The easiest way through rough country: Dijkstra's algorithm with decrease-key.
//!
//! A step costs more the steeper it is. Every cell of the map is in the heap at most once, under
//! its number; a shorter way to it only moves it forward.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use punctual::heap::IdHeap;

const WIDTH: usize = 64;
const HEIGHT: usize = 20;
const CELLS: usize = WIDTH * HEIGHT;
const UNREACHED: u64 = u64::MAX;

fn main() {
    let heights = map(2026);
    let (distances, decreased) = dijkstra(&heights);
    assert_eq!(distances, relax_until_nothing_changes(&heights));

    let mut way = vec![CELLS - 1];
    while let Some(&cell) = way.last().filter(|&&cell| cell != 0) {
        let back = steps(&heights, cell).min_by_key(|&(from, cost)| distances[from] + cost);
        way.extend(back.map(|(from, _)| from));
    }
    for row in 0..HEIGHT {
        let sign = |cell: usize| match heights[cell] {
            _ if way.contains(&cell) => '#',
            height => [' ', '.', ':', '^'][height as usize / 30],
        };
        println!("{}", (row * WIDTH..(row + 1) * WIDTH).map(sign).collect::<String>());
    }
    println!("{} cells; cost {}, as by a naive search", way.len(), distances[CELLS - 1]);
    println!("{CELLS} pops, {decreased} decreased keys");
}

/// The cost of every cell's way from the first one, and how many keys were decreased.
fn dijkstra(heights: &[u64]) -> (Vec<u64>, usize) {
    let mut distances = vec![UNREACHED; CELLS];
    let mut heap = IdHeap::with_bound(CELLS as u32);
    let mut decreased = 0;
    distances[0] = 0;
    heap.push(0, 0).expect("an empty heap takes every id below its bound");
    while let Some((cell, distance)) = heap.pop() {
        for (next, cost) in steps(heights, cell as usize) {
            let through = distance + cost;
            if distances[next] == UNREACHED {
                heap.push(next as u32, through).expect("a cell is reached once");
            } else if through < distances[next] {
                heap.decrease_key(next as u32, through).expect("the way is shorter");
                decreased += 1;
            }
            distances[next] = distances[next].min(through);
        }
    }
    (distances, decreased)
}

/// Bellman and Ford's way: slow, and too simple to be wrong.
fn relax_until_nothing_changes(heights: &[u64]) -> Vec<u64> {
    let mut distances = vec![UNREACHED; CELLS];
    distances[0] = 0;
    loop {
        let before = distances.clone();
        for cell in 1..CELLS {
            let ways =
                steps(heights, cell).map(|(from, cost)| distances[from].saturating_add(cost));
            distances[cell] = ways.min().unwrap_or(UNREACHED);
        }
        if distances == before {
            return distances;
        }
    }
}

/// The neighbours of a cell, with the cost of a step there or back.
fn steps(heights: &[u64], cell: usize) -> impl Iterator<Item = (usize, u64)> {
    let (x, y) = (cell % WIDTH, cell / WIDTH);
    let sideways = [(x > 0).then(|| cell - 1), (x + 1 < WIDTH).then_some(cell + 1)];
    let vertical = [(y > 0).then(|| cell - WIDTH), (y + 1 < HEIGHT).then_some(cell + WIDTH)];
    let neighbours = sideways.into_iter().chain(vertical).flatten();
    neighbours.map(move |next| (next, 1 + heights[cell].abs_diff(heights[next]).pow(2)))
}

/// Hills with some noise, the same for the same seed; heights are below 120.
fn map(mut seed: u64) -> Vec<u64> {
    let height = |cell: usize| {
        let (x, y) = ((cell % WIDTH) as f64, (cell / WIDTH) as f64);
        let hills = (x / 5.0).sin() * (y / 3.0).cos() + (x / 11.0 - y / 4.0).sin();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((hills + 2.0) * 25.0) as u64 + (seed >> 60)
    };
    (0..CELLS).map(height).collect()
}
