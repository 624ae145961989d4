//! Measures how much of a quoted text can be copied as it is.

/// The bytes that end a quoted text or do not stand for themselves in it.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

/// How many bytes are before one that stops a quoted text. It checks eight bytes at a time, because
/// texts are long.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    // In each of eight bytes: 01 and 80. A byte less than `low`, or equal to `wanted`, gets its
    // highest bit set, and the first one that has it is right (S. E. Anderson, "Bit Twiddling
    // Hacks", "Determine if a word has a byte less than n").
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let less = |word: u64, low: u8| word.wrapping_sub(ONES * u64::from(low)) & !word;
    let equal = |word: u64, wanted: u8| less(word ^ (ONES * u64::from(wanted)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (idx, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = (less(word, 0x20) | equal(word, b'"') | equal(word, b'\\')) & HIGHS;
        if stops != 0 {
            return idx * 8 + stops.trailing_zeros() as usize / 8;
        }
    }
    let in_rest = rest.iter().position(|byte| STOPS[usize::from(*byte)]);
    words.len() * 8 + in_rest.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn eight_bytes_at_a_time_find_the_same_end(text in "[a \u{1}\u{1f}\u{7f}é!\"#\\\\\\[\u{fffd}]{0,40}") {
            let bytes = text.as_bytes();
            let want = bytes.iter().position(|byte| STOPS[usize::from(*byte)]);
            assert_eq!(plain_length(bytes), want.unwrap_or(bytes.len()), "{text:?}");
        }
    }
}
