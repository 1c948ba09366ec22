//! What a user of `sessionspec` types and sees: results, reports, and what is said of bad input.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod command;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::{adapter, sessionspec, sessionspec_in};
use rstest::rstest;
use serde_json::Value;

#[test]
fn the_suite_holds_on_every_embedded_store_and_says_so_in_a_line() {
    let run = sessionspec(&["run", "--cases", "20", "--seed", "7"]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""));
    for subject in ["model", "memory", "sqlite", "file", "cookie", "cached_db"] {
        assert!(run.stdout.contains(&format!("\n{subject} 0.")), "{}", run.stdout);
    }
    let last = run.stdout.lines().rev().nth(1).unwrap();
    assert!(last.starts_with("all held: ") && last.contains(" rules on 6 subjects, "), "{last}");
    assert!(last.contains("seed 0x7"), "{last}");
}

#[test]
fn the_same_seed_gives_the_same_steps_whatever_runs_beside_them() {
    let steps = |arguments: &[&str]| {
        let stdout = sessionspec(arguments).stdout;
        stdout.lines().find(|line| line.starts_with("model 0")).unwrap().to_owned()
    };
    let alone = steps(&["run", "--store", "model", "--cases", "30"]);
    let beside = steps(&["run", "--store", "memory", "--store", "model", "--cases", "30", "--jobs", "1"]);
    assert_eq!(alone, beside);
}

/// What was asked for cannot be done: status 2, nothing on standard output, and an error that names the
/// thing and what to do.
#[rstest]
#[case::unknown_store(&["run", "--store", "sqlit"], &["there is no store `sqlit`", "memory, sqlite"])]
#[case::unknown_scheme(&["run", "--store", "mysql://h/db"], &["no store has URLs with `mysql:`"])]
#[case::no_path(&["run", "--store", "sqlite:"], &["sqlite: needs a path, as in sqlite:"])]
#[case::no_directory(&["run", "--store", "sqlite:no/such/place.db"], &["no/such/place.db", "unable to open"])]
#[case::unclosed_quote(&["run", "--cmd", "python3 'x"], &["`python3 'x`", "quote that is not closed"])]
#[case::empty_command(&["run", "--cmd", " "], &["give a program"])]
#[case::no_program(&["run", "--cmd", "no-such-program --x"], &["cannot start `no-such-program`"])]
#[case::rule_that_is_none(&["run", "--rules", "lifecicle.*"], &["no rule fits `lifecicle.*`", "sessionspec rules"])]
#[case::rule_of_another_command(&["run", "--rules", "middleware.*"], &["`middleware.*` fits only", "sessionspec http"])]
#[case::bad_seed(&["run", "--seed", "0xg"], &["0xg", "decimal or 0x"])]
#[case::bad_budget(&["run", "--budget", "20"], &["'20'", "--budget", "20s"])]
#[case::bad_jobs(&["run", "--jobs", "0"], &["--jobs"])]
#[case::bad_report(&["run", "--report", "xml=x.xml"], &["json=FILE, junit=FILE, html=FILE or md=FILE"])]
#[case::no_such_profile(&["run", "--profile", "slow"], &["quick", "full"])]
#[case::nothing_known(&["run", "--store", "model", "--cases", "0", "--known-failures", "x"], &["cannot read the known failures in x"])]
#[case::nothing_to_update(&["run", "--update"], &["--known-failures"])]
#[case::unwritable_report(
    &["run", "--store", "model", "--cases", "0", "--report", "json=no/such/r.json"],
    &["cannot write the report to no/such/r.json"]
)]
#[case::no_trace(&["replay", "no.jsonl", "--store", "model"], &["cannot read no.jsonl"])]
#[case::two_subjects(&["replay", "x.jsonl", "--store", "model", "--store", "memory"], &["x.jsonl"])]
#[case::one_subject(&["compare", "--store", "model"], &["name two subjects"])]
#[case::nothing_to_serve(&["serve"], &["--store"])]
#[case::unknown_rule(&["rules", "lifecycle.save"], &["no rule fits `lifecycle.save`"])]
#[case::unknown_schema(&["schema", "reports"], &["'reports'", "report"])]
fn what_cannot_be_done_is_refused_by_name(#[case] arguments: &[&str], #[case] said: &[&str]) {
    let run = sessionspec(arguments);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    for words in said {
        assert!(run.stderr.contains(words), "{words:?} is not said: {}", run.stderr);
    }
}

