//! What an adapter is asked, line by line.

use session_conformance::json::Object;
use session_conformance::manifest::Manifest;
use session_conformance::protocol::serve;
use session_conformance::subject::ModelSubject;

/// Every line has one answer, which is JSON; nothing ends the model but `bye`.
pub fn check(bytes: &[u8]) {
    let mut model = ModelSubject::new(Manifest::reference());
    let mut answers = Vec::new();
    if serve(&mut model, bytes, &mut answers).is_err() {
        // A line that is too long, or no text, ends the reading.
        return;
    }
    let asked = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let answers = str::from_utf8(&answers).expect("answers are text");
    assert!(answers.lines().count() <= asked, "{} answers to {asked} lines", answers.lines().count());
    for answer in answers.lines() {
        Object::parse(answer).unwrap_or_else(|error| panic!("the answer {answer:?}: {error}"));
    }
}
