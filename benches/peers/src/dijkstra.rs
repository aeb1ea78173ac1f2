//! Shortest paths over a random graph, with decrease-key and without.

use crate::workload::heap::{Addressable, Queue};
use crate::workload::random::{Random, mix};

/// Edges by the node that they leave.
pub(crate) struct Graph {
    edges: Vec<(u32, u32)>,
    edges_a_node: usize,
}

const UNREACHED: u64 = u64::MAX;

/// Long enough that two paths are hardly ever equal.
const LONGEST_EDGE: u32 = 1 << 24;

impl Graph {
    pub(crate) fn random(nodes: usize, edges_a_node: usize) -> Self {
        let mut random = Random::new(nodes as u64);
        let edges = (0..nodes * edges_a_node)
            .map(|_| (random.below(nodes as u32), 1 + random.below(LONGEST_EDGE)))
            .collect();
        Self { edges, edges_a_node }
    }

    fn nodes(&self) -> usize {
        self.edges.len() / self.edges_a_node
    }

    fn from(&self, node: u32) -> &[(u32, u32)] {
        &self.edges[node as usize * self.edges_a_node..][..self.edges_a_node]
    }
}

/// Every node is in the queue at most once; returns a checksum of all distances.
pub(crate) fn shortest<Q: Addressable>(graph: &Graph) -> u64 {
    let mut distances = vec![UNREACHED; graph.nodes()];
    let mut queue = Q::new(graph.nodes());
    distances[0] = 0;
    queue.push(0, 0);
    while let Some((node, distance)) = queue.pop() {
        for &(target, length) in graph.from(node) {
            let present = &mut distances[target as usize];
            let through = distance + u64::from(length);
            if *present == UNREACHED {
                queue.push(target, through);
            } else if through < *present {
                queue.relax(target, through);
            } else {
                continue;
            }
            *present = through;
        }
    }
    checksum(&distances)
}

/// A node is pushed once for every shorter path; all but the shortest are skipped.
pub(crate) fn shortest_lazily<Q: Queue>(graph: &Graph) -> u64 {
    let mut distances = vec![UNREACHED; graph.nodes()];
    let mut queue = Q::new(graph.nodes());
    distances[0] = 0;
    queue.push(0, 0);
    while let Some((node, distance)) = queue.pop() {
        if distance > distances[node as usize] {
            continue;
        }
        for &(target, length) in graph.from(node) {
            let through = distance + u64::from(length);
            if through < distances[target as usize] {
                distances[target as usize] = through;
                queue.push(target, through);
            }
        }
    }
    checksum(&distances)
}

fn checksum(distances: &[u64]) -> u64 {
    distances.iter().fold(0, |checksum, &distance| mix(checksum ^ distance))
}
