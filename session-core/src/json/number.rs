//! How Python writes a float.

use std::fmt::Write;

/// The shortest digits that give the number back, even where two are equally near; an exponent below 1e-4 and from
/// 1e16 on. NaN and the infinities have Python's names.
pub(super) fn push_float(float: f64, out: &mut String) {
    if float.is_nan() {
        out.push_str("NaN");
    } else if float.is_infinite() {
        out.push_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
    } else if float == 0.0 || (1e-4..1e16).contains(&float.abs()) {
        let shortest = format!("{float:?}");
        let decimals = decimals(&shortest);
        out.push_str(&even(float, shortest, format!("{float:.decimals$}")));
    } else {
        let shortest = format!("{float:e}");
        let decimals = decimals(&shortest);
        let scientific = even(float, shortest, format!("{float:.decimals$e}"));
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        // Writing to a String cannot fail.
        let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
    }
}

/// How many digits follow the point.
fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count())
}

/// Of two texts with as many digits the one that Python gives. The standard library's shortest text goes
/// up where two are equally near, and its rounded one to even; that may miss next to a power of two.
fn even(float: f64, shortest: String, rounded: String) -> String {
    if rounded.parse() == Ok(float) { rounded } else { shortest }
}

/// The float of a number's text, as Python reads it: an infinity where it is beyond floating point.
pub(super) fn to_float(text: &str) -> f64 {
    match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // The text was checked, and the standard library reads every such number.
        number => number.parse().unwrap_or(f64::NAN),
    }
}
