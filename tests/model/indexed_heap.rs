//! `IndexedHeap` against a list of everything that was ever pushed.

use punctual::heap::{IndexedHeap, KeyError, Relaxed};
use punctual::key::Key;

use super::{Model, Word};

/// A priority and a payload. No two payloads are the same, so each names its element.
type Element = (u32, String);

pub(crate) struct IndexedHeapModel<const D: usize> {
    heap: IndexedHeap<u32, String, D>,
    /// Every key that was ever handed out, with its element while it is in the heap.
    issued: Vec<(Key, Option<Element>)>,
}

/// `Pick` numbers the keys from the newest to the oldest, stale ones included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Push { priority: u32 },
    Pop,
    PopWithKey,
    PopIf { limit: u32 },
    DrainWhile { limit: u32 },
    PeekMut { priority: u32 },
    PeekMutPop { priority: u32 },
    ReplaceTop { priority: u32 },
    PushPop { priority: u32 },
    DecreaseKey { pick: u32, priority: u32 },
    DecreaseOrPush { pick: u32, priority: u32 },
    ChangeKey { pick: u32, priority: u32 },
    Remove { pick: u32 },
    ChangePayload { pick: u32 },
    ChangePayloads,
    ExtendWithKeys { priority: u32 },
    Extend { priority: u32 },
    Append { priority: u32 },
    Retain { limit: u32 },
    Drain { taken: u32 },
    Rebuild,
    Memory { capacity: u32 },
    Copies,
    Clear,
}

impl<const D: usize> IndexedHeapModel<D> {
    pub(crate) fn new() -> Self {
        Self { heap: IndexedHeap::with_arity_and_capacity(2), issued: Vec::new() }
    }

    fn pick(&mut self, pick: u32) -> Option<&mut (Key, Option<Element>)> {
        let back = pick as usize % self.issued.len().max(1);
        self.issued.iter_mut().rev().nth(back)
    }

    fn live(&self) -> impl Iterator<Item = (Key, &Element)> {
        self.issued.iter().filter_map(|(key, live)| Some((*key, live.as_ref()?)))
    }

