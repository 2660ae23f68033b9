//! The setting `timeout`: how long a server may keep us waiting. The same words for every connector.

use std::time::Duration;

use dealtrail_sdk::{Fault, FaultKind, Field, Need};

/// What forms and checks say of it.
pub const FIELD: Field = Field {
    name: "timeout",
    need: Need::Optional,
    help: "Seconds of silence after which the server counts as gone; default 60.",
};

/// The usual patience.
pub const USUAL: Duration = Duration::from_secs(60);

/// Reads the setting; the usual where it is not given.
///
/// # Errors
/// [`FaultKind::Malformed`] for what is no sensible number of seconds.
pub fn read(timeout: Option<f64>) -> Result<Duration, Fault> {
    match timeout {
        None => Ok(USUAL),
        Some(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Some(_) => Err(Fault::new(FaultKind::Malformed, "`timeout` must be a number of seconds between 0.1 and 3600")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_numbers() {
        assert_eq!(read(None).expect("the usual"), USUAL);
        assert_eq!(read(Some(0.5)).expect("short"), Duration::from_millis(500));
        for wrong in [0.0, -1.0, 1e9, f64::NAN, f64::INFINITY] {
            assert_eq!(read(Some(wrong)).expect_err("refused").kind, FaultKind::Malformed, "{wrong}");
        }
    }
}
