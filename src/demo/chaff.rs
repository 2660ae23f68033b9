//! Everything in a mailbox that is no deal: who sends it, under which subject. Data only.

/// Newsletters: name, address, subjects.
pub(super) const NEWS: [(&str, &str, [&str; 4]); 9] = [
    (
        "Instandhaltung heute",
        "redaktion@instandhaltung-heute.example",
        [
            "Schwingungsanalyse in der Praxis",
            "Fünf Fragen an den Anlagenbetreiber",
            "Fachkräfte: was Betriebe tun",
            "Messe-Nachlese",
        ],
    ),
    (
        "Plant Weekly",
        "news@plantweekly.example",
        [
            "This week in process industry",
            "Energy prices: the outlook",
            "What downtime really costs",
            "Interview: sensors at scale",
        ],
    ),
    (
        "Verreries du Lac",
        "actualites@verreries-du-lac.example",
        ["Nos nouveautés", "Un nouveau four pour 2027", "Portes ouvertes", "Rapport annuel"],
    ),
    (
        "Sales Craft",
        "hello@salescraft.example",
        ["One question that opens doors", "Your pipeline is lying to you", "Negotiate the second year", "Reader mail"],
    ),
    (
        "Industriemesse",
        "aussteller@industriemesse.example",
        ["Ihr Ausstellerticket", "Hallenplan und Aufbauzeiten", "Frühbucher bis Monatsende", "Rückblick in Bildern"],
    ),
    (
        "CloudHost Status",
        "updates@cloudhost.example",
        ["Planned maintenance", "New region available", "Release notes", "Pricing update"],
    ),
    (
        "Reisekontor",
        "angebote@reisekontor.example",
        ["Günstig nach Mailand", "Ihre Punkte verfallen", "Bahn und Hotel", "Herbstangebote"],
    ),
    (
        "Le Fil Industrie",
        "lettre@fil-industrie.example",
        ["Capteurs : le dossier", "Maintenance prédictive, bilan", "Agenda du mois", "Emploi et formation"],
    ),
    (
        "Webinar Team",
        "webinar@datenhaus.example",
        ["Einladung zum Webinar", "Aufzeichnung verfügbar", "Nur noch wenige Plätze", "Termine im nächsten Monat"],
    ),
];

/// Machines: name, address, subject, text.
pub(super) const MACHINES: [(&str, &str, &str, &str); 6] = [
    ("Ticket desk", "noreply@helpdesk.example", "[Ticket #{n}] has been updated", "Status: in progress\n"),
    (
        "Reisekosten",
        "no-reply@spesen.example",
        "Ihre Abrechnung {n} wurde freigegeben",
        "Der Betrag wird überwiesen.\n",
    ),
    ("Build server", "build@ci.example", "Build {n} passed", "All steps passed.\n"),
    ("Zeiterfassung", "noreply@stempel.example", "Erinnerung: Zeiten der Woche {n}", "Bitte prüfen Sie Ihre Zeiten.\n"),
    ("Survey", "notification@umfrage.example", "Response {n} received", "A new response was recorded.\n"),
    ("Parkhaus", "noreply@parkhaus.example", "Beleg {n}", "Vielen Dank für Ihren Besuch.\n"),
];

