//! Who is who in the sample company: our people, the customers and the people there. Data only.
//!
//! Every domain is below the reserved `.example`, so that no address can ever belong to anybody.

use chrono_tz::Tz;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    En,
    De,
    Fr,
    Es,
}

/// The program somebody writes mail with: it decides structure, encoding and how answers quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// multipart/alternative in base64, quotes below a header block.
    Outlook,
    /// Plain text, quoted-printable, `>` quotes.
    Thunderbird,
    /// multipart/alternative in quoted-printable.
    Apple,
    /// HTML only.
    Webmail,
    /// ISO-8859-1, eight bits.
    Legacy,
}

pub(super) const OWN: &str = "Fernlicht Systems";
pub(super) const OWN_DOMAIN: &str = "fernlicht.example";
pub(super) const OWN_ZONE: Tz = chrono_tz::Europe::Berlin;
/// A mailbox provider: everybody and nobody.
pub(super) const FREE_MAIL: &str = "postfach.example";
pub(super) const PARTNER_DOMAIN: &str = "montagehaus.example";
pub(super) const PORTAL: &str = "orders@einkaufsportal.example";
pub(super) const EXCLUDED_DOMAIN: &str = "betriebsarzt.example";
pub(super) const COMPETITORS: [&str; 2] = ["Sensorix", "Maschinenblick"];

/// One of us. The first four are the reps, in this order everywhere.
#[derive(Debug)]
pub(super) struct Own {
    pub key: &'static str,
    pub given: &'static str,
    pub family: &'static str,
    pub female: bool,
    pub title: &'static str,
    /// `rep`, `manager`, `admin`, or empty for colleagues who have no sign-in.
    pub role: &'static str,
    pub team: &'static str,
    pub zone: Tz,
    pub lang: Lang,
    pub client: Client,
    pub phone: &'static str,
}

#[rustfmt::skip]
pub(super) const OURS: [Own; 11] = [
    own("ana", "Ana", "Keller", true, "Account Executive", "rep", "dach", chrono_tz::Europe::Berlin, Lang::De, Client::Thunderbird, "+49 30 555 0110"),
    own("jonas", "Jonas", "Weber", false, "Account Executive", "rep", "dach", chrono_tz::Europe::Berlin, Lang::De, Client::Outlook, "+49 30 555 0111"),
    own("claire", "Claire", "Moreau", true, "Account Executive", "rep", "international", chrono_tz::Europe::Paris, Lang::Fr, Client::Apple, "+33 1 55 50 01 20"),
    own("ben", "Ben", "Carter", false, "Account Executive", "rep", "international", chrono_tz::America::New_York, Lang::En, Client::Outlook, "+1 212 555 0130"),
    own("mia", "Mia", "Brandt", true, "Head of Sales DACH", "manager", "dach", chrono_tz::Europe::Berlin, Lang::De, Client::Outlook, "+49 30 555 0101"),
    own("oliver", "Oliver", "Hale", false, "Head of International Sales", "manager", "international", chrono_tz::Europe::Berlin, Lang::En, Client::Outlook, "+49 30 555 0102"),
    own("petra", "Petra", "Lindqvist", true, "Sales Operations", "admin", "", chrono_tz::Europe::Berlin, Lang::En, Client::Thunderbird, "+49 30 555 0103"),
    own("tomasz", "Tomasz", "Nowak", false, "Solution Engineer", "", "", chrono_tz::Europe::Berlin, Lang::En, Client::Thunderbird, "+49 30 555 0140"),
    own("sabine", "Sabine", "Roth", true, "Order Desk", "", "", chrono_tz::Europe::Berlin, Lang::De, Client::Legacy, "+49 30 555 0141"),
    own("priya", "Priya", "Nair", true, "Customer Success", "", "", chrono_tz::Europe::Berlin, Lang::En, Client::Apple, "+49 30 555 0142"),
    own("lars", "Lars", "Holm", false, "Finance", "", "", chrono_tz::Europe::Berlin, Lang::En, Client::Outlook, "+49 30 555 0143"),
];

pub(super) const REPS: usize = 4;
pub(super) const MIA: usize = 4;
pub(super) const OLIVER: usize = 5;
pub(super) const TOMASZ: usize = 7;
pub(super) const SABINE: usize = 8;

