//! Deals that go well, with the traffic of a normal team around them: volume, and threads of some length.

use chrono::Duration;

use super::{
    super::build::{Builder, Person},
    super::meet::held,
    super::post::decided,
    meetings::only,
};

scenes![healthy, healthy, long_thread];

const ANY: &[&str] = &["thread", "only_deal"];

/// A deal that moves through its stages with mails and meetings behind every move.
fn healthy(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for (stage, days) in [("s2", 110), ("s3", 75), ("s4", 40)] {
        talk(b, rep, [&kim, &lee], &deal, days + 5);
        let when = b.hour(days + 2);
        let plan = b.plan(&ana, &[(&kim, "ACCEPTED"), (&lee, "TENTATIVE")], when);
        b.meet(&plan, &held(true, only(&deal)));
        b.advance(&deal, stage, days);
    }
    talk(b, rep, [&kim, &lee], &deal, 4);
    let when = b.hour(-4);
    let plan = b.plan(&ana, &[(&lee, "NEEDS-ACTION")], when);
    b.meet(&plan, &super::super::meet::with_status(super::super::truth::Status::Planned, only(&deal)));
}

/// Question, answer, thanks.
fn talk(b: &mut Builder, rep: usize, [kim, lee]: [&Person; 2], deal: &str, days_ago: i64) {
    let ana = b.user(rep);
    let at = b.ago(days_ago);
    let mut draft = b.draft(&ana, &[kim], at);
    draft.cc = vec![lee.clone()];
    let first = b.send(&draft, &decided(deal, &["only_deal"]));
    let second = b.answer(first, kim, &[&ana, lee], &decided(deal, ANY));
    b.answer(second, &ana, &[kim], &decided(deal, ANY));
}

fn long_thread(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let at = b.ago(60);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.text = format!("{} Please quote {}.", draft.text, deals[0]);
    let mut last = b.send(&draft, &decided(&deals[0], &["reference"]));
    for turn in 0..8 {
        let (from, to) = if turn % 2 == 0 { (&kim, &ana) } else { (&ana, &kim) };
        let date = b.world.mails[last].date + Duration::hours(30);
        let mut draft = b.draft(from, &[to], date);
        draft.reply_to = Some(last);
        last = b.send(&draft, &decided(&deals[0], &["thread"]));
    }
}
