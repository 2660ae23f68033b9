//! Changed inputs out of good ones, the same for the same seed: bytes flipped, pieces doubled, dropped, swapped and
//! spliced, words of the format put in. Small steps, many of them on one input.

/// Numbers that look random and are the same everywhere (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a name: every target has dice of its own.
    pub fn of(name: &str) -> Self {
        Self(name.bytes().fold(0x51_7C_C1_B7, |n: u64, b| n.rotate_left(7) ^ u64::from(b)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`, which counts as at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Inputs larger than this teach nothing that a smaller one does not.
const LARGEST: usize = 4_096;

/// The words of a list in libFuzzer's form: `"text"`, with `\xHH`, `\\` and `\"`.
pub fn words(list: &str) -> Vec<Vec<u8>> {
    let quoted = |line: &str| line.trim().strip_prefix('"').and_then(|l| l.strip_suffix('"')).map(plain);
    list.lines().filter_map(quoted).collect()
}

fn plain(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 2..at + 4).filter(|_| bytes[at..].starts_with(b"\\x"));
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 4;
            }
            None if *byte == b'\\' && at + 1 < bytes.len() => {
                out.push(bytes[at + 1]);
                at += 2;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// A changed input: one of the corpus, a few steps further.
pub fn input(dice: &mut Dice, corpus: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = pick(dice, corpus).to_vec();
    for _ in 0..=dice.below(6) {
        step(dice, &mut bytes, corpus, words);
        bytes.truncate(LARGEST);
    }
    bytes
}

fn pick<'a>(dice: &mut Dice, all: &'a [Vec<u8>]) -> &'a [u8] {
    all.get(dice.below(all.len())).map_or(&[], Vec::as_slice)
}

/// A stretch of the bytes; often whole lines.
fn piece(dice: &mut Dice, bytes: &[u8]) -> std::ops::Range<usize> {
    let (a, b) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
    let (mut start, mut end) = (a.min(b), a.max(b).min(a.min(b) + 200));
    if dice.below(2) == 0 {
        start = bytes[..start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        end = bytes[end..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| end + at + 1);
    }
    start..end
}

fn step(dice: &mut Dice, bytes: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[Vec<u8>]) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(9) {
        0 if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }
        1 => {
            let byte = u8::try_from(dice.below(256)).unwrap_or(0);
            bytes.insert(at, byte);
        }
        2 => drop(bytes.drain(piece(dice, bytes))),
        3 => {
            let copy = bytes[piece(dice, bytes)].to_vec();
            let times = if dice.below(8) == 0 { 30 } else { 1 };
            bytes.splice(at..at, copy.repeat(times));
        }
        4 => {
            let other = pick(dice, corpus);
            let copy = other[piece(dice, other)].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => bytes.truncate(at),
        6 => {
            let range = piece(dice, bytes);
            let word = pick(dice, words).to_vec();
            bytes.splice(range.start..(range.start + word.len()).min(bytes.len()).max(range.start), word);
        }
        _ => {
            let word = pick(dice, words).to_vec();
            bytes.splice(at..at, word);
        }
    }
}
