use super::*;

fn whole(id: &str, row: Row, max_bytes: usize) -> Option<Problem> {
    check(id, Made::of(id.as_bytes()), row, max_bytes)
}

fn judged(id: &str, first: bool) -> Option<bool> {
    let row = if first { Row::First } else { Row::Other };
    whole(id, row, 255).map(|problem| problem.unusual)
}

#[test]
fn row_2_and_15_what_can_never_be_an_id() {
    let long = "x".repeat(256);
    let megabyte = "x".repeat(1_000_000);
    for id in [
        "",
        " ",
        "\t \r\n",
        "\u{200b}",
        "\u{200b}\u{a0}\u{ad}",
        "\u{1}\u{2}",
        "\u{3164}",
        "a\0b",
        "\0",
        "\u{feff}abc",
        "ab\u{feff}c",
        &long,
        &megabyte,
    ] {
        assert_eq!(judged(id, false), Some(false), "{id:?}");
    }
    assert_eq!(judged(&"x".repeat(255), false), None);
}

#[test]
fn row_3_placeholders_are_unusual() {
    for id in [
        "null",
        "NULL",
        "undefined",
        "None",
        "nil",
        "NaN",
        "NaT",
        "inf",
        "-Infinity",
        "#REF!",
        "n/a",
        "NA",
        "#N/A",
        "(null)",
        "<null>",
        "\\N",
        "True",
        "false",
        "[object Object]",
        "anonymous",
        "UNKNOWN",
        "test",
        "0",
        "-1",
        "$device:",
        "$device:null",
        "$device:00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        "{00000000-0000-0000-0000-000000000000}",
        "00000000000000000000000000000000",
        " a",
        "a ",
        "a\u{a0}",
        "\ta",
        "\"a\"",
        "\"a\",\"b\"",
    ] {
        assert_eq!(judged(id, false), Some(true), "{id:?}");
    }
}

#[test]
fn no_placeholder_is_too_long_to_be_looked_up() {
    assert!(
        PLACEHOLDERS
            .iter()
            .all(|word| word.len() <= LONGEST_PLACEHOLDER)
    );
}

#[test]
fn row_5_floats_are_unusual() {
    for id in [
        "1.58E+18", "1.58e18", "1e+18", "-1.5E-7", "+1E+3", "123.0", "0.5", ".5", "1.e+5",
    ] {
        assert_eq!(judged(id, false), Some(true), "{id:?}");
    }
    for id in [
        "1234e567",
        "1e5",
        "12345",
        "1.2.3",
        "1.58E+",
        "1.58E+1x",
        "e+5",
        ".",
        "-",
        "+4915112345",
        "1.",
        "-7",
        "1700000000000000000",
        "10.0.0.1",
    ] {
        assert_eq!(judged(id, false), None, "{id:?}");
    }
}

#[test]
fn row_4_a_header_is_one_only_in_the_first_row() {
    for id in [
        "distinct_id",
        "$distinct_id",
        "ID",
        "user_id",
        "Email",
        "a,b",
        "id;email",
        "id\temail",
    ] {
        assert_eq!(judged(id, true), Some(true), "{id:?}");
        assert_eq!(judged(id, false), None, "{id:?}");
    }
    // Below a table's header: a second header is one, a comma is part of an id.
    assert!(whole("Email", Row::FirstOfTable, 255).is_some_and(|p| p.unusual));
    assert_eq!(whole("a,b", Row::FirstOfTable, 255), None);
    assert!(
        whole("id", Row::First, 255)
            .is_some_and(|p| p.reason.contains("looks like a header, not an id"))
    );
}

#[test]
fn usual_ids_pass_in_every_row() {
    for id in [
        "a",
        "user-1",
        "a@example.org",
        "Zoë",
        "名前",
        "👩‍👩‍👧",
        "$device:1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "00",
        "a b",
        "tester",
        "nullable",
        "\"",
        "a\"b",
        "\u{200d}a",
    ] {
        assert_eq!(judged(id, true), None, "{id:?}");
    }
}

#[test]
fn shapes() {
    for (id, shape) in [
        ("1B4E28BA-2fa1-11d2-883f-0016d3cca427", Some(Shape::Uuid)),
        (
            "$device:1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            Some(Shape::Uuid),
        ),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca42g", None),
        ("1b4e28ba02fa1011d20883f00016d3cca427", None),
        ("1b4e28ba2fa111d2883f0016d3cca427", Some(Shape::Hash)),
        ("1583792934719392965", Some(Shape::Digits)),
        ("+4915112345", None),
        ("zoë@example.org", Some(Shape::Email)),
        ("@zoe", None),
        ("zoe@home", None),
        ("user-1", None),
        ("caf\u{e9}", None),
    ] {
        assert_eq!(Shape::of(id), shape, "{id}");
    }
}
