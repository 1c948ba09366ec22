//! Signed texts. Whoever has no secret gets nothing past the signature; whoever has it may have signed anything.

use session_core::Secret;
use session_core::codec::{COOKIE_SALT, Codec, CodecError, SERVER_SALT};
use session_core::signing::Signer;

use crate::{LIMIT, NOW, SECRET};

/// The first byte says what is done with the rest.
pub fn check(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let codec = Codec::new(&crate::settings(), SERVER_SALT).expect("there is a secret");
    let signer = Signer::new(&Secret::new(SECRET), &[], SERVER_SALT);
    let text = String::from_utf8_lossy(bytes);
    match how % 5 {
        // As a visitor would send it.
        0 => {
            let decoded = codec.decode(&text);
            assert!(matches!(decoded, Err(CodecError::Signature(_))), "nobody signed {text:?}");
        }
        // Signed for another purpose.
        1 => {
            let signed = Signer::new(&Secret::new(SECRET), &[], COOKIE_SALT).dumps(bytes, NOW);
            assert!(
                matches!(codec.decode(&signed), Err(CodecError::Signature(_))),
                "another salt is accepted"
            );
        }
        // Signed, whatever it is.
        2 => decoded(&codec, &signer.sign_with_time(&text, NOW)),
        // Signed, without the time.
        3 => decoded(&codec, &signer.sign(&text)),
        // Packed and signed, as data is.
        _ => decoded(&codec, &signer.dumps(bytes, NOW)),
    }
}

/// What is decoded can be encoded and decoded again.
fn decoded(codec: &Codec, text: &str) {
    let Ok((entries, signed)) = codec.decode_with_time(text) else { return };
    assert!(entries.to_json().len() <= 6 * LIMIT, "{} bytes", entries.to_json().len());
    // What was signed as Latin-1 is longer as JSON in ASCII.
    let Ok(again) = codec.encode(&entries, signed) else { return };
    assert_eq!(codec.decode(&again).as_ref(), Ok(&entries));
}
