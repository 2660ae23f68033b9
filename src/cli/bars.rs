//! Progress on a terminal: one bar per connection with rate and time left. Elsewhere nothing is printed.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::progress::{Step, Watcher};

#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    by_connection: Mutex<HashMap<String, ProgressBar>>,
}

impl Default for Bars {
    fn default() -> Self {
        // on anything but a terminal the target hides itself
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self { all, by_connection: Mutex::default() }
    }
}

impl Bars {
    fn bar(&self, connection: &str) -> ProgressBar {
        let mut bars = self.by_connection.lock().expect("nobody panics while drawing");
        let fresh = || {
            let style = "{prefix:20!} [{bar:24}] {pos}/{len} {per_sec} {msg} {eta}";
            let style = ProgressStyle::with_template(style).expect("the template is fixed").progress_chars("=> ");
            let bar = self.all.add(ProgressBar::new(0).with_style(style).with_prefix(connection.to_owned()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        };
        bars.entry(connection.to_owned()).or_insert_with(fresh).clone()
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        let _ = self.all.clear();
    }
}

impl Watcher for Bars {
    fn batch(&self, step: &Step<'_>) {
        let bar = self.bar(step.connection);
        bar.inc(step.items);
        bar.set_length(bar.position() + step.left.unwrap_or(0));
        bar.set_message(step.stream.to_owned());
    }
    fn stream_done(&self, connection: &str, _stream: &str) {
        let bar = self.bar(connection);
        bar.set_length(bar.position());
    }
    fn failed(&self, connection: &str, _stream: Option<&str>, _why: &str) {
        self.bar(connection).abandon_with_message("failed");
    }
    fn phase(&self, name: &str) {
        self.all.suspend(|| ());
        self.bar(name).set_message("...");
    }
}