    fn live_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.issued.iter_mut().filter_map(|(_, live)| live.as_mut())
    }

    fn smallest(&self) -> Option<u32> {
        self.live().map(|(_, element)| element.0).min()
    }

    fn payload(&self) -> String {
        format!("element {}", self.issued.len())
    }

    /// New elements, more than two arities of them.
    fn several(&self, priority: u32) -> Vec<Element> {
        let of_step =
            |step| (priority.wrapping_mul(step) % 41, format!("{}.{step}", self.payload()));
        (0..1 + priority % 19).map(of_step).collect()
    }

    fn issue(&mut self, key: Key, element: Element) {
        assert!(self.issued.iter().all(|(old, _)| *old != key), "keys are unique");
        self.issued.push((key, Some(element)));
    }

    /// Which of several smallest comes first is the heap's choice. Returns the key that it had.
    fn expect_smallest(&mut self, popped: Option<Element>) -> Option<Key> {
        assert_eq!(popped.as_ref().map(|(priority, _)| *priority), self.smallest());
        self.expect_gone(popped?)
    }

    fn expect_gone(&mut self, removed: Element) -> Option<Key> {
        let removed = Some(removed);
        let found = self.issued.iter_mut().find(|(_, live)| *live == removed);
        let (key, live) = found.expect("what comes out was in the heap");
        *live = None;
        Some(*key)
    }

    fn apply_to_first(&mut self, op: Op) {
        let payload = self.payload();
        match op {
            Op::PopWithKey => {
                let (key, element) = match self.heap.pop_with_key() {
                    Some((key, priority, payload)) => (Some(key), Some((priority, payload))),
                    None => (None, None),
                };
                assert_eq!(self.expect_smallest(element), key);
            }
            Op::PopIf { limit } => {
                let popped = self.heap.pop_if(|_, priority, _| priority <= limit);
                match self.smallest() {
                    Some(smallest) if smallest <= limit => _ = self.expect_smallest(popped),
                    _ => assert_eq!(popped, None),
                }
            }
            Op::DrainWhile { limit } => {
                let popped: Vec<_> = self.heap.drain_while(|priority| priority <= limit).collect();
                popped.into_iter().for_each(|popped| _ = self.expect_smallest(Some(popped)));
                assert!(self.smallest().is_none_or(|smallest| smallest > limit));
            }
            Op::ReplaceTop { priority } => {
                let (key, replaced) = self.heap.replace_top(priority, payload.clone());
                self.expect_smallest(replaced);
                self.issue(key, (priority, payload));
            }
            Op::PushPop { priority } => {
                let stays = self.smallest().is_some_and(|smallest| smallest < priority);
                match self.heap.push_pop(priority, payload.clone()) {
                    (None, popped) => assert_eq!((popped, stays), ((priority, payload), false)),
                    (Some(key), popped) => {
                        assert!(stays, "a new element that is the smallest comes back");
                        self.expect_smallest(Some(popped));
                        self.issue(key, (priority, payload));
                    }
                }
            }
            _ => self.peek_mut(op),
        }
    }

    fn peek_mut(&mut self, op: Op) {
        let smallest = self.smallest();
        let Some(mut first) = self.heap.peek_mut() else {
            return assert_eq!(smallest, None);
        };
        assert_eq!(Some(first.priority()), smallest);
        let key = first.key();
        let (_, live) = self.issued.iter_mut().find(|(it, _)| *it == key).expect("it was issued");
        let (old, payload) = live.as_mut().expect("the first element is in the heap");
        assert_eq!((first.priority(), first.payload()), (*old, &*payload));
        match op {
            Op::PeekMut { priority } => {
                first.set_priority(priority);
                first.payload_mut().push('^');
                payload.push('^');
                *old = priority;
                assert_eq!((first.priority(), first.payload()), (*old, &*payload));
            }
            Op::PeekMutPop { priority } => {
                // A guard's element may be changed and then taken out.
                if priority % 2 == 0 {
                    first.set_priority(priority);
                    *old = priority;
                }
                assert_eq!(Some(first.pop()), live.take());
            }
            _ => unreachable!("this is no operation on the first element"),
        }
    }

    fn apply_to_picked(&mut self, op: Op, pick: u32) {
        let payload = self.payload();
        let Some((key, live)) = self.pick(pick) else {
            return;
        };
        let key = *key;
        match op {
            Op::DecreaseKey { priority, .. } => {
                let expected = match live {
                    None => Err(KeyError::Stale),
                    Some((old, _)) if *old <= priority => Err(KeyError::NotSmaller),
                    Some((old, _)) => Ok(std::mem::replace(old, priority)),
                };
                assert_eq!(self.heap.decrease_key(key, priority), expected);
            }
            Op::DecreaseOrPush { priority, .. } => {
                let expected = match live {
                    None => Relaxed::Pushed,
                    Some((old, _)) if *old <= priority => Relaxed::Kept(*old),
                    Some((old, _)) => Relaxed::Decreased(std::mem::replace(old, priority)),
                };
                let (now, done) = self.heap.decrease_or_push(key, priority, || payload.clone());
                assert_eq!((done, now == key), (expected, expected != Relaxed::Pushed));
                if done == Relaxed::Pushed {
                    self.issue(now, (priority, payload));
                }
            }
            Op::ChangeKey { priority, .. } => {
                let expected = live.as_mut().map(|(old, _)| std::mem::replace(old, priority));
                assert_eq!(self.heap.change_key(key, priority), expected);
            }
            Op::Remove { .. } => {
                let expected = live.take();
                assert_eq!(self.heap.remove(key), expected);
            }
            _ => {
                if let Some((_, payload)) = live {
                    payload.push('!');
                }
                if let Some(payload) = self.heap.get_mut(key) {
                    payload.push('!');
                }
            }
        }
    }

    fn apply_to_many(&mut self, op: Op) {
        match op {
            Op::ExtendWithKeys { priority } => {
                let (elements, mut keys) = (self.several(priority), Vec::new());
                self.heap.extend_with_keys(elements.clone(), &mut keys);
                assert_eq!(keys.len(), elements.len());
                keys.into_iter().zip(elements).for_each(|(key, it)| self.issue(key, it));
            }
            Op::Extend { priority } => {
                let elements = self.several(priority);
                self.heap.extend(elements.clone());
                for element in elements {
                    let mut found = self.heap.iter().filter(|it| *it.2 == element.1);
                    let (key, _, _) = found.next().expect("a new element is in the heap");
                    self.issue(key, element);
                }
            }
            Op::Append { priority } => self.append(priority),
            Op::Retain { limit } => {
                self.heap.retain(|key, priority, payload| {
                    payload.push('.');
                    priority < limit || key.slot() == 7
                });
                self.live_mut().for_each(|(_, payload)| payload.push('.'));
                for (key, live) in &mut self.issued {
                    live.take_if(|(priority, _)| *priority >= limit && key.slot() != 7);
                }
            }
            Op::Drain { taken } => {
                let mut drain = self.heap.drain();
                let len = drain.len();
                let drained: Vec<_> = drain.by_ref().take(taken as usize).collect();
                assert_eq!(drain.len(), len - drained.len());
                drop(drain);
                assert_eq!((len, drained.len()), (self.live().count(), len.min(taken as usize)));
                for (key, priority, payload) in drained {
                    assert_eq!(self.expect_gone((priority, payload)), Some(key));
                }
                self.issued.iter_mut().for_each(|(_, live)| *live = None);
            }
            Op::ChangePayloads => {
                let mut changed = 0;
                for (key, priority, payload) in self.heap.iter_mut() {
                    let live = self.issued.iter_mut().find(|(it, _)| *it == key);
                    let (old, expected) = live.and_then(|it| it.1.as_mut()).expect("it is live");
                    assert_eq!((priority, &*payload), (*old, &*expected));
                    payload.push('?');
                    expected.push('?');
                    changed += 1;
                }
                assert_eq!(changed, self.live().count());
            }
            Op::Rebuild => self.heap.rebuild(),
            Op::Memory { capacity } => self.manage_memory(capacity % 64),
            Op::Copies => self.copy(),
            _ => unreachable!("this is no operation on many elements"),
        }
    }

    fn append(&mut self, priority: u32) {
        let (elements, mut keys) = (self.several(priority), Vec::new());
        let mut other = IndexedHeap::with_arity();
        other.extend_with_keys(elements.clone(), &mut keys);
        let mut told = Vec::new();
        self.heap.append(&mut other, |old, new| told.push((old, new)));
        other.assert_invariants();
        assert!(other.is_empty() && told.len() == keys.len());
        for (old, element) in keys.into_iter().zip(elements) {
            assert!(!other.contains(old));
            let rekeyed = told.iter().find(|(it, _)| *it == old);
            self.issue(rekeyed.expect("every old key is told of").1, element);
        }
    }

    fn manage_memory(&mut self, capacity: u32) {
        let (len, wanted) = (self.heap.len(), capacity as usize);
        match capacity % 4 {
            0 => self.heap.reserve(wanted),
            1 => assert_eq!(self.heap.try_reserve(wanted), Ok(())),
            2 => self.heap.shrink_to(wanted),
            _ => self.heap.shrink_to_fit(),
        }
        if capacity % 4 < 2 {
            assert!(self.heap.capacity() >= len + wanted);
        }
        assert!(self.heap.try_reserve(usize::MAX).is_err());
    }

    /// Copies and all that gives up a heap hold the same elements.
    fn copy(&mut self) {
        let mut expected: Vec<Element> = self.live().map(|(_, element)| element.clone()).collect();
        expected.sort_unstable();
        let copy = self.heap.clone();
        copy.assert_invariants();
        for (key, live) in &self.issued {
            assert_eq!(copy.get(*key), live.as_ref().map(|(_, payload)| payload));
        }
        let sorted = self.heap.clone().into_sorted_vec();
        assert!(sorted.is_sorted_by_key(|&(priority, _)| priority));
        let popped: Vec<Element> = self.heap.clone().into_sorted_iter().collect();
        assert!(popped.is_sorted_by_key(|&(priority, _)| priority));
        for mut elements in [sorted, popped, copy.into_iter().collect()] {
            elements.sort_unstable();
            assert_eq!(elements, expected);
        }
        assert_eq!(format!("{:?}", self.heap).matches("Key").count(), expected.len());
    }
}

