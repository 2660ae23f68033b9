//! One connection after the greeting: commands out, answers in, tags matched, the opened folder's state kept.
//!
//! A tagged NO or BAD is always seen by the caller. After an error of the connection itself, or a BYE, the session is
//! of no use any more. Nothing here changes a mailbox: folders are only ever opened by EXAMINE.

mod ahead;
mod opening;
mod saying;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use dealtrail_net::budget::{Budget, Slot};
use dealtrail_sdk::{Fault, FaultKind};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout},
};

use crate::{
    answer::{self, Answer, State, Status},
    command::Command,
    cursor::BATCH,
    folder::Folder,
    frame::Framer,
    line::Use,
    sorting::{self, Doing},
};

pub use ahead::Question;

/// Any transport: TCP, TLS, compressed.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Commands sent ahead of their answers: as many as a long line needs, far fewer than fill the buffers of both sides.
const IN_FLIGHT: usize = 12;
/// Silences after which a command is given up that is answered with small talk only ("still here").
const SMALL_TALK: u32 = 30;
/// Switches on the quick way to learn what vanished (RFC 7162); it may stand ahead of the first EXAMINE.
pub const ENABLE: &str = "ENABLE QRESYNC";
/// Bytes received that are noted for the account while a command is under way.
const NOTED: u64 = 1 << 20;

/// A connection that is signed in.
pub struct Session {
    link: Framer<Box<dyn Transport>>,
    place: String,
    budget: Arc<Budget>,
    _slot: Slot,
    capabilities: HashSet<String>,
    last_tag: u32,
    /// Goes out in front of the next commands; nobody waits for the answers.
    before: Vec<Command>,
    /// Goes out right behind the next commands: what will be asked next, if all goes as expected.
    behind: Question,
    /// What went out like that and was not asked for yet, with the results that came. The first one's tag.
    ahead: VecDeque<(Command, Option<Status>)>,
    ahead_first: u32,
    /// The messages it asks for, ascending, and what came of them before its turn: servers may answer in another order.
    ahead_of: Vec<u32>,
    early: Vec<Answer>,
    /// The command that switches QRESYNC on.
    enabling: Option<u32>,
    pub folder: Option<Folder>,
    /// Prefixes of other people's folders, once they were asked for.
    pub foreign: Option<Vec<String>>,
    pub used: Instant,
    /// Messages of one step: more where the way is long.
    pub batch: usize,
    /// Somebody reads over it.
    pub using: Option<Use>,
    /// It was used before, and may have died since.
    pub kept: bool,
    /// False after an error of the connection.
    pub alive: bool,
    pub quick_resync: bool,
}

/// A session without its transport.
pub struct Rest {
    batch: usize,
    place: String,
    budget: Arc<Budget>,
    slot: Slot,
    last_tag: u32,
    capabilities: HashSet<String>,
    quick_resync: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.place)
    }
}

impl Session {
    pub fn new(link: Framer<Box<dyn Transport>>, place: String, budget: Arc<Budget>, slot: Slot) -> Self {
        Self {
            link,
            place,
            budget,
            _slot: slot,
            capabilities: HashSet::new(),
            last_tag: 0,
            before: Vec::new(),
            behind: Question::default(),
            ahead: VecDeque::new(),
            ahead_first: 0,
            ahead_of: Vec::new(),
            early: Vec::new(),
            enabling: None,
            folder: None,
            foreign: None,
            used: Instant::now(),
            batch: BATCH,
            using: None,
            kept: false,
            alive: true,
            quick_resync: false,
        }
    }

    /// Takes the transport out, to be wrapped for STARTTLS or COMPRESS; the flag tells whether bytes came ahead of it.
    pub fn take_apart(self) -> (Box<dyn Transport>, bool, Rest) {
        let Self { link, place, budget, _slot, last_tag, capabilities, quick_resync, batch, .. } = self;
        let (stream, ahead) = link.into_stream();
        (stream, ahead, Rest { place, budget, slot: _slot, last_tag, capabilities, quick_resync, batch })
    }

