//! The source of keys under the suite.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_core::{BoxError, KeyGenerator, SessionKey};

/// A source of keys whose next ones can be chosen. The others are the same in each trace: a store that is wrong for
/// some keys fails again when its trace is run again.
#[derive(Debug, Clone, Default)]
pub(super) struct ForcedKeys {
    drawn: Arc<Mutex<Drawn>>,
}

#[derive(Debug, Default)]
struct Drawn {
    forced: VecDeque<SessionKey>,
    /// The state of the generator that draws the others.
    state: u64,
}

impl ForcedKeys {
    pub(super) fn force(&self, key: SessionKey) {
        self.drawn().forced.push_back(key);
    }

    /// Begins again, with the first key.
    pub(super) fn clear(&self) {
        *self.drawn() = Drawn::default();
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawn {
    /// Of the form of a real key, and by no means secret.
    fn draw(&mut self) -> Option<SessionKey> {
        let mut character = || {
            // SplitMix64.
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.state;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bits = bits ^ (bits >> 31);
            char::from_digit(u32::try_from(bits % 36).unwrap_or_default(), 36)
        };
        let key: String = (0..SessionKey::GENERATED_CHARS).filter_map(|_| character()).collect();
        SessionKey::parse(&key)
    }
}

impl KeyGenerator for ForcedKeys {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        let mut drawn = self.drawn();
        let key = drawn.forced.pop_front().or_else(|| drawn.draw());
        key.ok_or_else(|| "no key can be made".into())
    }
}