impl<const D: usize> Model for IndexedHeapModel<D> {
    type Op = Op;

    fn decode(mut word: Word) -> Op {
        let kind = word.below(48);
        let pick = word.below(20);
        // Few priorities make ties; the largest value is as ordinary as any.
        let priority = match word.below(40) {
            39 => u32::MAX,
            small => small,
        };
        match kind {
            0..11 => Op::Push { priority },
            11..14 => Op::Pop,
            14 => Op::PopWithKey,
            15 => Op::PopIf { limit: priority },
            16 => Op::DrainWhile { limit: priority / 2 },
            17 => Op::PeekMut { priority },
            18 => Op::PeekMutPop { priority },
            19..21 => Op::ReplaceTop { priority },
            21..23 => Op::PushPop { priority },
            23..27 => Op::DecreaseKey { pick, priority },
            27..29 => Op::DecreaseOrPush { pick, priority },
            29..33 => Op::ChangeKey { pick, priority },
            33..37 => Op::Remove { pick },
            37 => Op::ChangePayload { pick },
            38 => Op::ChangePayloads,
            39 => Op::ExtendWithKeys { priority },
            40 => Op::Extend { priority },
            41 => Op::Append { priority },
            42 => Op::Retain { limit: priority },
            43 => Op::Drain { taken: pick },
            44 => Op::Rebuild,
            45 => Op::Memory { capacity: priority },
            46 => Op::Copies,
            _ if pick < 2 => Op::Clear,
            _ => Op::Push { priority },
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push { priority } => {
                let payload = self.payload();
                let key = self.heap.push(priority, payload.clone());
                self.issue(key, (priority, payload));
            }
            Op::Pop => {
                let popped = self.heap.pop();
                self.expect_smallest(popped);
            }
            Op::PopWithKey
            | Op::PopIf { .. }
            | Op::DrainWhile { .. }
            | Op::PeekMut { .. }
            | Op::PeekMutPop { .. }
            | Op::ReplaceTop { .. }
            | Op::PushPop { .. } => self.apply_to_first(op),
            Op::DecreaseKey { pick, .. }
            | Op::DecreaseOrPush { pick, .. }
            | Op::ChangeKey { pick, .. }
            | Op::Remove { pick }
            | Op::ChangePayload { pick } => self.apply_to_picked(op, pick),
            Op::Clear => {
                self.heap.clear();
                self.issued.iter_mut().for_each(|(_, live)| *live = None);
            }
            _ => self.apply_to_many(op),
        }
    }

    fn check(&self) {
        self.heap.assert_invariants();
        let live = self.live().count();
        assert_eq!(self.heap.len(), live);
        assert_eq!(self.heap.is_empty(), live == 0);
        assert!(self.heap.capacity() >= live);
        assert_eq!(self.heap.peek().map(|(_, priority, _)| priority), self.smallest());
        assert_eq!(self.heap.iter().count(), live);
        assert_eq!(self.heap.iter().rev().len(), live);
        for (key, live) in &self.issued {
            assert_eq!(self.heap.contains(*key), live.is_some());
            assert_eq!(self.heap.priority(*key), live.as_ref().map(|(priority, _)| *priority));
            assert_eq!(self.heap.get(*key), live.as_ref().map(|(_, payload)| payload));
        }
    }
}