/// Strangers who write once: name, address, subject, text.
pub(super) const STRANGERS: [(&str, &str, &str, &str); 10] = [
    (
        "Kevin Lang",
        "kevin.lang@leadmaschine.example",
        "Mehr Termine für Ihr Team",
        "Hallo,\n\nwir bringen Ihnen 15 Termine im Monat. Passt Ihnen ein kurzes Gespräch?\n\nKevin Lang\n",
    ),
    (
        "Laura Finch",
        "laura@talentbridge.example",
        "Two senior candidates for your sales team",
        "Hi,\n\nI represent two account executives who are open for a change. May I send their profiles?\n\nLaura\n",
    ),
    (
        "Stefan Ott",
        "ott@werbeartikel-ott.example",
        "Werbeartikel für die Messe",
        "Guten Tag,\n\nanbei ein paar Ideen für Ihre Kundengeschenke.\n\nStefan Ott\n",
    ),
    (
        "Emma Wood",
        "emma.wood@cloudsecure.example",
        "Quick question about your backups",
        "Hi,\n\nwho looks after backups at Fernlicht?\n\nEmma\n",
    ),
    (
        "Julien Blanc",
        "j.blanc@traduc-pro.example",
        "Traduction technique",
        "Bonjour,\n\nnous traduisons vos fiches produits en 12 langues.\n\nJulien Blanc\n",
    ),
    (
        "Marek Dvorak",
        "dvorak@bueroflaeche.example",
        "Büroflächen in Ihrer Nähe",
        "Guten Tag,\n\nab März werden 400 Quadratmeter frei. Interesse?\n\nMarek Dvorak\n",
    ),
    (
        "Sandra Pohl",
        "sandra.pohl@postfach.example",
        "Bewerbung als Werkstudentin",
        "Sehr geehrte Damen und Herren,\n\nanbei meine Unterlagen.\n\nSandra Pohl\n",
    ),
    (
        "Tim Okafor",
        "tim@datastream-tools.example",
        "Your CRM data quality",
        "Hi,\n\nwe clean contact data. Could I show you ten minutes?\n\nTim\n",
    ),
    (
        "Nora Weiss",
        "nora.weiss@kongressbuero.example",
        "Speaker request",
        "Hello,\n\nwould you like to speak at our autumn conference?\n\nNora Weiss\n",
    ),
    (
        "Carlos Pinto",
        "carlos@logistica-pinto.example",
        "Transporte a la Península",
        "Buenos días:\n\nofrecemos transporte semanal. ¿Le interesa?\n\nCarlos Pinto\n",
    ),
];

/// Prospects nobody has entered into the CRM: rep, name, address, what they ask for.
pub(super) const PROSPECTS: [(usize, &str, &str, &str); 5] = [
    (0, "Anke Reuter", "anke.reuter@haller-optik.example", "Schwingungsmessung an Poliermaschinen"),
    (1, "Matthias Engel", "m.engel@engel-giesserei.example", "Überwachung von vier Induktionsöfen"),
    (2, "Pablo Serrano", "p.serrano@ceramicas-serrano.example", "Hornos: medición de consumo"),
    (3, "Kim Osei", "kim.osei@postfach.example", "Pilot at a small dairy"),
    (3, "Dana Whitlock", "dana.whitlock@harbor-seafood.example", "Freezer monitoring for two plants"),
];

/// What spam looks like.
pub(super) const SPAM: [(&str, &str, &str); 5] = [
    ("Gewinnspiel", "win@gluecksrad.example", "Sie haben gewonnen"),
    ("Pharma Direct", "offer@pills.example", "Special discount inside"),
    ("Invoice dept", "billing@rechnung-online.example", "Overdue invoice, open attachment"),
    ("Crypto Desk", "desk@coinrush.example", "Double your deposit"),
    ("SEO Team", "seo@rankfirst.example", "First page guaranteed"),
];

/// Internal mail: subject, question, answer.
pub(super) const INTERNAL: [(&str, &str, &str); 14] = [
    ("Angebotsvorlage", "kannst du mir die neue Vorlage schicken?", "liegt im Ordner, Version 3."),
    (
        "Forecast Freitag",
        "bitte bis Donnerstag eure Zahlen durchsehen.",
        "erledigt, zwei Termine haben sich verschoben.",
    ),
    ("Reisekosten", "die Belege vom letzten Monat fehlen noch.", "sind unterwegs."),
    ("Montagetermine", "wer hat in der nächsten Woche Kapazität?", "Dienstag und Mittwoch gehen."),
    ("Gateway firmware", "is 2.4 released for customers yet?", "from Monday on, release notes follow."),
    ("Reference call", "which customer could give a reference for food?", "I will ask two of mine."),
    ("Pricing second year", "how far may we go on the second year?", "five percent, above that ask Mia or Oliver."),
    ("Holiday cover", "can you look after my inbox on Friday?", "sure, forward what is urgent."),
    ("Stand plan", "who is at the booth on day two?", "Jonas in the morning, me in the afternoon."),
    ("Network sheet", "do we have the proxy page in German?", "yes, page 4."),
    ("Delivery times", "clamps are at six weeks now, right?", "five, the new batch arrived."),
    ("Onboarding", "the new colleague starts on the first.", "great, I have booked the room."),
    ("Case study", "may we name the customer?", "only the industry."),
    ("Team lunch", "Thursday at noon, same place?", "count me in."),
];
