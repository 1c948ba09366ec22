//! A regression test for r[key.fresh]: Every created session gets a key of its own that was never issued before.
//! Paste it into the store's `tests/` and put the store's own opening in the place of `MyStore`.

#[test]
fn key_fresh_5199d595() {
    session_conformance::check_trace(
        |env| MyStore::open(env.dir(), env.clock()),
        r#####"{"sessionspec_trace":1,"rule":"key.fresh","steps":11}
{"op":"new"}
{"op":"open","key":"k1"}
{"op":"save","session":1}
{"op":"open","key":"k1"}
{"op":"cycle-key","session":1}
{"op":"force-key","key":"k2"}
{"op":"set-expiry","session":2,"expiry":{"seconds":1000000000000}}
{"op":"force-key","key":"k1"}
{"op":"save","session":2}
{"op":"get","session":3,"name":"a"}
{"op":"save","session":3}
"#####,
    );
}
