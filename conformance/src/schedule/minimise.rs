//! Shrinks a schedule to the smallest that still shows what is wrong.

use super::{Move, Operation, Schedule};

/// Gives the smallest schedule found for which `fails` still holds, asking at most `budget` times. `fails` must hold
/// for `schedule` itself.
pub fn minimise(schedule: &Schedule, budget: usize, fails: impl FnMut(&Schedule) -> bool) -> Schedule {
    let mut search = Search { best: schedule.clone(), fails, left: budget };
    loop {
        let before = search.best.clone();
        search.leave_out();
        search.simplify();
        if search.best == before || search.left == 0 {
            return search.best;
        }
    }
}

struct Search<F> {
    best: Schedule,
    fails: F,
    left: usize,
}

impl<F: FnMut(&Schedule) -> bool> Search<F> {
    /// Takes the candidate if it differs and still fails.
    fn accept(&mut self, candidate: Schedule) -> bool {
        if self.left == 0 || candidate == self.best {
            return false;
        }
        self.left -= 1;
        let accepted = (self.fails)(&candidate);
        if accepted {
            self.best = candidate;
        }
        accepted
    }

    /// Leaves out blocks of moves: half of them, a quarter, …, one.
    fn leave_out(&mut self) {
        let mut size = self.best.moves.len().div_ceil(2).max(1);
        loop {
            let mut end = self.best.moves.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut moves = self.best.moves.clone();
                moves.drain(start..end);
                self.accept(Schedule { moves });
                end = start.min(self.best.moves.len());
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    /// Puts a simpler move in the place of each.
    fn simplify(&mut self) {
        for index in 0..self.best.moves.len() {
            for simpler in simpler(&self.best.moves[index]) {
                let mut moves = self.best.moves.clone();
                moves[index] = simpler;
                self.accept(Schedule { moves });
            }
        }
    }
}

/// Simpler ones, the simplest first: an operation that is not stopped is simpler than one that is, an early stop than
/// a late one.
fn simpler(one: &Move) -> Vec<Move> {
    match one.clone() {
        Move::Begin { client, op, key, stop } => {
            let mut simpler = Vec::new();
            if stop.is_some() {
                simpler.push(Move::Begin { client, op, key, stop: None });
            }
            simpler.extend((1..stop.unwrap_or(0)).map(|n| Move::Begin { client, op, key, stop: Some(n) }));
            if client != 0 {
                simpler.push(Move::Begin { client: 0, op, key, stop });
            }
            if key != 1 {
                simpler.push(Move::Begin { client, op, key: 1, stop });
            }
            if op == Operation::Exists {
                simpler.push(Move::Begin { client, op: Operation::Load, key, stop });
            }
            simpler
        }
        Move::Go { client, stop } => {
            let mut simpler = Vec::new();
            if stop.is_some() {
                simpler.push(Move::Go { client, stop: None });
            }
            simpler.extend((1..stop.unwrap_or(0)).map(|n| Move::Go { client, stop: Some(n) }));
            simpler
        }
        Move::Fail { part, call, when } => (0..call).map(|call| Move::Fail { part, call, when }).collect(),
        Move::Crash { client, op, key, after_us } => {
            let mut simpler = vec![Move::Begin { client, op, key, stop: None }];
            if client != 0 {
                simpler.push(Move::Crash { client: 0, op, key, after_us });
            }
            if key != 1 {
                simpler.push(Move::Crash { client, op, key: 1, after_us });
            }
            simpler
        }
        Move::Drop { .. } | Move::Mend | Move::Forget => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_part_in_the_failure_goes() {
        let begin = |client, op, stop| Move::Begin { client, op, key: 1, stop };
        let schedule = Schedule {
            moves: vec![
                begin(0, Operation::Insert, None),
                begin(2, Operation::Exists, Some(3)),
                begin(1, Operation::Load, Some(6)),
                Move::Go { client: 2, stop: Some(2) },
                begin(0, Operation::Delete, None),
                Move::Mend,
                Move::Go { client: 1, stop: Some(4) },
            ],
        };
        // It takes a load that is stopped at the second place or later, and a deletion behind it.
        let fails = |schedule: &Schedule| {
            let at = |found: fn(&Move) -> bool| schedule.moves.iter().position(found);
            let load = at(
                |one| matches!(one, Move::Begin { op: Operation::Load, stop: Some(stop), .. } if *stop >= 2),
            );
            let delete = at(|one| matches!(one, Move::Begin { op: Operation::Delete, .. }));
            load.zip(delete).is_some_and(|(load, delete)| load < delete)
        };
        let small = minimise(&schedule, 500, fails);
        assert_eq!(small.moves, [begin(0, Operation::Load, Some(2)), begin(0, Operation::Delete, None)]);
    }
}
