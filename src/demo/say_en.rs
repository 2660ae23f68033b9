//! What people write in English. Data only; places in braces are filled by `phrases::fill`.

use super::phrases::Say;

pub(super) const OPEN: &[&str] = &[
    "I hope you are well.",
    "Thanks for your time last week.",
    "Quick note from my side.",
    "Thank you for your message.",
];
pub(super) const CLOSE: &[&str] = &["Best regards,", "Kind regards,", "Many thanks,", "All the best,"];

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn lines(say: Say) -> &'static [&'static str] {
    match say {
        Say::Inquiry => &[
            "we run {n} machines in the {site} area and lose too many hours to unplanned stops. A colleague pointed me to {product}. Could you tell me how it would fit and what a first step looks like?",
            "I saw your talk on condition monitoring last month. We are looking for something like {product} for the {site} project and would like to understand effort and cost for about {n} measuring points.",
        ],
        Say::Outreach => &[
            "I read about the extension of your {site} area. Teams in your industry use {product} to see failures two weeks ahead; most start with {n} measuring points. Would a 20 minute call be useful?",
            "you asked our colleague at the fair for figures on {product}. I have put together what {n} machines would mean for the {site} project and would gladly walk you through it.",
        ],
        Say::Interested => &[
            "good timing: we have been discussing exactly this for the {site} project. Happy to talk, please suggest two dates next week.",
            "yes, that is on our list for this year. What would you need from us to give a first estimate for {n} points?",
        ],
        Say::FirstReply => &[
            "thank you for getting in touch. For a project like {site} we usually begin with a 30 minute call to understand the machines, then show {product} on data of your own. Would Tuesday or Thursday suit you?",
            "happy to help. Before I send documents I would like to understand the {site} area, so I will send an invitation for a short call.",
        ],
        Say::Times => &[
            "Thursday works. Please invite my colleague as well, he knows the machines.",
            "the second slot is fine for us. We will bring last year's downtime list.",
        ],
        Say::Question => &[
            "one question from our IT: does {product} need an outgoing connection, or can the gateway stay inside our network? And how long do you keep raw data?",
            "can the sensors be mounted while the machines run? We have no stop before the end of the quarter in the {site} area.",
            "how is it licensed when we add another {n} points next year?",
        ],
        Say::Answer => &[
            "both are possible: the gateway can stay inside and push through your proxy, and raw data is kept for 90 days unless you choose otherwise. I have asked Tomasz to send the network sheet.",
            "yes, the clamps go on while running; one electrician and one of ours do about {n} points a day.",
            "the price per point stays the same for 24 months, so adding points later costs no more than today.",
        ],
        Say::FollowUp => &[
            "thank you for the good conversation today. What I took away: {site} first, {n} points, one contact in maintenance, decision with your management afterwards. I will come back with the next step as agreed.",
            "thanks for taking the time. As agreed: you send the machine list, we prepare the example, and we speak again next week.",
        ],
        Say::DemoPlan => &[
            "for the demo I suggest we show {product} with three weeks of data from a line like yours, then 20 minutes for questions. Who from your side should be there?",
            "we have prepared the demo for the {site} project. It takes 45 minutes; if operations and IT can join we save a round.",
        ],
        Say::AcceptDemo => &[
            "that works for us. Please plan for three people, I have copied my colleague. Let us do the demo as you proposed.",
            "agreed internally: we want to see it. The date suits everybody here.",
        ],
        Say::Confirm => &["perfect, confirmed. You will find the link in the invitation.", "great, I have noted it and will prepare accordingly."],
        Say::PleaseQuote => &[
            "the demo convinced the team. Please send us a quote for {n} points in the {site} area, with installation as a separate item.",
            "we discussed it this morning. Can you make us an offer, first year and following years separately?",
        ],
        Say::Quote => &[
            "please find our quote attached: {product} for the {site} project, {n} points, {amount} in total. It is valid for 60 days. I will call to go through it.",
            "as requested, attached is the quote over {amount}. Installation is listed separately, as you asked.",
        ],
        Say::Terms => &[
            "we have gone through the quote. Payment in 60 days and a pilot exit after three months: would that be possible?",
            "procurement asks whether the service level can be guaranteed in writing, and for a discount on the second year.",
        ],
        Say::ToContract => &[
            "the budget is approved in principle. Please send us the contract draft so that our legal department can start.",
            "management agrees with the scope. Next is the contract; who is our contact for the terms?",
        ],
        Say::Contract => &[
            "attached is the contract draft with the terms we discussed. Please let me know what your lawyers need.",
            "here is the draft. Changes against our standard are marked; the pilot exit is in section 7.",
        ],
        Say::Legal => &[
            "two comments from legal: liability in section 9 and the place of jurisdiction. The rest is fine.",
            "we need the data processing annex as a separate document, otherwise we are ready.",
        ],
        Say::Order => &[
            "please find our purchase order attached. We look forward to the start in the {site} area.",
            "good news: signed on our side. The order is attached, please confirm the delivery week.",
        ],
        Say::Welcome => &[
            "thank you very much for your trust. Priya from Customer Success will contact you about the kick-off for the {site} project.",
            "received with thanks, the order confirmation follows from our order desk. Looking forward to working together.",
        ],
        Say::Decline => &[
            "we have decided to postpone the investment for the {site} project. This is not about your offer; the budget went to another project.",
            "thank you for the effort. We have chosen a different solution this time.",
        ],
        Say::Regret => &["thank you for letting me know. I would be glad to hear what tipped the scales, and will get in touch again next year."],
        Say::Nudge => &[
            "I wanted to ask whether you had a chance to look at my last message. Shall we speak briefly this week?",
            "just checking in: are there open questions on your side that I can answer?",
            "I did not want to lose the thread. When would be a good time for a call?",
        ],
        Say::Closing => &["thanks, that is all we need for now. We will come back to you.", "thank you, noted. We will be in touch once we have decided internally."],
        Say::Update => &[
            "short update from our side: the team is comparing the results and likes the weekly view. Two more people want to see it.",
            "we have the internal review next week. Could you send me the two slides on savings again?",
            "the machine list for the {site} project is complete now, {n} points altogether.",
        ],
        Say::Vague => &[
            "could we go over the term and the start date once more? Our management would like to see a proposal for both options.",
            "we have a question about the payment plan. Do you have ten minutes on Monday?",
        ],
        Say::VagueAnswer => &["gladly, I will call you on Monday.", "of course, I will send you a proposal."],
        Say::Compared => &["to be open: we also have an offer from Sensorix on the table, a little cheaper, without the installation. How do you differ?"],
        Say::Minutes => &["short minutes of today's call: open points reviewed, nothing blocking. Next call as usual."],
    }
}
