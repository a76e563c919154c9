//! A seed that fails, told as short as it can be.

use std::time::Duration;

use super::case::{Case, Manner, Trouble};
use super::run::simulate;

/// No story is worth more lives than this.
const TRIES: usize = 2000;

/// Leaves out whatever is not needed to fail in the same way.
pub fn shrink(case: &Case, failure: impl Fn(&Case) -> Option<String>) -> Case {
    let mut case = case.clone();
    let Some(first) = failure(&case) else {
        return case;
    };
    let mut tries = 0;
    while let Some(less) = smaller(&case).into_iter().find(|less| {
        tries += 1;
        tries <= TRIES && failure(less).as_ref() == Some(&first)
    }) {
        case = less;
    }
    case
}

/// The same case without one thing, in each way there is.
fn smaller(case: &Case) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut without = |change: &dyn Fn(&mut Case)| {
        let mut less = case.clone();
        change(&mut less);
        cases.push(less);
    };
    for at in 0..case.troubles.len() {
        without(&|less| drop(less.troubles.remove(at)));
    }
    for (at, order) in case.orders.iter().enumerate() {
        if case.orders.len() > 1 {
            without(&|less| without_order(less, at));
        }
        for id in 0..order.ids.len() {
            if order.ids.len() > 1 {
                without(&|less| drop(less.orders[at].ids.remove(id)));
            }
        }
        if order.at > 0 {
            without(&|less| less.orders[at].at = 0);
        }
        if !order.hold_for.is_zero() {
            without(&|less| less.orders[at].hold_for = Duration::ZERO);
        }
    }
    if case.manners.len() > 1 || case.manners[0] != Manner::Wait {
        without(&|less| less.manners = vec![Manner::Wait]);
    }
    if case.sqlite {
        without(&|less| less.sqlite = false);
    }
    cases
}

/// Orders are named by their numbers.
fn without_order(case: &mut Case, gone: usize) {
    case.orders.remove(gone);
    case.troubles.retain_mut(|trouble| match trouble {
        Trouble::Cancel { order, .. } if *order == gone => false,
        Trouble::Cancel { order, .. } if *order > gone => {
            *order -= 1;
            true
        }
        _ => true,
    });
}

/// The number of the invariant that breaks, or what else is said.
fn failure(case: &Case) -> Option<String> {
    let said = simulate(case, false).violation?;
    let number = said.split(':').next().unwrap_or_default();
    Some(number.to_owned())
}

/// What happens, for people: the seed, what is wrong, and the shortest way there.
pub fn tell(case: &Case, how: &str) -> String {
    let small = shrink(case, failure);
    let outcome = simulate(&small, true);
    let mut text = format!(
        "\nSEED={} ({how}): {}\n\n{small}",
        case.seed,
        outcome.violation.unwrap_or_default()
    );
    for (number, trouble) in small.troubles.iter().enumerate() {
        text.push_str(&format!("{}. {trouble}\n", number + 1));
    }
    text.push_str("\nThe last steps (milliseconds, process, step):\n");
    let from = outcome.log.len().saturating_sub(60);
    for line in &outcome.log[from..] {
        text.push_str(line);
        text.push('\n');
    }
    let left_out = case.troubles.len() - small.troubles.len();
    text.push_str(&format!(
        "\n{left_out} other troubles do not matter. Again: SEED={} cargo test --test simulation {how} -- --nocapture\n",
        case.seed
    ));
    text
}