/// A broken adapter is the adapter's fault and not its store's: status 2, `harness-error`, and the line
/// that was wrong.
#[rstest]
#[case::rubbish("s/^{\\\"id\\\":3,.*/Hello!/", &["is not JSON", "Hello!"])]
#[case::wrong_id("s/^{\\\"id\\\":3,/{\\\"id\\\":33,/", &["has id 33 where 3 was asked"])]
#[case::no_id("s/^{\\\"id\\\":3,/{/", &["has no `id`"])]
#[case::no_answer("s/\\\"ok\\\":.*/\\\"session\\\":null}/", &["`hello`", "either `ok` or `error`"])]
#[case::unknown_field("s/^{\\\"id\\\":3,/{\\\"id\\\":3,\\\"x\\\":1,/", &["a field `x` that the protocol does not know"])]
#[case::other_version("s/\\\"protocol\\\":1/\\\"protocol\\\":9/", &["speaks protocol 9; this sessionspec speaks 1"])]
#[case::no_manifest("s/\\\"name\\\":/\\\"nom\\\":/", &["is no manifest", "missing field `name`"])]
#[case::missing(
    "s/\\\"name\\\":/\\\"x\\\":/;s/\\\"shared\\\":/\\\"y\\\":/;s/\\\"values\\\":/\\\"z\\\":/",
    &["`name`, `capabilities.shared` and `values` are missing"]
)]
fn an_adapter_that_breaks_the_protocol_is_told_what_it_wrote(#[case] script: &str, #[case] said: &[&str]) {
    let run = sessionspec(&["run", "--cases", "5", "--cmd", &adapter(script)]);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    let all = run.stdout + &run.stderr;
    for words in said {
        assert!(all.contains(words), "{words:?} is not said: {all}");
    }
    assert!(!all.contains("FAIL "), "a store was blamed: {all}");
}

/// The guide's adapter, changed so that expired records hold their keys until they are swept, of which it tells no number.
#[test]
fn an_adapter_that_does_not_count_what_it_sweeps_is_not_held_to_have_counted() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python-dict/adapter.py");
    let mut adapter = fs::read_to_string(python).unwrap();
    for (from, to) in [
        ("\"gone\"", "\"kept\""),
        ("\"automatic\"", "\"sweeps\""),
        (
            "    if op in (\"clear-expired\", \"bye\"):\n",
            "    if op == \"clear-expired\":\n        for name in [it for it in records if records[it][\"expires_us\"] < now]:\n            \
             del records[name]\n    if op in (\"clear-expired\", \"bye\"):\n",
        ),
        (
            "    if key in records and records[key][\"expires_us\"] <= now:",
            "    if op == \"load\" and key in records and records[key][\"expires_us\"] <= now:\n        return {\"ok\": None}\n    \
             if False:",
        ),
    ] {
        assert!(adapter.contains(from), "{from}");
        adapter = adapter.replace(from, to);
    }
    let file = tempfile::Builder::new().suffix(".py").tempfile().unwrap();
    fs::write(&file, adapter).unwrap();
    let command = shlex::try_join(["python3", file.path().to_str().unwrap()]).unwrap();
    let run = sessionspec(&["run", "--rules", "expiry.clear.*", "--cases", "20", "--cmd", &command]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
}

/// The same at the level of stores, on the guide's adapter.
#[rstest]
#[case::seconds(r#"s/("expires_us": [0-9]+)000000([,}])/\1\2/"#, "gives `expires_us` in seconds: 18")]
#[case::milliseconds(r#"s/("expires_us": [0-9]+)000([,}])/\1\2/"#, "gives `expires_us` in milliseconds: 18")]
#[case::beyond(
    r#"s/"expires_us": [0-9]+/"expires_us": 253402300800000000/"#,
    "`expires_us` that is beyond the year 9999"
)]
#[case::float(r#"s/("expires_us": [0-9]+)/\1.0/"#, "as an integer, not 1")]
#[case::no_bool(
    r#"s/"persistent": (true|false)/"persistent": "no"/"#,
    "`capabilities.persistent`: invalid type: string"
)]
fn an_adapter_of_a_store_that_breaks_the_protocol_is_told_how(#[case] script: &str, #[case] said: &str) {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python-dict/adapter.py");
    let adapter = shlex::try_join(["sh", "-c", &format!("python3 {python} | sed -uE '{script}'")]).unwrap();
    let run = sessionspec(&["run", "--cases", "5", "--cmd", &adapter]);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    let all = run.stdout + &run.stderr;
    assert!(all.contains(said), "{said:?} is not said: {all}");
    assert!(!all.contains("FAIL "), "a store was blamed: {all}");
}

