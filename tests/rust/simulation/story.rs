//! A seed that fails, told as short as it can be.

use super::case::Case;
use super::run::simulate;

/// Leaves out whatever is not needed to fail in the same way.
pub fn shrink(case: &Case) -> Case {
    let mut case = case.clone();
    let Some(first) = failure(&case) else {
        return case;
    };
    let mut at = 0;
    while at < case.troubles.len() {
        let mut less = case.clone();
        less.troubles.remove(at);
        if failure(&less).as_ref() == Some(&first) {
            case = less;
            at = 0;
        } else {
            at += 1;
        }
    }
    case
}

/// The number of the invariant that breaks, or what else is said.
fn failure(case: &Case) -> Option<String> {
    let said = simulate(case, false).violation?;
    let number = said.split(':').next().unwrap_or_default();
    Some(number.to_owned())
}

/// What happens, for people: the seed, what is wrong, and the shortest way there.
pub fn tell(case: &Case, how: &str) -> String {
    let small = shrink(case);
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
