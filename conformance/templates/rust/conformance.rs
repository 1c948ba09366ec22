//! The whole suite on this store: one test per rule.

fn main() -> std::process::ExitCode {
    session_conformance::main(|env| Ok::<_, std::convert::Infallible>(my_store::MyStore::open(env.clock())))
}
