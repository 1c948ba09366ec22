//! The whole suite on this store: one test per rule.

fn main() -> std::process::ExitCode {
    session_conformance::main(|env| tiny_store::TinyStore::open(env.dir(), env.clock()))
}