#[test]
fn a_delete_that_calls_an_unknown_key_an_error_breaks_a_rule() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python-dict/adapter.py");
    let refused = r#"
        case "delete" if key not in records:
            return {"error": {"kind": "key-error", "message": "there is no such record"}}
        case "delete":"#;
    let wrong = fs::read_to_string(python).unwrap().replace("\n        case \"delete\":", refused);
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("adapter.py"), wrong).unwrap();
    let run = sessionspec_in(directory.path(), &["run", "--cases", "5", "--cmd", "python3 adapter.py"]);
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("FAIL r[lifecycle.delete.idempotent]"), "{}", run.stdout);
}

#[test]
fn an_adapter_that_does_not_start_is_shown_with_its_log() {
    let run = sessionspec(&["run", "--cmd", "sh -c 'echo the reason >&2; exit 3'"]);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("exit status: 3") && run.stderr.contains("the reason"), "{}", run.stderr);
}

#[test]
fn a_store_whose_adapter_dies_is_at_fault_for_the_rule_in_flight() {
    // After 40 requests it sees no more, and ends.
    let dying = format!("sh -c 'sed -u 40q | {} serve --model'", env!("CARGO_BIN_EXE_sessionspec"));
    let run = sessionspec(&["run", "--cases", "5", "--cmd", &dying]);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    let crash = run.stdout.lines().find(|line| line.starts_with("model: crash "));
    assert!(
        crash.is_some_and(|line| line.contains("the adapter ended with exit status: 0")),
        "{}",
        run.stdout
    );
    // What it was doing is shown as a failure is, with the way to see it again.
    let block = run.stdout.split("\n\n").find(|block| block.starts_with("CRASH r["));
    let block = block.unwrap_or_else(|| panic!("{}", run.stdout));
    for part in
        ["crash        <- here", "  why:    the adapter ended", "  spec:   docs/spec/", " replay target/"]
    {
        assert!(block.contains(part), "{part}: {block}");
    }
}

#[test]
fn a_served_model_passes_the_suite_and_the_doctor() {
    let run = sessionspec(&["run", "--cases", "20", "--cmd", &adapter("")]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""), "{}", run.stdout);
    assert!(run.stdout.contains("  not applicable: the store keeps the records (11), "), "{}", run.stdout);
    let run = sessionspec(&["doctor", "--cmd", &adapter("")]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""), "{}", run.stdout);
    assert!(run.stdout.lines().count() > 30 && !run.stdout.contains("WRONG"), "{}", run.stdout);
    assert!(run.stdout.contains("`open` again: what was stored before is gone\n"), "{}", run.stdout);
}

#[test]
fn the_doctor_shows_the_first_line_that_is_wrong() {
    let run = sessionspec(&["doctor", "--cmd", &adapter("s/\\\"accessed\\\":true/\\\"accessed\\\":1/")]);
    assert_eq!(run.status, Some(2));
    let wrong: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert_eq!(wrong.len(), 1, "{}", run.stdout);
    assert!(wrong[0].contains("accessed"), "{}", run.stdout);
    assert!(run.stderr.contains("docs/guides/adapter.md"), "{}", run.stderr);
}

