//! What an adapter answers: the value of each form.

use session_conformance::json::Json;
use session_conformance::observation::{Answer, AnswerForm};

/// What is read as an answer of a form is written as the same.
pub fn check(bytes: &[u8]) {
    let Some((form, bytes)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(json) = Json::parse(text) else { return };
    let form = match form % 9 {
        0 => AnswerForm::Unit,
        1 => AnswerForm::Bool,
        2 => AnswerForm::Integer,
        3 => AnswerForm::Count,
        4 => AnswerForm::Value,
        5 => AnswerForm::Names,
        6 => AnswerForm::Values,
        7 => AnswerForm::Items,
        _ => AnswerForm::Instant,
    };
    let Ok(answer) = Answer::from_json(&json, form) else { return };
    assert_eq!(answer.to_json(), json, "{answer:?} of {text:?}");
    let _ = (answer.to_string(), answer.sorted(), answer.as_doubles());
}
