//! A program with JSON of its own and sessions beside it. That it depends on session-core must not change how its JSON
//! is read: with some features of `serde_json`, which are switched on for the whole program, none of these floats
//! would be. `cargo xtask outside` runs it.

use serde::Deserialize;
use serde_json::{from_str, from_value, json};
use session_core::Entries;

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Place {
    x: f64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: f64 },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = r#"{"x": 1.5}"#;
    assert_eq!(from_str::<Point>(text)?, Point { place: Place { x: 1.5 } });
    assert_eq!(from_value::<Point>(json!({ "x": 1.5 }))?, Point { place: Place { x: 1.5 } });
    let text = r#"{"kind": "Circle", "radius": 2.5}"#;
    assert_eq!(from_str::<Tagged>(text)?, Tagged::Circle { radius: 2.5 });
    assert_eq!(from_str::<Untagged>("3.5")?, Untagged::Number(3.5));
    assert_eq!(from_str::<Untagged>(r#""3.5""#)?, Untagged::Text("3.5".into()));
    // What is in a session is read the same way, and to the last bit.
    for written in ["1.5", "2.2250738585072011e-308", "0.1e-6", "9007199254740993.0", "1.7976931348623157e308"] {
        let entries = Entries::parse(format!(r#"{{"x": {written}}}"#).as_bytes())?;
        assert_eq!(entries.read::<f64>("x")?, Some(written.parse()?));
    }
    println!("floats that are flattened, tagged and untagged are read as ever");
    Ok(())
}
