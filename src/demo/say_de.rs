//! What people write in German. Data only; places in braces are filled by `phrases::fill`.

use super::phrases::Say;

pub(super) const OPEN: &[&str] = &[
    "ich hoffe, es geht Ihnen gut.",
    "vielen Dank für Ihre Nachricht.",
    "kurze Rückmeldung von meiner Seite.",
    "danke für das freundliche Gespräch.",
];
pub(super) const CLOSE: &[&str] = &["Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße", "Freundliche Grüße"];

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn lines(say: Say) -> &'static [&'static str] {
    match say {
        Say::Inquiry => &[
            "wir betreiben im Bereich {site} {n} Maschinen und verlieren zu viele Stunden durch ungeplante Stillstände. Ein Kollege hat {product} empfohlen. Wie würde das bei uns aussehen, und was wäre der erste Schritt?",
            "bei Ihrem Vortrag zur Zustandsüberwachung kam {product} zur Sprache. Für den Bereich {site} suchen wir etwas in dieser Art, etwa {n} Messpunkte. Können Sie uns Aufwand und Kosten nennen?",
        ],
        Say::Outreach => &[
            "ich habe vom Ausbau im Bereich {site} gelesen. Betriebe Ihrer Branche sehen mit {product} Ausfälle rund zwei Wochen vorher; die meisten beginnen mit {n} Messpunkten. Wäre ein Gespräch von 20 Minuten für Sie interessant?",
            "Sie hatten auf der Messe nach Zahlen zu {product} gefragt. Ich habe zusammengestellt, was {n} Messpunkte für den Bereich {site} bedeuten würden, und stelle es Ihnen gern vor.",
        ],
        Say::Interested => &[
            "das passt gut: genau darüber sprechen wir gerade für den Bereich {site}. Gern ein Gespräch, bitte nennen Sie zwei Termine in der nächsten Woche.",
            "ja, das steht bei uns dieses Jahr auf der Liste. Was brauchen Sie von uns für eine erste Schätzung über {n} Punkte?",
        ],
        Say::FirstReply => &[
            "vielen Dank für Ihre Anfrage. Bei Vorhaben wie {site} beginnen wir meist mit einem Gespräch von 30 Minuten und zeigen {product} dann an Ihren eigenen Daten. Passt Ihnen Dienstag oder Donnerstag?",
            "sehr gern. Bevor ich Unterlagen schicke, möchte ich den Bereich {site} verstehen und lade Sie zu einem kurzen Gespräch ein.",
        ],
        Say::Times => &[
            "Donnerstag passt. Bitte laden Sie auch meinen Kollegen ein, er kennt die Maschinen.",
            "der zweite Termin ist gut. Wir bringen die Stillstandsliste des letzten Jahres mit.",
        ],
        Say::Question => &[
            "eine Frage unserer IT: Braucht {product} eine Verbindung nach außen, oder kann das Gateway in unserem Netz bleiben? Und wie lange werden Rohdaten aufbewahrt?",
            "lassen sich die Sensoren bei laufenden Maschinen montieren? Bis Quartalsende haben wir im Bereich {site} keinen Stillstand.",
            "wie wird abgerechnet, wenn wir im nächsten Jahr weitere {n} Punkte ergänzen?",
        ],
        Say::Answer => &[
            "beides ist möglich: Das Gateway kann im Netz bleiben und über Ihren Proxy senden, Rohdaten halten wir 90 Tage vor. Tomasz schickt Ihnen das Netzwerkblatt.",
            "ja, die Klemmen werden bei laufender Maschine gesetzt; zwei Leute schaffen etwa {n} Punkte am Tag.",
            "der Preis je Punkt bleibt 24 Monate gleich, spätere Punkte kosten also nicht mehr als heute.",
        ],
        Say::FollowUp => &[
            "herzlichen Dank für das gute Gespräch heute. Mitgenommen habe ich: zuerst {site}, {n} Messpunkte, Ansprechpartner in der Instandhaltung, danach Vorlage bei der Geschäftsleitung. Wie besprochen melde ich mich mit dem nächsten Schritt.",
            "danke für Ihre Zeit. Wie vereinbart: Sie schicken die Maschinenliste, wir bereiten das Beispiel vor und sprechen nächste Woche wieder.",
        ],
        Say::DemoPlan => &[
            "für die Vorführung schlage ich vor, {product} mit Daten aus drei Wochen einer vergleichbaren Linie zu zeigen, danach 20 Minuten für Fragen. Wer sollte von Ihrer Seite dabei sein?",
            "die Vorführung für den Bereich {site} ist vorbereitet. Sie dauert 45 Minuten; wenn Betrieb und IT dabei sind, sparen wir eine Runde.",
        ],
        Say::AcceptDemo => &[
            "das passt uns. Bitte rechnen Sie mit drei Personen, meine Kollegin steht in Kopie. Machen wir die Vorführung wie vorgeschlagen.",
            "intern abgestimmt: Wir möchten es sehen. Der Termin passt allen hier.",
        ],
        Say::Confirm => &["wunderbar, ist notiert. Den Link finden Sie in der Einladung.", "sehr gut, ich bereite alles entsprechend vor."],
        Say::PleaseQuote => &[
            "die Vorführung hat die Kollegen überzeugt. Bitte senden Sie uns ein Angebot über {n} Messpunkte für den Bereich {site}, die Montage als eigene Position.",
            "wir haben heute früh darüber gesprochen. Machen Sie uns bitte ein Angebot, erstes Jahr und Folgejahre getrennt.",
        ],
        Say::Quote => &[
            "anbei unser Angebot: {product} für den Bereich {site}, {n} Messpunkte, zusammen {amount}. Es gilt 60 Tage. Ich rufe an, um es mit Ihnen durchzugehen.",
            "wie gewünscht erhalten Sie das Angebot über {amount}. Die Montage steht als eigene Position darin.",
        ],
        Say::Terms => &[
            "wir sind das Angebot durchgegangen. Wären 60 Tage Zahlungsziel und ein Ausstieg nach drei Monaten Probebetrieb möglich?",
            "der Einkauf fragt nach einer schriftlichen Zusage der Reaktionszeiten und nach einem Nachlass im zweiten Jahr.",
        ],
        Say::ToContract => &[
            "das Budget ist grundsätzlich freigegeben. Bitte schicken Sie uns den Vertragsentwurf, damit unsere Rechtsabteilung beginnen kann.",
            "die Geschäftsleitung ist mit dem Umfang einverstanden. Als Nächstes der Vertrag: Wer ist dafür unser Ansprechpartner?",
        ],
        Say::Contract => &[
            "anbei der Vertragsentwurf mit den besprochenen Punkten. Sagen Sie mir gern, was Ihre Juristen noch brauchen.",
            "hier der Entwurf. Abweichungen von unserem Standard sind markiert, der Ausstieg steht in Ziffer 7.",
        ],
        Say::Legal => &[
            "zwei Anmerkungen der Rechtsabteilung: Haftung in Ziffer 9 und Gerichtsstand. Alles andere ist in Ordnung.",
            "wir brauchen die Vereinbarung zur Auftragsverarbeitung als eigenes Dokument, sonst sind wir so weit.",
        ],
        Say::Order => &[
            "anbei unsere Bestellung. Wir freuen uns auf den Start im Bereich {site}.",
            "gute Nachricht: Bei uns ist unterschrieben. Die Bestellung hängt an, bitte bestätigen Sie die Lieferwoche.",
        ],
        Say::Welcome => &[
            "vielen Dank für Ihr Vertrauen. Priya aus unserer Kundenbetreuung meldet sich wegen des Auftakts für den Bereich {site}.",
            "dankend erhalten, die Auftragsbestätigung kommt von unserem Innendienst. Auf gute Zusammenarbeit.",
        ],
        Say::Decline => &[
            "wir haben entschieden, die Investition für den Bereich {site} zu verschieben. Das liegt nicht an Ihrem Angebot, das Budget geht in ein anderes Vorhaben.",
            "vielen Dank für Ihre Mühe. Wir haben uns diesmal für eine andere Lösung entschieden.",
        ],
        Say::Regret => &["danke für die offene Rückmeldung. Was hat am Ende den Ausschlag gegeben? Im nächsten Jahr melde ich mich gern wieder."],
        Say::Nudge => &[
            "konnten Sie meine letzte Nachricht schon ansehen? Wollen wir diese Woche kurz telefonieren?",
            "ich wollte kurz nachfragen, ob auf Ihrer Seite noch etwas offen ist, das ich beantworten kann.",
            "damit der Faden nicht abreißt: Wann passt Ihnen ein kurzes Telefonat?",
        ],
        Say::Closing => &["danke, mehr brauchen wir im Moment nicht. Wir kommen auf Sie zu.", "vielen Dank, ist notiert. Wir melden uns, sobald wir intern entschieden haben."],
        Say::Update => &[
            "kurzer Stand von uns: Die Kollegen vergleichen die Ergebnisse und mögen die Wochenansicht. Zwei weitere möchten es sehen.",
            "nächste Woche ist die interne Runde. Schicken Sie mir bitte noch einmal die beiden Folien zur Ersparnis?",
            "die Maschinenliste für den Bereich {site} ist jetzt vollständig, zusammen {n} Messpunkte.",
        ],
        Say::Vague => &[
            "können wir Laufzeit und Starttermin noch einmal besprechen? Unsere Geschäftsleitung hätte gern einen Vorschlag für beide Varianten.",
            "wir haben eine Rückfrage zum Zahlungsplan. Haben Sie am Montag zehn Minuten?",
        ],
        Say::VagueAnswer => &["gern, ich rufe Sie am Montag an.", "selbstverständlich, ich schicke Ihnen einen Vorschlag."],
        Say::Compared => &["ganz offen: Uns liegt auch ein Angebot von Sensorix vor, etwas günstiger, allerdings ohne Montage. Worin unterscheiden Sie sich?"],
        Say::Minutes => &["kurzes Protokoll von heute: offene Punkte durchgesehen, nichts hält uns auf. Nächster Termin wie gewohnt."],
    }
}
