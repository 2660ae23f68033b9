//! The mail of the little world: letters, their copies, and where they lie.

use std::fs;

use chrono::Duration;

use super::{super::acts::Letter, Book, Mail, REPS, THEM, pick};

impl Book {
    pub(super) fn mail(&mut self, letter: Letter) {
        let Letter { ours, rep, who, copy, answers, late, kind } = letter;
        let (n, at) = (self.mails.len(), self.now - Duration::hours(late) - Duration::minutes(7));
        let (rep, other, them) = (REPS[rep % 2], REPS[(rep + 1) % 2], THEM[who % THEM.len()]);
        let (from, to) = if ours { (rep, them) } else { (them, rep) };
        let first = answers.and_then(|a| pick(&self.mails, a)).map(|(_, m)| (m.id.clone(), m.subject.clone()));
        let subject = match (kind % 8, &first) {
            (5, _) if !ours => "Out of office until 15 April 2026".to_owned(),
            (6, _) => format!("About D{}", 1 + who % 3),
            (_, Some((_, subject))) => format!("Re: {}", subject.trim_start_matches("Re: ")),
            _ => format!("Matter {n}"),
        };
        let id = format!("m{n}@world.example");
        let mut head = format!("Message-ID: <{id}>\r\nFrom: {from}\r\nTo: {to}\r\n");
        if copy {
            head.push_str(&format!("Cc: {other}\r\n"));
        }
        head.push_str(&format!("Date: {}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n", at.to_rfc2822()));
        if let Some((first, _)) = &first {
            head.push_str(&format!("In-Reply-To: <{first}>\r\nReferences: <{first}>\r\n"));
        }
        let body = match kind % 8 {
            3 | 4 => "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere.\r\n--b\r\n\
                  Content-Type: application/pdf; name=\"FILE\"\r\nContent-Disposition: attachment; \
                  filename=\"FILE\"\r\n\r\nx\r\n--b--\r\n"
                .replace("FILE", if kind % 8 == 3 { "sketch.pdf" } else { "quote.pdf" }),
            5 if !ours => "Auto-Submitted: auto-replied\r\nContent-Type: text/plain\r\n\r\nAway.\r\n".to_owned(),
            7 => "Content-Type: text/plain\r\n\r\nRivalsoft is cheaper.\r\n".to_owned(),
            _ => format!("Content-Type: text/plain\r\n\r\nWords about matter {n}, shall we talk?\r\n"),
        };
        let bytes = format!("{head}{body}");
        // what comes by way of a gateway has a word more, or lost its file
        let gateway = match kind % 8 {
            0 => bytes.replace("shall we talk?", "shall we talk? Scanned by a gateway."),
            3 => bytes.replace("sketch.pdf", "removed.txt"),
            _ => bytes.clone(),
        };
        let mut boxes = vec![(rep, if ours { ".Sent/" } else { "" })];
        if copy {
            boxes.push((other, ""));
        }
        let copies = [bytes, gateway];
        let files = boxes.into_iter().zip(&copies).map(|((owner, folder), bytes)| {
            self.files += 1;
            let name = format!("{}.M{}P1.acme:2,S", 1_700_000_000 + self.files, self.files);
            let rep = owner.split('@').next().expect("a name");
            let path = self.dir.join(format!("mail/{rep}/{folder}cur")).join(name);
            fs::write(&path, bytes).expect("a message");
            path
        });
        let files = files.collect();
        self.mails.push(Mail { id, files, subject });
    }

    pub(super) fn drop_mail(&mut self, n: usize) {
        let Some((n, _)) = pick(&self.mails, n) else { return };
        if let Some(file) = self.mails[n].files.pop() {
            fs::remove_file(file).expect("the mail goes");
        }
    }

    pub(super) fn move_mail(&mut self, n: usize) {
        let Some((n, _)) = pick(&self.mails, n) else { return };
        let Some(file) = self.mails[n].files.first_mut() else { return };
        let own = file.strip_prefix(self.dir.join("mail")).expect("a mail's place");
        let rep = own.iter().next().expect("an owner").to_str().expect("a name");
        let archive = self.dir.join(format!("mail/{rep}/.Archive/cur"));
        let to = if file.starts_with(&archive) { self.dir.join(format!("mail/{rep}/cur")) } else { archive };
        let to = to.join(file.file_name().expect("a file"));
        fs::rename(&*file, &to).expect("the mail moves");
        *file = to;
    }
}
