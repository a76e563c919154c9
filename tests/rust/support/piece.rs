//! How much of a test: what every change takes, or what a release takes (`DSRKIT_SOAK`), whole or
//! a piece of it (`PIECE=3/20`), so that a long list can be worked through bit by bit.

/// Whether the sizes of a release are asked for.
pub fn soak() -> bool {
    std::env::var_os("DSRKIT_SOAK").is_some()
}

/// The piece of a list that is asked for.
pub fn piece<T>(list: Vec<T>) -> Vec<T> {
    let Ok(asked) = std::env::var("PIECE") else {
        return list;
    };
    let (number, of) = asked.split_once('/').expect("PIECE=number/of");
    let (number, of): (usize, usize) = (number.parse().unwrap(), of.parse().unwrap());
    let (from, to) = ((number - 1) * list.len() / of, number * list.len() / of);
    list.into_iter().skip(from).take(to - from).collect()
}