    /// Goes on over another transport.
    pub fn assemble(rest: Rest, link: Framer<Box<dyn Transport>>) -> Self {
        let Rest { place, budget, slot, last_tag, capabilities, quick_resync, batch } = rest;
        Self { last_tag, capabilities, quick_resync, batch, ..Self::new(link, place, budget, slot) }
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the server offers an extension, by its upper-case name.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    pub fn knows_capabilities(&self) -> bool {
        !self.capabilities.is_empty()
    }

    pub fn forget_capabilities(&mut self) {
        self.capabilities.clear();
    }

    /// Sends commands, a few ahead of their answers, and hands everything untagged to `each`. The results come in the
    /// order of the commands; a NO or BAD among them is the caller's to judge.
    ///
    /// # Errors
    /// When the connection fails or the server says BYE.
    pub async fn run(
        &mut self,
        commands: &[Command],
        each: &mut (dyn FnMut(Answer) + Send),
    ) -> Result<Vec<Status>, Fault> {
        let (first, mut results) = self.take_ahead(commands).await?;
        let mut sent = results.len();
        results.resize(commands.len(), None);
        if self.ahead.is_empty() {
            std::mem::take(&mut self.early).into_iter().for_each(&mut *each);
        }
        let mut told = Instant::now();
        loop {
            let mut open = results[..sent].iter().filter(|r| r.is_none()).count();
            while sent < commands.len() && open < IN_FLIGHT {
                let fitting = commands[sent..].iter().take(IN_FLIGHT - open).take_while(|c| c.is_plain()).count();
                let said = match fitting {
                    0 => self.send(&commands[sent], each).await,
                    _ => self.say(&commands[sent..sent + fitting]).await.map(|()| None),
                };
                match said {
                    Ok(early) => results[sent] = early,
                    Err(fault) => return Err(self.last_words(results, fault).await),
                }
                sent += fitting.max(1);
                open += fitting.max(1);
            }
            if sent == commands.len()
                && let Err(fault) = self.say_behind().await
            {
                return Err(self.last_words(results, fault).await);
            }
            if sent == commands.len() && results.iter().all(Option::is_some) {
                break;
            }
            let answer = match self.receive(None).await {
                Ok(answer) => answer,
                Err(fault) => return Err(self.last_words(results, fault).await),
            };
            if tells(&answer) {
                told = Instant::now();
            } else if told.elapsed() > self.link.limits().silence * SMALL_TALK {
                return Err(self.lost(&std::io::ErrorKind::TimedOut.into()));
            }
            match answer {
                Answer::Tagged(tag, status) => self.result(&tag, status, first, &mut results[..sent]),
                Answer::Fetch(fetched) if self.is_early(&fetched) => self.early.push(Answer::Fetch(fetched)),
                other => each(other),
            }
        }
        self.settle();
        Ok(results.into_iter().flatten().collect())
    }

    /// Puts a result where it belongs. An answer to anything else, or a second one, is not ours (a stale NO must fail
    /// nothing).
    fn result(&mut self, tag: &str, status: Status, first: u32, results: &mut [Option<Status>]) {
        // A session without rights is of no use, however alive its connection.
        self.alive &= !sorting::ends_the_session(&status);
        let Some(number) = tag.strip_prefix('D').and_then(|n| n.parse::<u32>().ok()) else { return };
        let place = |first: u32| number.checked_sub(first).and_then(|n| usize::try_from(n).ok());
        let ours = place(first).and_then(|at| results.get_mut(at));
        let slot = match ours {
            Some(slot) => Some(slot),
            None => place(self.ahead_first).and_then(|at| self.ahead.get_mut(at)).map(|(_, slot)| slot),
        };
        if let Some(slot @ None) = slot {
            *slot = Some(status);
        }
    }

    /// What a lost connection means: a server that wants a pause says so and hangs up, and must not be called again at
    /// once. What it said may still lie unread when sending failed.
    async fn last_words(&mut self, results: Vec<Option<Status>>, lost: Fault) -> Fault {
        let mut said: Vec<Status> = results.into_iter().flatten().collect();
        while said.len() < 100
            && let Ok(frame) = self.link.next(Some(Duration::from_millis(50))).await
        {
            match answer::read(&frame) {
                Answer::Tagged(_, status) => said.push(status),
                Answer::Status(status) if status.state == State::Bye => said.push(status),
                _ => {}
            }
        }
        let refused = said.iter().filter_map(|status| self.judge(Doing::Other("reading"), status).err());
        refused.into_iter().find(|f| matches!(f.kind, FaultKind::Busy { .. })).unwrap_or(lost)
    }

    /// One command that must succeed; untagged answers go to `each`.
    ///
    /// # Errors
    /// A refusal, sorted, or a failure of the connection.
    pub async fn must(
        &mut self,
        doing: Doing,
        command: Command,
        each: &mut (dyn FnMut(Answer) + Send),
    ) -> Result<Status, Fault> {
        let status = self.run(std::slice::from_ref(&command), each).await?.pop();
        let status = status.expect("each command has one result");
        self.judge(doing, &status)?;
        Ok(status)
    }

    /// A refusal as a fault; a pause that the server asks for is kept for the whole account.
    ///
    /// # Errors
    /// Whenever the status is not OK.
    pub fn judge(&self, doing: Doing, status: &Status) -> Result<(), Fault> {
        if status.state == State::Ok {
            return Ok(());
        }
        let fault = sorting::refusal(&self.place, doing, status);
        if let FaultKind::Busy { retry_after: Some(pause) } = fault.kind {
            self.budget.block(pause);
        }
        Err(fault)
    }

    /// Little will come for a long time: buffers are let go.
    pub fn doze(&mut self) {
        self.link.doze();
        self.ahead.shrink_to_fit();
        self.early = Vec::new();
        self.ahead_of = Vec::new();
    }

    /// The next answer, noted in the folder's state. BYE is an error: whatever was asked for, it will not come.
    ///
    /// # Errors
    /// When the connection fails, stays silent for too long, or the server says BYE.
    pub async fn receive(&mut self, silence: Option<Duration>) -> Result<Answer, Fault> {
        let answer = match self.link.next(silence).await {
            Ok(frame) => answer::read(&frame),
            Err(e) => return Err(self.lost(&e)),
        };
        self.note(&answer);
        if self.link.received() >= NOTED {
            self.budget.spend(self.link.take_received());
        }
        if let Answer::Status(status) = &answer
            && status.state == State::Bye
        {
            self.alive = false;
            self.settle();
            self.judge(Doing::Other("reading"), status)?;
        }
        Ok(answer)
    }

    fn lost(&mut self, error: &std::io::Error) -> Fault {
        self.alive = false;
        self.settle();
        sorting::broken(&self.place, error)
    }

    fn settle(&mut self) {
        self.used = Instant::now();
        self.budget.spend(self.link.take_received());
    }

    fn note(&mut self, answer: &Answer) {
        match answer {
            Answer::Tagged(tag, status)
                if self.enabling.is_some_and(|n| tag.strip_prefix('D') == Some(&n.to_string())) =>
            {
                self.enabling = None;
                self.quick_resync &= status.state == State::Ok;
            }
            Answer::Capability(list) => self.learn(list),
            Answer::Status(status) | Answer::Tagged(_, status) if status.code == "CAPABILITY" => {
                let list = status.value.clone();
                self.learn(&list);
            }
            _ => {}
        }
        if let Some(folder) = &mut self.folder {
            folder.note(answer);
        }
    }

    fn learn(&mut self, list: &str) {
        self.capabilities = list.split_ascii_whitespace().map(str::to_ascii_uppercase).collect();
    }

    /// Signs out; the server is given a moment to say goodbye.
    pub async fn logout(mut self) {
        let farewell = async {
            self.begin("LOGOUT").await?;
            loop {
                self.receive(Some(Duration::from_secs(3))).await?;
            }
        };
        let _bye: Result<Result<(), Fault>, _> = timeout(Duration::from_secs(3), farewell).await;
    }
}

/// Whether an answer brings a command nearer to its end.
fn tells(answer: &Answer) -> bool {
    matches!(answer, Answer::Tagged(..) | Answer::Fetch(_) | Answer::Search(_) | Answer::List(_) | Answer::Vanished(..))
}