#[expect(clippy::too_many_arguments, reason = "one row of a table")]
const fn own(
    key: &'static str,
    given: &'static str,
    family: &'static str,
    female: bool,
    title: &'static str,
    role: &'static str,
    team: &'static str,
    zone: Tz,
    lang: Lang,
    client: Client,
    phone: &'static str,
) -> Own {
    Own { key, given, family, female, title, role, team, zone, lang, client, phone }
}

/// A customer company.
#[derive(Debug)]
pub(super) struct Firm {
    pub name: &'static str,
    pub short: &'static str,
    pub domain: &'static str,
    pub city: &'static str,
    pub lang: Lang,
    /// Index in [`OURS`].
    pub owner: usize,
    pub client: Client,
    /// Beginning of its telephone numbers.
    pub phone: &'static str,
    pub people: &'static [Person],
}

/// Given name, family name, female, title.
pub(super) type Person = (&'static str, &'static str, bool, &'static str);

/// The company without a deal that is nevertheless busy with us.
pub(super) const BUSY_FIRM: usize = 25;

#[rustfmt::skip]
pub(super) const FIRMS: [Firm; 26] = [
    Firm { name: "Nordhafen Logistik GmbH", short: "Nordhafen", domain: "nordhafen.example", city: "Hamburg", lang: Lang::De, owner: 0, client: Client::Outlook, phone: "+49 40 555 01", people: &[
        ("Katrin", "Sommer", true, "Leiterin Technik"), ("Jürgen", "Möller", false, "Geschäftsführer"),
        ("Holger", "Petersen", false, "Instandhaltung"), ("Aylin", "Demir", true, "Einkauf")] },
    Firm { name: "Falkenbräu AG", short: "Falkenbräu", domain: "falkenbraeu.example", city: "Bamberg", lang: Lang::De, owner: 0, client: Client::Thunderbird, phone: "+49 951 555 02", people: &[
        ("Sebastian", "Kraus", false, "Braumeister"), ("Ulrike", "Jäger", true, "Kaufmännische Leitung"), ("Martin", "Wolf", false, "Abfüllung")] },
    Firm { name: "Stadtwerke Ebersfurt", short: "SW Ebersfurt", domain: "stadtwerke-ebersfurt.example", city: "Ebersfurt", lang: Lang::De, owner: 0, client: Client::Legacy, phone: "+49 3690 555 03", people: &[
        ("Gisela", "Hartmann", true, "Bereichsleiterin Netze"), ("Dieter", "Böhm", false, "Leiter Wasserwerk"),
        ("Frank", "Schröder", false, "Betriebstechnik"), ("Silke", "Neumann", true, "Vergabestelle")] },
    Firm { name: "Rieck Möbelwerke KG", short: "Rieck", domain: "rieck-moebel.example", city: "Detmold", lang: Lang::De, owner: 0, client: Client::Apple, phone: "+49 5231 555 04", people: &[
        ("Thomas", "Rieck", false, "Inhaber"), ("Bärbel", "Lange", true, "Produktionsleitung"), ("Nico", "Feldmann", false, "IT")] },
    Firm { name: "Alpenglas AG", short: "Alpenglas", domain: "alpenglas.example", city: "Innsbruck", lang: Lang::De, owner: 0, client: Client::Outlook, phone: "+43 512 555 05", people: &[
        ("Florian", "Gruber", false, "Werksleiter"), ("Eva", "Hofer", true, "Controlling"),
        ("Lukas", "Steiner", false, "Schmelzbetrieb"), ("Magdalena", "Pichler", true, "Qualität")] },
    Firm { name: "Kaltmann Kühltechnik GmbH", short: "Kaltmann", domain: "kaltmann.example", city: "Erfurt", lang: Lang::De, owner: 0, client: Client::Thunderbird, phone: "+49 361 555 06", people: &[
        ("Heike", "Zimmermann", true, "Leiterin Service"), ("Rolf", "Kaltmann", false, "Geschäftsführer"), ("Daniel", "Franke", false, "Einkauf")] },
    Firm { name: "Papierfabrik Lauterbach GmbH", short: "PF Lauterbach", domain: "pf-lauterbach.example", city: "Lauterbach", lang: Lang::De, owner: 0, client: Client::Outlook, phone: "+49 6641 555 07", people: &[
        ("Simone", "Vogel", true, "Energiemanagement"), ("Andreas", "Kühn", false, "Papiermaschine 2"), ("Petra", "Simon", true, "Einkauf")] },
    Firm { name: "Vogtmann Maschinenbau GmbH", short: "Vogtmann", domain: "vogtmann.example", city: "Chemnitz", lang: Lang::De, owner: 1, client: Client::Outlook, phone: "+49 371 555 08", people: &[
        ("Ralf", "Vogtmann", false, "Geschäftsführer"), ("Christine", "Seidel", true, "Leiterin Fertigung"),
        ("Marco", "Albrecht", false, "Digitalisierung"), ("Anja", "Richter", true, "Einkauf")] },
    Firm { name: "Rheindos Dosiertechnik AG", short: "Rheindos", domain: "rheindos.example", city: "Mannheim", lang: Lang::De, owner: 1, client: Client::Apple, phone: "+49 621 555 09", people: &[
        ("Stefan", "Baumann", false, "Leiter Produktion"), ("Nadine", "Schuster", true, "Projektleitung"), ("Peter", "Graf", false, "Finanzen")] },
    Firm { name: "Südwest Verpackung AG", short: "SW Verpackung", domain: "swv-pack.example", city: "Ulm", lang: Lang::De, owner: 1, client: Client::Outlook, phone: "+49 731 555 10", people: &[
        ("Michael", "Haas", false, "Technischer Leiter"), ("Claudia", "Ziegler", true, "Werk Ulm"),
        ("Tobias", "Schäfer", false, "Werk Aalen"), ("Renate", "Kurz", true, "Strategischer Einkauf")] },
    Firm { name: "Backhaus Lindner GmbH", short: "Lindner", domain: "backhaus-lindner.example", city: "Leipzig", lang: Lang::De, owner: 1, client: Client::Webmail, phone: "+49 341 555 11", people: &[
        ("Johanna", "Lindner", true, "Geschäftsführerin"), ("Enrico", "Scholz", false, "Backstube"), ("Kerstin", "Arnold", true, "Filialtechnik")] },
    Firm { name: "Tessinova Pharma SA", short: "Tessinova", domain: "tessinova.example", city: "Lugano", lang: Lang::En, owner: 1, client: Client::Outlook, phone: "+41 91 555 12", people: &[
        ("Giulia", "Bernasconi", true, "Head of Engineering"), ("Marc", "Studer", false, "Procurement"),
        ("Elena", "Ferrari", true, "Validation Lead"), ("Reto", "Frei", false, "Site Manager")] },
    Firm { name: "Limmat Werkstoffe AG", short: "Limmat", domain: "limmat-werkstoffe.example", city: "Zürich", lang: Lang::De, owner: 1, client: Client::Thunderbird, phone: "+41 44 555 13", people: &[
        ("Beat", "Zürcher", false, "Leiter Labor"), ("Regula", "Meier", true, "Einkauf"), ("Urs", "Brunner", false, "Produktion")] },
    Firm { name: "Verreries du Lac SA", short: "Verreries du Lac", domain: "verreries-du-lac.example", city: "Annecy", lang: Lang::Fr, owner: 2, client: Client::Outlook, phone: "+33 4 50 55 51 ", people: &[
        ("Hélène", "Girard", true, "Directrice industrielle"), ("François", "Lefèvre", false, "Responsable maintenance"),
        ("Amélie", "Dupuis", true, "Méthodes"), ("Rémi", "Chevalier", false, "Achats")] },
    Firm { name: "Moulins Carpentier", short: "Moulins Carpentier", domain: "moulins-carpentier.example", city: "Lille", lang: Lang::Fr, owner: 2, client: Client::Legacy, phone: "+33 3 20 55 51 ", people: &[
        ("Benoît", "Carpentier", false, "Directeur général"), ("Sandrine", "Leroy", true, "Responsable production"), ("Thierry", "Masson", false, "Achats")] },
    Firm { name: "Aceites Valdeluz S.L.", short: "Valdeluz", domain: "valdeluz.example", city: "Jaén", lang: Lang::Es, owner: 2, client: Client::Apple, phone: "+34 953 55 52 ", people: &[
        ("Lucía", "Ortega", true, "Directora de planta"), ("Javier", "Núñez", false, "Compras"),
        ("Carmen", "Molina", true, "Calidad"), ("Iñaki", "Zubiri", false, "Mantenimiento")] },
    Firm { name: "Conservas Ría Alta S.A.", short: "Ría Alta", domain: "riaalta.example", city: "Vigo", lang: Lang::Es, owner: 2, client: Client::Outlook, phone: "+34 986 55 53 ", people: &[
        ("Antón", "Castro", false, "Director de operaciones"), ("Marta", "Vázquez", true, "Ingeniería"), ("Xoán", "Piñeiro", false, "Administración")] },
    Firm { name: "Harrowgate Foods Ltd", short: "Harrowgate", domain: "harrowgate-foods.example", city: "Leeds", lang: Lang::En, owner: 2, client: Client::Outlook, phone: "+44 113 555 17", people: &[
        ("Emily", "Thornton", true, "Operations Director"), ("Gareth", "Price", false, "Engineering Manager"),
        ("Sophie", "Bell", true, "Continuous Improvement"), ("Raj", "Patel", false, "Buyer")] },
    Firm { name: "Brennan Pumps Ltd", short: "Brennan Pumps", domain: "brennan-pumps.example", city: "Cork", lang: Lang::En, owner: 2, client: Client::Thunderbird, phone: "+353 21 555 18", people: &[
        ("Niamh", "Brennan", true, "Managing Director"), ("Declan", "O'Shea", false, "Service Manager"), ("Aoife", "Kelly", true, "Finance")] },
    Firm { name: "Lakeshore Bottling Co.", short: "Lakeshore", domain: "lakeshore-bottling.example", city: "Milwaukee", lang: Lang::En, owner: 3, client: Client::Outlook, phone: "+1 414 555 01", people: &[
        ("Karen", "Lindholm", true, "VP Operations"), ("Marcus", "Reed", false, "Plant Manager"),
        ("Tina", "Alvarez", true, "Reliability Engineer"), ("Greg", "Sutton", false, "Purchasing")] },
    Firm { name: "Redstone Aggregates LLC", short: "Redstone", domain: "redstone-aggregates.example", city: "Denver", lang: Lang::En, owner: 3, client: Client::Outlook, phone: "+1 303 555 01", people: &[
        ("Walt", "Hendricks", false, "Director of Maintenance"), ("Joanna", "Pike", true, "Controller"), ("Luis", "Romero", false, "Quarry Manager")] },
    Firm { name: "Pinecrest Paper Inc.", short: "Pinecrest", domain: "pinecrest-paper.example", city: "Bangor", lang: Lang::En, owner: 3, client: Client::Webmail, phone: "+1 207 555 01", people: &[
        ("Doug", "Whitman", false, "Mill Manager"), ("Sarah", "Quimby", true, "Process Engineer"), ("Paul", "Levesque", false, "Supply Chain")] },
    Firm { name: "Calloway Foundry Inc.", short: "Calloway", domain: "calloway-foundry.example", city: "Pittsburgh", lang: Lang::En, owner: 3, client: Client::Apple, phone: "+1 412 555 01", people: &[
        ("James", "Calloway", false, "President"), ("Denise", "Park", true, "Operations Manager"),
        ("Victor", "Stone", false, "Melt Shop"), ("Angela", "Rossi", true, "Procurement")] },
    Firm { name: "Bluewater Desalination", short: "Bluewater", domain: "bluewater-desal.example", city: "Tampa", lang: Lang::En, owner: 3, client: Client::Outlook, phone: "+1 813 555 01", people: &[
        ("Monica", "Reyes", true, "Chief Engineer"), ("Todd", "Barker", false, "Contracts"), ("Hannah", "Cole", true, "Asset Management")] },
    Firm { name: "Summit Cold Storage", short: "Summit Cold", domain: "summit-cold.example", city: "Boise", lang: Lang::En, owner: 3, client: Client::Thunderbird, phone: "+1 208 555 01", people: &[
        ("Rachel", "Dunn", true, "Facilities Director"), ("Kyle", "Jensen", false, "Refrigeration"), ("Beth", "Morrow", true, "Accounts Payable")] },
    Firm { name: "Kestrel Marine Ltd", short: "Kestrel Marine", domain: "kestrel-marine.example", city: "Southampton", lang: Lang::En, owner: 2, client: Client::Apple, phone: "+44 23 555 26", people: &[
        ("Imogen", "Clarke", true, "Fleet Engineer"), ("Simon", "Yates", false, "Yard Manager")] },
];
