//! From a secret to the keys of an AES member: PBKDF2 with HMAC-SHA1 (RFC 8018, WinZip's rounds).
//!
//! What each member costs before its first byte. Written here because the blocks of a key do not
//! hang on each other: side by side they take half the time that libraries need one by one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use sha1::block_api::compress;
use sha1::{Digest as _, Sha1};

const ROUNDS: u32 = 1_000;
const HASH: usize = 20;
const BLOCK: usize = 64;
const START: State = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

type State = [u32; 5];

/// Fills `into`, at most 80 bytes, with key.
pub(super) fn stretch(secret: &[u8], salt: &[u8], into: &mut [u8]) -> Option<()> {
    match into.len().div_ceil(HASH) {
        1 => blocks::<1>(secret, salt, into),
        2 => blocks::<2>(secret, salt, into),
        3 => blocks::<3>(secret, salt, into),
        4 => blocks::<4>(secret, salt, into),
        _ => None,
    }
}

fn blocks<const N: usize>(secret: &[u8], salt: &[u8], into: &mut [u8]) -> Option<()> {
    let [inner, outer] = *pads(secret);
    let mut last = Zeroizing::new([State::default(); N]);
    for (number, state) in (1_u32..).zip(last.iter_mut()) {
        let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
        mac.update(salt);
        mac.update(&number.to_be_bytes());
        *state = words(&mac.finalize().into_bytes());
    }
    let mut sum = last.clone();
    // The hash of the round before, as the last block behind a pad: 84 bytes in all.
    let mut padded = [0; BLOCK];
    let mut end = padded.iter_mut().skip(HASH);
    end.next().map(|byte| *byte = 0x80)?;
    let length = ((BLOCK + HASH) as u64 * 8).to_be_bytes();
    let end = padded.last_chunk_mut()?;
    *end = length;
    let mut messages = Zeroizing::new([padded; N]);
    for _ in 1..ROUNDS {
        for pad in [inner, outer] {
            // All are written before the first one is read: a processor waits when it reads
            // what has just been written in smaller pieces.
            for (message, state) in messages.iter_mut().zip(last.iter()) {
                for (bytes, word) in message.chunks_exact_mut(4).zip(state) {
                    bytes.copy_from_slice(&word.to_be_bytes());
                }
            }
            for (message, state) in messages.iter().zip(last.iter_mut()) {
                *state = pad;
                compress(state, std::slice::from_ref(message));
            }
        }
        for (sum, state) in sum.iter_mut().zip(last.iter()) {
            sum.iter_mut().zip(state).for_each(|(a, b)| *a ^= b);
        }
    }
    let key = sum.iter().flatten().flat_map(|word| word.to_be_bytes());
    into.iter_mut().zip(key).for_each(|(a, b)| *a = b);
    Some(())
}

/// The states behind HMAC's two pads.
fn pads(secret: &[u8]) -> Zeroizing<[State; 2]> {
    let mut key = Zeroizing::new([0_u8; BLOCK]);
    let hashed;
    let secret = if secret.len() > BLOCK {
        hashed = Zeroizing::new(<[u8; HASH]>::from(Sha1::digest(secret)));
        &hashed[..]
    } else {
        secret
    };
    key.iter_mut().zip(secret).for_each(|(a, b)| *a = *b);
    Zeroizing::new([0x36, 0x5c].map(|pad| {
        let block = Zeroizing::new(key.map(|byte| byte ^ pad));
        let mut state = START;
        compress(&mut state, std::slice::from_ref(&block));
        state
    }))
}

fn words(bytes: &[u8]) -> State {
    let mut words = bytes.chunks_exact(4).map(|bytes| {
        let bytes = bytes.try_into().unwrap_or_default();
        u32::from_be_bytes(bytes)
    });
    State::default().map(|_| words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_library() {
        let long = "s".repeat(200);
        for secret in ["", "a", "archive-secret", &long[..64], &long[..65], &long] {
            for (salt, len) in [(8, 34), (12, 50), (16, 66), (16, 80), (0, 20), (70, 1)] {
                let salt: Vec<u8> = (0..salt).collect();
                let mut ours = vec![0; len];
                stretch(secret.as_bytes(), &salt, &mut ours).expect("short enough");
                let mut theirs = vec![0; len];
                pbkdf2::pbkdf2::<Hmac<Sha1>>(secret.as_bytes(), &salt, ROUNDS, &mut theirs)
                    .expect("any length");
                assert_eq!(ours, theirs, "{} {len}", secret.len());
            }
        }
        assert!(stretch(b"a", b"", &mut [0; 81]).is_none());
    }
}
