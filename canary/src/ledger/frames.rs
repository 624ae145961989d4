//! Follows the frames of a WebSocket (RFC 6455, section 5.2) without keeping their payload, to
//! detect its close frame.

/// What one side of a WebSocket has sent so far.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: Vec<u8>,
    /// Payload bytes of the frame that are still to come.
    left: u64,
    is_close: bool,
    mask: [u8; 4],
    close_payload: Vec<u8>,
    /// The close frame's code, 1005 when it has none.
    close_code: Option<u16>,
}

impl Frames {
    /// Follows the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.close_code.is_none() {
            if self.left == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                self.read_head();
                continue;
            }
            let n = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            if self.is_close {
                self.close_payload.extend_from_slice(&bytes[..n]);
            }
            self.left -= u64::try_from(n).unwrap_or(u64::MAX);
            bytes = &bytes[n..];
            if self.left == 0 && self.is_close {
                self.close_code = Some(self.code());
            }
        }
    }

    /// The code of the close frame, once it was sent.
    pub(super) fn close_code(&self) -> Option<u16> {
        self.close_code
    }

    fn read_head(&mut self) {
        let Some(second) = self.head.get(1) else {
            return;
        };
        let is_masked = second & 0x80 != 0;
        let n_extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let n_head = 2 + n_extended + if is_masked { 4 } else { 0 };
        if self.head.len() < n_head {
            return;
        }
        let length = self.head[2..2 + n_extended]
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        self.left = if n_extended == 0 {
            u64::from(second & 0x7f)
        } else {
            length
        };
        self.is_close = self.head[0] & 0x0f == 8;
        self.mask = if is_masked {
            let mask = &self.head[n_head - 4..];
            [mask[0], mask[1], mask[2], mask[3]]
        } else {
            [0; 4]
        };
        self.head.clear();
        if self.is_close && self.left == 0 {
            self.close_code = Some(1005);
        }
    }

    fn code(&self) -> u16 {
        match self.close_payload[..] {
            [high, low, ..] => u16::from_be_bytes([high ^ self.mask[0], low ^ self.mask[1]]),
            _ => 1005,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_is_found_behind_others_however_the_bytes_are_cut() {
        let mut bytes = vec![0x81, 5];
        bytes.extend_from_slice(b"hello");
        bytes.extend_from_slice(&[0x82, 126, 1, 0]);
        bytes.extend_from_slice(&[7; 256]);
        bytes.extend_from_slice(&[0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xf3 ^ 2]);
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            frames.push(&bytes[..cut]);
            assert_eq!(frames.close_code(), None, "cut at {cut}");
            frames.push(&bytes[cut..]);
            assert_eq!(frames.close_code(), Some(1011), "cut at {cut}");
        }
        let mut frames = Frames::default();
        frames.push(&[0x88, 0]);
        assert_eq!(frames.close_code(), Some(1005));
    }
}