#[test]
fn a_broken_store_gives_a_trace_that_shows_it_again() {
    // An adapter that answers an update of what is gone as if it had worked.
    let broken = adapter("s/\\\"error\\\":{\\\"kind\\\":\\\"update-error\\\"[^}]*}/\\\"ok\\\":null/");
    let directory = tempfile::tempdir().unwrap();
    let run = sessionspec_in(directory.path(), &["run", "--cases", "50", "--cmd", &broken]);
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("FAIL r[lifecycle.save.refused]"), "{}", run.stdout);
    let replay = run.stdout.lines().find_map(|line| line.trim().strip_prefix("replay: cargo sessionspec "));
    let words = shlex::split(replay.unwrap()).unwrap();
    let again = sessionspec_in(directory.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(again.status, Some(1), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains("FAIL r["), "{}", again.stdout);
    let trace = directory.path().join(words[1].as_str());
    let held = sessionspec_in(directory.path(), &["replay", trace.to_str().unwrap(), "--store", "model"]);
    assert_eq!(held.status, Some(0), "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.lines().last().unwrap().starts_with("held: "), "{}", held.stdout);
}

#[test]
fn a_trace_that_is_cut_or_of_another_version_is_refused() {
    let whole = include_str!("../golden/lifecycle.save.no-resurrect.jsonl");
    let cases = [
        ("cut in a line", whole[..whole.len() / 2].to_owned(), "line"),
        ("cut at a line", whole.rsplitn(2, "\n{").last().unwrap().to_owned() + "\n", "cut"),
        ("another version", whole.replacen('1', "99", 1), "99"),
        ("empty", String::new(), "empty"),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (case, text, said) in cases {
        fs::write(directory.path().join("t.jsonl"), text).unwrap();
        let run = sessionspec_in(directory.path(), &["replay", "t.jsonl", "--store", "model"]);
        assert_eq!(run.status, Some(2), "{case}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("t.jsonl") && run.stderr.contains(said), "{case}: {}", run.stderr);
    }
}

#[test]
fn two_subjects_are_compared_up_to_the_first_difference() {
    let run = sessionspec(&["compare", "--store", "model", "--store", "sqlite", "--cases", "20"]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""), "{}", run.stdout);
    assert!(run.stdout.starts_with("model and sqlite do the same on "), "{}", run.stdout);
    let broken = adapter("s/\\\"modified\\\":true/\\\"modified\\\":false/");
    let run = sessionspec(&["compare", "--store", "model", "--cmd", &broken, "--cases", "20"]);
    assert_eq!((run.status, run.stderr()), (Some(1), ""), "{}", run.stdout);
    assert!(run.stdout.contains("modified"), "{}", run.stdout);
}

#[test]
fn a_database_with_sessions_in_it_is_not_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("used.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE django_session (session_key, session_data, expire_date)").unwrap();
    connection.execute("INSERT INTO django_session VALUES ('k', 'd', '2030-01-01')", []).unwrap();
    let run = sessionspec_in(directory.path(), &["run", "--store", "sqlite:used.db"]);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("used.db holds 1 session,") && run.stderr.contains("new file"),
        "{}",
        run.stderr
    );
    let count: i64 =
        connection.query_row("SELECT count(*) FROM django_session", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

/// Nobody listens at that port.
#[cfg(all(feature = "memcached", feature = "postgres", feature = "redis"))]
#[rstest]
#[case::redis("redis://127.0.0.1:1")]
#[case::memcached("memcached://127.0.0.1:1")]
#[case::postgres("postgres://127.0.0.1:1/sessions?user=somebody")]
fn a_server_that_cannot_be_reached_is_named_with_the_reason(#[case] url: &str) {
    let run = sessionspec(&["run", "--store", url, "--cases", "0"]);
    assert_eq!((run.status, &*run.stdout), (Some(2), ""));
    let (stderr, address) = (run.stderr(), "127.0.0.1:1");
    assert!(stderr.contains(address) && stderr.to_lowercase().contains("connection refused"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_database_that_may_not_be_written_is_named_with_the_remedy_and_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let directory = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let database = directory.path().join("read-only.db");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
    let before = fs::read(&database).unwrap();
    // The system's administrator may write everywhere, so then it is tried as somebody else, with a program
    // that everybody can reach.
    let program = directory.path().join("sessionspec");
    fs::copy(env!("CARGO_BIN_EXE_sessionspec"), &program).unwrap();
    mode(&program, 0o755);
    mode(&database, 0o444);
    mode(directory.path(), 0o555);
    let mut command = Command::new(&program);
    if fs::OpenOptions::new().write(true).open(&database).is_ok() {
        command.uid(65_534).gid(65_534);
    }
    let output =
        command.current_dir(&directory).args(["run", "--store", "sqlite:read-only.db"]).output().unwrap();
    mode(directory.path(), 0o755);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for words in ["read-only.db", "readonly database", "make the file and its directory writable"] {
        assert!(stderr.contains(words), "{words:?} is not said: {stderr}");
    }
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn a_database_of_its_own_holds_too() {
    let run = sessionspec(&["run", "--store", "sqlite:new.db", "--cases", "5"]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""), "{}", run.stdout);
}

#[test]
fn only_what_is_known_to_be_broken_is_excused() {
    let directory = tempfile::tempdir().unwrap();
    let broken = adapter("s/\\\"error\\\":{\\\"kind\\\":\\\"update-error\\\"[^}]*}/\\\"ok\\\":null/");
    let healthy = adapter("");
    let run = |cmd: &str, more: &[&str]| {
        let arguments =
            [&["run", "--cmd", cmd, "--cases", "0", "--known-failures", "known.json"], more].concat();
        sessionspec_in(directory.path(), &arguments)
    };
    let file = directory.path().join("known.json");
    let written = run(&broken, &["--update"]);
    assert_eq!(written.status, Some(0), "{}{}", written.stdout, written.stderr);
    let known = fs::read_to_string(&file).unwrap();
    assert!(known.contains("lifecycle.save.no-resurrect") && known.contains("not explained yet"), "{known}");
    let again = run(&broken, &[]);
    assert_eq!(again.status, Some(0), "{}{}", again.stdout, again.stderr);
    assert!(!again.stdout.contains("FAIL r["), "{}", again.stdout);
    let mended = run(&healthy, &[]);
    assert_eq!(mended.status, Some(1), "{}{}", mended.stdout, mended.stderr);
    assert!(mended.stdout.contains("take it off the list"), "{}", mended.stdout);
    fs::write(&file, known.replace("\"fingerprint\": \"", "\"fingerprint\": \"0")).unwrap();
    let other = run(&broken, &[]);
    assert_eq!(other.status, Some(1), "{}{}", other.stdout, other.stderr);
    assert_eq!(run(&healthy, &["--update"]).status, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "[]\n");
}

fn report(arguments: &[&str]) -> (Value, String) {
    let directory = tempfile::tempdir().unwrap();
    let (json, junit): (PathBuf, PathBuf) = (directory.path().join("r.json"), directory.path().join("r.xml"));
    let (json_option, junit_option) =
        (format!("json={}", json.display()), format!("junit={}", junit.display()));
    let mut all = vec!["run", "--cases", "20", "--report", &json_option, "--report", &junit_option];
    all.extend(arguments);
    sessionspec_in(directory.path(), &all);
    (serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap(), fs::read_to_string(junit).unwrap())
}

fn schema(what: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&sessionspec(&["schema", what]).stdout).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_reports_hold_what_the_table_shows() {
    let broken = adapter("s/\\\"error\\\":{\\\"kind\\\":\\\"update-error\\\"[^}]*}/\\\"ok\\\":null/");
    let (json, junit) = report(&["--store", "sqlite", "--cmd", &broken]);
    schema("report").validate(&json).unwrap();
    assert_eq!(json["footer"], serde_json::json!({"complete": true, "subjects": 2}));
    let rules = |subject: usize| json["subjects"][subject]["rules"].as_array().unwrap();
    let count = |subject, status: &str| rules(subject).iter().filter(|rule| rule["status"] == status).count();
    assert_eq!(count(0, "pass") + count(0, "not-applicable"), rules(0).len());
    assert!(count(1, "fail") > 0);
    let failed = rules(1).iter().find(|rule| rule["id"] == "lifecycle.save.no-resurrect").unwrap();
    assert_eq!(failed["status"], "fail");
    let trace = failed["trace"].as_str().unwrap();
    let line_schema = schema("trace");
    for line in trace.lines() {
        line_schema.validate(&serde_json::from_str(line).unwrap()).unwrap();
    }
    assert_eq!(junit.matches("<failure").count(), count(1, "fail"), "{junit}");
    assert_eq!(junit.matches("<testcase").count(), rules(0).len() + rules(1).len());
    assert_eq!(junit.matches("<skipped").count(), count(0, "not-applicable") + count(1, "not-applicable"));
}

#[test]
fn every_golden_trace_fits_the_schema_of_traces_and_nothing_else_does() {
    let line_schema = schema("trace");
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).unwrap() {
        let path = file.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            // Names with half a surrogate pair are JSON that the validator's reader does not take.
            let Ok(line) = serde_json::from_str(line) else {
                assert!(path.ends_with("data.names.surrogates.jsonl"), "{}: {line}", path.display());
                continue;
            };
            line_schema.validate(&line).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    assert!(!line_schema.is_valid(&serde_json::json!({"op": "frobnicate"})));
    assert!(!line_schema.is_valid(&serde_json::json!({"op": "save", "sesion": 1})));
}

/// Checks every line that went over the wire between the suite and an adapter, and which operations were among them.
fn fits_the_schema_of_the_protocol(adapter: &str, operations: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let adapter = format!("sh -c 'tee requests | {adapter} | tee answers'");
    let run = sessionspec_in(directory.path(), &["run", "--cases", "20", "--cmd", &adapter]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);

    let schema: Value = serde_json::from_str(&sessionspec(&["schema", "protocol"]).stdout).unwrap();
    let validator = |form: &Value| {
        let mut schema = schema.clone();
        schema["anyOf"] = serde_json::json!([form]);
        jsonschema::validator_for(&schema).unwrap()
    };
    for (file, form) in [("requests", &schema["anyOf"][0]), ("answers", &schema["anyOf"][1])] {
        let validator = validator(form);
        let text = fs::read_to_string(directory.path().join(file)).unwrap();
        // NaN and halves of surrogate pairs go over the wire too, and a strict reader does not take them.
        let strict: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for line in &strict {
            validator.validate(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        let (count, all) = (strict.len(), text.lines().count());
        assert!(count > 400 && count + 100 > all, "{count} of {all}");
        if file == "requests" {
            for operation in operations {
                assert!(strict.iter().any(|line| line["op"] == *operation), "`{operation}` was never asked");
            }
        }
    }
    let answers = fs::read_to_string(directory.path().join("answers")).unwrap();
    let hello: Value = serde_json::from_str(answers.lines().next().unwrap()).unwrap();
    validator(&schema["manifest"]).validate(&hello["ok"]).unwrap();
}

#[test]
fn what_goes_over_the_wire_fits_the_schema_of_the_protocol_at_the_level_of_sessions() {
    let serve = format!("{} serve --model", env!("CARGO_BIN_EXE_sessionspec"));
    let operations =
        ["hello", "open", "session", "update", "set-expiry", "get-expiry-age", "force-keys", "damage"];
    fits_the_schema_of_the_protocol(&serve, &operations);
}

#[test]
fn what_goes_over_the_wire_fits_the_schema_of_the_protocol_at_the_level_of_stores() {
    let adapter = concat!("python3 ", env!("CARGO_MANIFEST_DIR"), "/adapters/python-dict/adapter.py");
    let operations =
        ["hello", "open", "reopen", "exists", "load", "insert", "update", "delete", "clear-expired"];
    fits_the_schema_of_the_protocol(adapter, &operations);
}

#[test]
fn what_is_not_of_the_protocol_does_not_fit_its_schema() {
    let validator = schema("protocol");
    for right in [
        serde_json::json!({"id": 1, "op": "insert", "now": 0, "client": 0, "key": "k", "data": {}, "expires_us": 5}),
        serde_json::json!({"id": null, "error": {"kind": "protocol", "message": "what?"}}),
        serde_json::json!({"id": 1, "ok": null, "session": {"key": null, "accessed": false, "modified": false}}),
    ] {
        assert!(validator.is_valid(&right), "{right}");
    }
    for wrong in [
        serde_json::json!({"id": 1, "op": "insert", "now": 0, "client": 0, "key": "k", "data": {}}),
        serde_json::json!({"id": 1, "op": "frobnicate", "now": 0}),
        serde_json::json!({"id": 1, "op": "set", "now": 0, "session": 1, "name": "a"}),
        serde_json::json!({"id": 1, "op": "exists", "key": "k"}),
        serde_json::json!({"id": 1}),
        serde_json::json!({"id": 1, "ok": null, "error": {"kind": "corrupt"}}),
        serde_json::json!({"id": 1, "error": {"kind": "odd"}}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn a_served_store_tells_its_log_on_standard_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessionspec"));
    let run = |log: &str, command: &mut Command| {
        let command = command.args(["serve", "--store", "memory"]).env("RUST_LOG", log).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run("debug", &mut command).0, Some(0));
    let (status, error) = run("session_core=loud", &mut Command::new(env!("CARGO_BIN_EXE_sessionspec")));
    assert_eq!(status, Some(2));
    assert!(error.contains("RUST_LOG=session_core=loud"), "{error}");
}
