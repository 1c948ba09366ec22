//! Traces and schedules.

use session_conformance::golden::check_stated;
use session_conformance::manifest::Manifest;
use session_conformance::model::{Errata, Model};
use session_conformance::schedule::Schedule;
use session_conformance::trace::TraceFile;

/// What is read can be written and read again; the model does every trace.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if Schedule::is_one(text) {
        let Ok(schedule) = Schedule::parse(text) else { return };
        assert_eq!(Schedule::parse(&schedule.to_jsonl(None)), Ok(schedule));
        return;
    }
    let Ok(file) = TraceFile::parse(text) else { return };
    let again = TraceFile::parse(&file.trace.to_jsonl(file.rule.as_deref())).expect("it was written here");
    assert_eq!(again.trace, file.trace);
    let manifest = Manifest::reference();
    let _ = check_stated(&file, &manifest);
    let mut model = Model::new(&manifest, file.trace.settings, Errata::Enforced);
    for step in &file.trace.steps {
        let _ = model.step(step);
    }
}
