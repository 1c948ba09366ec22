//! How many steps of generated traces are done and checked in a second: drawn, predicted by the model, done
//! by the subject and compared.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use session_backends::MemoryStore;
use session_conformance::generate::Generator;
use session_conformance::manifest::Manifest;
use session_conformance::model::Errata;
use session_conformance::runner::{Coverage, Verdict, run_trace};
use session_conformance::subject::{
    AdapterCommand, Env, Fault, ModelSubject, StoreHooks, StoreSubject, Subject, process_subject,
};

/// Draws and runs traces; gives the number of steps.
fn traces(subject: &mut dyn Subject, count: usize) -> u64 {
    let mut coverage = Coverage::default();
    let generator = Generator::new(subject.manifest(), 0x51f2, 40);
    for trace in generator.take(count) {
        let verdict = run_trace(subject, &trace, Errata::Imitated, &mut coverage);
        assert!(matches!(verdict, Verdict::Held { .. }), "{verdict:?}");
    }
    coverage.steps
}

fn bench(c: &mut Criterion, name: &str, count: usize, subject: &mut dyn Subject) {
    let mut group = c.benchmark_group("suite");
    group.sample_size(10);
    group.throughput(Throughput::Elements(traces(subject, count)));
    group.bench_function(name, |b| b.iter(|| traces(subject, count)));
    group.finish();
}

fn suite(c: &mut Criterion) {
    bench(c, "model", 2_000, &mut ModelSubject::new(Manifest::reference()));
    let open = |env: &Env, _| Ok::<_, Fault>(MemoryStore::with_clock(10_000, env.clock()));
    let mut memory = StoreSubject::new("memory", "", open, StoreHooks::default()).unwrap();
    bench(c, "memory", 2_000, &mut memory);

    let adapter = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/python-dict/adapter.py");
    let command = AdapterCommand::parse(&format!("python3 '{adapter}'")).unwrap();
    match process_subject(&command) {
        Ok(mut python) => bench(c, "stdio", 200, &mut *python),
        Err(fault) => eprintln!("suite/stdio is not measured: {fault}"),
    }
}

criterion_group!(benches, suite);
criterion_main!(benches);
