//! Stores whose key is the data, which sign, age or remember wrongly.

use session_conformance::trace::SECRET;
use session_core::codec::{COOKIE_SALT, Codec, SERVER_SALT};
use session_core::signing::Signer;
use session_core::{Record, Secret, SessionKey, Settings, StoreError, stored_expiry};
use time::Duration;

use crate::fault::Base::Cookie;
use crate::fault::{Answer, Fault, Flaw, fault};
use crate::signed::Signed;

fn parsed(text: &str, key: &SessionKey) -> SessionKey {
    SessionKey::parse(text).unwrap_or_else(|| key.clone())
}

/// The list of secrets from its other end.
fn oldest_first(settings: &mut Settings) {
    if let Some(oldest) = settings.secret_key_fallbacks.pop() {
        settings.secret_key_fallbacks.push(std::mem::replace(&mut settings.secret_key, oldest));
    }
}

/// What a cookie holds that was signed by a secret for a purpose.
fn signed_by(it: &Signed, key: &SessionKey, secret: &str, salt: &str) -> Answer<Option<Record>> {
    let settings = Settings::new(secret);
    let codec = Codec::new(&settings, salt).unwrap();
    match codec.decode_with_time(key.as_str()) {
        Ok((data, at)) => {
            let expires = stored_expiry(&data, at, &settings);
            Ok((it.now() < expires).then(|| Record::new(data, expires)))
        }
        Err(_) => it.read(key),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "cookie-of-another-purpose-accepted",
        "key.forged.salt",
        "a cookie that the same secret signed for another purpose is accepted",
        "one salt for everything",
        Cookie,
        Flaw::Read(|it, key| signed_by(it, key, SECRET, SERVER_SALT)),
    ),
    fault(
        "cookie-of-another-secret-accepted",
        "key.forged.secret",
        "a secret that has long been given up still counts",
        "a fallback that nobody removed",
        Cookie,
        Flaw::Read(|it, key| signed_by(it, key, "another secret", COOKIE_SALT)),
    ),
    fault(
        "cookie-without-a-signature-accepted",
        "key.forged.signature",
        "a cookie without a signature is taken for one from before signing was switched on",
        "an upgrade path that stayed open",
        Cookie,
        Flaw::Read(|it, key| {
            let signer = Signer::new(&Secret::new(SECRET), &[], COOKIE_SALT);
            let unsigned = key.as_str().split(':').count() == 2;
            if unsigned { it.read(&parsed(&signer.sign(key.as_str()), key)) } else { it.read(key) }
        }),
    ),
    fault(
        "cookie-signed-by-the-oldest-secret",
        "key.rotated.newest",
        "the last secret of the list signs, and the list begins with the newest",
        "CVE-2025-47278 (Flask)",
        Cookie,
        Flaw::Signs(|it, key, record| it.with_secrets(oldest_first).insert(key, record)),
    ),
    fault(
        "cookie-of-a-fallback-refused",
        "key.rotated.fallback",
        "fallbacks are not looked at",
        "Flask before 3.1 had none",
        Cookie,
        Flaw::Read(|it, key| it.with_secrets(|settings| settings.secret_key_fallbacks.clear()).load(key)),
    ),
    fault(
        "cookie-of-every-secret-accepted",
        "key.rotated.given-up",
        "a secret that was taken off the list is still accepted",
        "verifiers that are kept in the process",
        Cookie,
        Flaw::Read(|it, key| {
            it.with_secrets(|settings| settings.secret_key_fallbacks.push(Secret::new(SECRET))).load(key)
        }),
    ),
    fault(
        "cookie-that-does-not-verify-is-decoded",
        "key.forged.signature",
        "a cookie whose signature does not fit is decoded all the same",
        "CVE-2026-39324 (rack-session): the coder of unencrypted cookies was asked next",
        Cookie,
        Flaw::Read(|it, key| match it.read(key) {
            Err(StoreError::Corrupt { .. }) => {
                let signer = Signer::new(&Secret::new(SECRET), &[], COOKIE_SALT);
                let signed = key.as_str().split(':').take(2).collect::<Vec<_>>().join(":");
                it.read(&parsed(&signer.sign(&signed), key))
            }
            done => done,
        }),
    ),
    fault(
        "cookie-tampered-fails",
        "key.tampered",
        "a cookie that was not signed here is an error of the storage",
        "salvo#1465: a panic",
        Cookie,
        Flaw::Read(|it, key| match it.read(key) {
            Err(StoreError::Corrupt { .. }) => Err(StoreError::unavailable("load", "bad signature")),
            other => other,
        }),
    ),
    fault(
        "cookie-padded-accepted",
        "key.tampered",
        "what follows the signature is not looked at",
        "lenient base64",
        Cookie,
        Flaw::Read(|it, key| {
            it.read(&parsed(key.as_str().trim_end().split('\0').next().unwrap_or_default(), key))
        }),
    ),
    fault(
        "cookie-shortened-accepted",
        "key.tampered",
        "a signature that lacks its last character is accepted",
        "a comparison to the length of the shorter",
        Cookie,
        Flaw::All(&[
            Flaw::Signs(|it, key, record| {
                let signed = it.sign(key, record)?;
                it.memory.lock().unwrap().push((signed.as_str().to_owned(), record.clone()));
                Ok(signed)
            }),
            Flaw::Read(|it, key| {
                let known = it.memory.lock().unwrap();
                let whole = known.iter().find(|(known, _)| {
                    known.len() == key.as_str().len() + 1 && known.starts_with(key.as_str())
                });
                it.read(&whole.map_or_else(|| key.clone(), |(whole, _)| parsed(whole, key)))
            }),
        ]),
    ),
    fault(
        "cookie-in-any-case-accepted",
        "key.tampered",
        "signatures are compared without regard to case",
        "hexadecimal in lower case",
        Cookie,
        Flaw::All(&[
            Flaw::Signs(|it, key, record| {
                let signed = it.sign(key, record)?;
                it.memory.lock().unwrap().push((signed.as_str().to_owned(), record.clone()));
                Ok(signed)
            }),
            Flaw::Read(|it, key| {
                let known = it.memory.lock().unwrap();
                let same = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(key.as_str()));
                it.read(&same.map_or_else(|| key.clone(), |(same, _)| parsed(same, key)))
            }),
        ]),
    ),
    fault(
        "cookie-for-ever",
        "expiry.dead",
        "the age of a cookie is not looked at",
        "CVE-2024-31999 (@fastify/secure-session), actix-session's CookieSessionStore",
        Cookie,
        Flaw::Read(Signed::read_for_ever),
    ),
    fault(
        "cookie-a-second-too-long",
        "expiry.signed-seconds",
        "the age of a cookie counts from the next whole second",
        "",
        Cookie,
        Flaw::Read(|it, key| {
            let found = it.read_for_ever(key)?;
            let now = it.now();
            Ok(found.filter(|found| now - found.expires < Duration::milliseconds(500)))
        }),
    ),
    fault(
        "cookie-own-expiry-ignored",
        "expiry.dead",
        "every cookie lives for two weeks",
        "",
        Cookie,
        Flaw::Read(|it, key| {
            let found = it.read_for_ever(key)?;
            let own = |record: &Record| {
                record.data.get("_session_expiry").and_then(|text| text.parse::<i64>().ok())
            };
            let now = it.now();
            Ok(found.filter(|found| {
                let more = match own(found) {
                    Some(seconds) if seconds > 0 => Duration::days(14) - Duration::seconds(seconds),
                    _ => Duration::ZERO,
                };
                now - found.expires < more
            }))
        }),
    ),
    fault(
        "cookie-negative-life-loads",
        "expiry.negative",
        "a cookie whose life was over when it was signed loads",
        "",
        Cookie,
        Flaw::Read(|it, key| {
            let found = it.read_for_ever(key)?;
            let own = |record: &Record| {
                record.data.get("_session_expiry").is_some_and(|text| text.starts_with('-'))
            };
            let now = it.now();
            Ok(found.filter(|found| now < found.expires || own(found)))
        }),
    ),
    fault(
        "cookie-delete-refused",
        "lifecycle.delete.idempotent",
        "deleting a cookie is an error",
        "",
        Cookie,
        Flaw::Revokes(|_, _| Err(StoreError::unsupported("a cookie", "be deleted"))),
    ),
    fault(
        "cookie-revoked",
        "lifecycle.delete.revokes-nothing",
        "a deleted cookie no longer loads, in this process",
        "a list of what was revoked, in memory",
        Cookie,
        Flaw::All(&[
            Flaw::Revokes(|it, key| {
                let nothing = Record::new(session_core::Entries::new(), it.now());
                it.memory.lock().unwrap().push((key.as_str().to_owned(), nothing));
                Ok(())
            }),
            Flaw::Read(|it, key| {
                if it.memory.lock().unwrap().iter().any(|(revoked, _)| revoked == key.as_str()) {
                    return Ok(None);
                }
                it.read(key)
            }),
        ]),
    ),
    fault(
        "cookie-exists",
        "lifecycle.exists.unsupported",
        "`exists` tells whether the cookie is signed",
        "",
        Cookie,
        Flaw::Knows(|it, key| Ok(it.read(key).is_ok_and(|found| found.is_some()))),
    ),
    fault(
        "cookie-exists-not",
        "lifecycle.exists.unsupported",
        "`exists` is always false",
        "Django's signed_cookies",
        Cookie,
        Flaw::Knows(|_, _| Ok(false)),
    ),
    fault(
        "cookie-keeps-its-key",
        "lifecycle.save.new-key",
        "saving answers with the cookie that the visitor has",
        "a cookie that is sent once",
        Cookie,
        Flaw::Signs(|it, key, record| match it.read(key) {
            Ok(Some(_)) => Ok(key.clone()),
            _ => it.sign(key, record),
        }),
    ),
    fault(
        "cookie-refuses-to-be-signed-again",
        "lifecycle.save.new-key",
        "a session that has a cookie cannot be saved",
        "",
        Cookie,
        Flaw::Signs(|it, key, record| match it.read(key) {
            Ok(Some(_)) => Err(StoreError::NotFound(key.clone())),
            _ => it.sign(key, record),
        }),
    ),
    fault(
        "cookie-clearing-refused",
        "expiry.clear.automatic",
        "clearing cookies is an error",
        "",
        Cookie,
        Flaw::Clears(|_| Err(StoreError::unsupported("cookies", "clear"))),
    ),
    fault(
        "cookie-too-large-is-sent",
        "data.too-large",
        "a cookie beyond the limit is cut, and no error",
        "litestar#408, iron-session#101: the browser drops it",
        Cookie,
        Flaw::Signs(|it, key, record| match it.sign(key, record) {
            Err(StoreError::TooLarge { .. }) => Ok(parsed(&"x".repeat(4_000), key)),
            other => other,
        }),
    ),
    fault(
        "cookie-too-large-is-an-outage",
        "data.too-large",
        "a cookie beyond the limit is an error of the storage",
        "",
        Cookie,
        Flaw::Signs(|it, key, record| match it.sign(key, record) {
            Err(StoreError::TooLarge { .. }) => Err(StoreError::unavailable("sign", "too long")),
            other => other,
        }),
    ),
    fault(
        "cookie-of-the-last-visitor",
        "lifecycle.isolation",
        "every cookie opens what was signed last",
        "a buffer that all requests share",
        Cookie,
        Flaw::All(&[
            Flaw::Signs(|it, key, record| {
                let signed = it.sign(key, record)?;
                it.memory.lock().unwrap().push((signed.as_str().to_owned(), record.clone()));
                Ok(signed)
            }),
            Flaw::Read(|it, key| {
                let own = it.read(key)?;
                let last = it.memory.lock().unwrap().last().map(|(_, record)| record.data.clone());
                Ok(own.map(|own| Record::new(last.unwrap_or_else(|| own.data.clone()), own.expires)))
            }),
        ]),
    ),
];
