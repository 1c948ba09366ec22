//! What `serve` answers, line by line: the model and the stores alike, and to requests that are wrong.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use rstest::rstest;
use serde_json::{Value, json};
use session_backends::{CookieStore, FileStore, MemoryStore};
use session_conformance::manifest::Manifest;
use session_conformance::protocol::serve;
use session_conformance::report::{KnownFailures, Written};
use session_conformance::subject::{Env, ModelSubject, StoreHooks, StoreSubject, Subject};

const NOW: i64 = 1_893_456_000_000_000;

/// The answers to requests, which get their ids and the time here.
fn answers(subject: &mut dyn Subject, requests: &[Value]) -> Vec<Value> {
    let mut input = format!("{}\n", json!({"id": 0, "op": "open", "now": NOW}));
    for (index, request) in requests.iter().enumerate() {
        let mut request = request.clone();
        request["id"] = (index + 1).into();
        request["now"] = NOW.into();
        input.push_str(&request.to_string());
        input.push('\n');
    }
    let mut output = Vec::new();
    serve(subject, input.as_bytes(), &mut output).unwrap();
    let lines = String::from_utf8(output).unwrap();
    lines.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn model() -> Box<dyn Subject> {
    Box::new(ModelSubject::new(Manifest::reference()))
}

fn cookie_model() -> Box<dyn Subject> {
    let mut manifest = Manifest::reference();
    manifest.capabilities.server_side = false;
    Box::new(ModelSubject::new(manifest))
}

fn memory() -> Box<dyn Subject> {
    let open = |env: &Env, _| Ok::<_, std::convert::Infallible>(MemoryStore::with_clock(100, env.clock()));
    Box::new(StoreSubject::new("memory", "", open, StoreHooks::default()).unwrap())
}

fn cookie() -> Box<dyn Subject> {
    let open = |env: &Env, _| CookieStore::with_clock(env.settings(), env.clock());
    Box::new(StoreSubject::new("cookie", "", open, StoreHooks::default()).unwrap())
}

fn file() -> Box<dyn Subject> {
    let open = |env: &Env, _| FileStore::open_with_clock(env.dir(), env.settings(), env.clock());
    Box::new(StoreSubject::new("file", "", open, StoreHooks::default()).unwrap())
}

/// An answer without what may differ: the words of errors, and keys that were made.
fn comparable(mut answer: Value, given: &[&str]) -> Value {
    if answer["error"].is_object() {
        answer["error"]["message"] = "".into();
    }
    if answer["session"]["key"].as_str().is_some_and(|key| !given.contains(&key)) {
        answer["session"]["key"] = "made".into();
    }
    answer
}

#[rstest]
#[case::server_side(model(), memory())]
#[case::client_side(cookie_model(), cookie())]
fn the_model_answers_as_the_stores_do(
    #[case] mut model: Box<dyn Subject>,
    #[case] mut store: Box<dyn Subject>,
) {
    let (one, two) = ("aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb");
    let requests = [
        json!({"op": "session", "session": 1, "client": 0, "key": one}),
        json!({"op": "session", "session": 2, "client": 0, "key": two}),
        json!({"op": "is-empty", "session": 1}),
        json!({"op": "is-empty", "session": 2}),
        json!({"op": "save-must-create", "session": 1}),
        json!({"op": "get", "session": 2, "name": "a"}),
        json!({"op": "session", "session": 7, "client": 0, "key": null}),
        json!({"op": "set", "session": 7, "name": "a", "value": 1}),
        json!({"op": "save-must-create", "session": 7}),
        json!({"op": "save-must-create", "session": 7}),
        json!({"op": "items", "session": 7}),
    ];
    let wanted = answers(&mut *model, &requests);
    let seen = answers(&mut *store, &requests);
    for ((request, wanted), seen) in requests.iter().zip(wanted).zip(seen) {
        let comparable = |answer| comparable(answer, &[one, two]);
        assert_eq!(comparable(wanted), comparable(seen), "{request}");
    }
}

/// What is not as the protocol has it is answered as that, by every subject, and nothing is done.
#[rstest]
#[case(json!({"op": "session", "session": 4_294_967_295_u32, "client": 0, "key": null}), "from 1 to 100000")]
#[case(json!({"op": "session", "session": 0, "client": 0, "key": null}), "from 1 to 100000")]
#[case(json!({"op": "session", "session": 1, "client": 0}), "needs the field `key`")]
#[case(json!({"op": "session", "session": 1, "client": 0, "key": 5}), "`key` must be text")]
#[case(json!({"op": "session", "session": 1, "client": 2, "key": null}), "no client 2")]
#[case(json!({"op": "exists", "client": 0, "key": null}), "`key` must be text")]
#[case(json!({"op": "save", "session": 5}), "no session object 5")]
#[case(json!({"op": "set", "session": 1, "name": 5, "value": 1}), "`name` must be text")]
#[case(json!({"op": "set", "session": 1, "name": "a"}), "needs the field `value`")]
#[case(json!({"op": "fly"}), "no operation `fly`")]
fn a_wrong_request_is_told_what_is_wrong(#[case] request: Value, #[case] said: &str) {
    for mut subject in [model(), memory()] {
        let answer = answers(&mut *subject, std::slice::from_ref(&request)).remove(0);
        assert_eq!(answer["error"]["kind"], "protocol", "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_line_without_an_id_is_answered_under_none() {
    let mut output = Vec::new();
    serve(&mut *model(), &b"{\"op\":\"bye\"}\nrubbish\n"[..], &mut output).unwrap();
    let answers = String::from_utf8(output).unwrap();
    assert_eq!(answers.matches("{\"id\":null,\"error\":{\"kind\":\"protocol\"").count(), 2, "{answers}");
}

#[test]
fn a_request_of_a_later_suite_is_understood_as_far_as_it_is_known() {
    let request = json!({"op": "exists", "client": 0, "key": "aaaaaaaaaaaaaaaa", "priority": "low"});
    assert_eq!(answers(&mut *model(), &[request]), [json!({"id": 1, "ok": false})]);
}

#[test]
fn a_name_with_half_a_surrogate_pair_is_kept_or_refused_by_its_kind() {
    let lines = format!(
        "{}\n{}\n{}\n{}\n",
        json!({"id": 1, "op": "open", "now": NOW}),
        json!({"id": 2, "op": "session", "now": NOW, "session": 1, "client": 0, "key": null}),
        format_args!(r#"{{"id":3,"op":"update","now":{NOW},"session":1,"items":{{"\ud800":1}}}}"#),
        format_args!(r#"{{"id":4,"op":"items","now":{NOW},"session":1}}"#),
    );
    let mut output = Vec::new();
    serve(&mut *model(), lines.as_bytes(), &mut output).unwrap();
    let answers = String::from_utf8(output).unwrap();
    assert!(answers.lines().last().unwrap().starts_with(r#"{"id":4,"ok":{"\ud800":1},"#), "{answers}");
    let mut output = Vec::new();
    serve(&mut *memory(), lines.as_bytes(), &mut output).unwrap();
    let answers = String::from_utf8(output).unwrap();
    let third = answers.lines().nth(2).unwrap();
    assert!(third.contains("\"ok\":null") || third.contains("unrepresentable"), "{answers}");
}

#[test]
fn the_files_of_a_served_store_are_where_the_suite_says() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let requests = [
        json!({"op": "open", "dir": dir, "settings": {"cookie_age": 60, "later": true}}),
        json!({"op": "session", "session": 1, "client": 0, "key": null}),
        json!({"op": "save", "session": 1}),
        json!({"op": "open", "dir": dir}),
    ];
    let mut subject = file();
    for answer in answers(&mut *subject, &requests[..3]) {
        assert_eq!(answer["ok"], Value::Null, "{answer}");
    }
    let files = || walk(directory.path());
    assert_eq!(files(), 1);
    answers(&mut *subject, &requests[3..]);
    assert_eq!(files(), 0, "a storage that is opened is empty");
}

/// How many files are below a directory.
fn walk(directory: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

/// A search that begins with what is refused does not get far.
#[test]
fn what_fuzzing_begins_with_is_understood() {
    let requests = include_str!("../../fuzz/seeds/requests.jsonl");
    let mut output = Vec::new();
    serve(&mut *model(), requests.as_bytes(), &mut output).unwrap();
    let answers = String::from_utf8(output).unwrap();
    assert_eq!(answers.lines().count(), requests.lines().count());
    for answer in answers.lines() {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert!(answer.get("error").is_none(), "{answer}");
    }
    let [report, list] = include_str!("../../fuzz/seeds/report.jsonl").lines().collect::<Vec<_>>()[..] else {
        panic!("there are a report and a list of known failures");
    };
    Written::parse(report).unwrap();
    KnownFailures::parse(list).unwrap();
}
