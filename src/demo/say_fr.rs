//! What people write in French. Data only; places in braces are filled by `phrases::fill`.

use super::phrases::Say;

pub(super) const OPEN: &[&str] = &[
    "j'espère que vous allez bien.",
    "merci pour votre message.",
    "un petit mot de ma part.",
    "merci pour cet échange.",
];
pub(super) const CLOSE: &[&str] = &["Bien cordialement,", "Cordialement,", "Bien à vous,"];

#[rustfmt::skip]
pub(super) fn lines(say: Say) -> &'static [&'static str] {
    match say {
        Say::Inquiry => &[
            "nous exploitons {n} machines sur le site {site} et perdons trop d'heures en arrêts imprévus. Un collègue m'a parlé de {product}. Pourriez-vous m'indiquer comment cela s'intégrerait chez nous et quelle serait la première étape ?",
        ],
        Say::Outreach => &[
            "j'ai lu que vous agrandissiez le site {site}. Des sites comme le vôtre anticipent les pannes de deux semaines avec {product}, en commençant par {n} points de mesure. Un échange de 20 minutes vous serait-il utile ?",
        ],
        Say::Interested => &[
            "cela tombe bien : nous en parlons justement pour le projet {site}. Volontiers pour un échange, proposez-moi deux dates la semaine prochaine.",
            "oui, c'est prévu cette année. De quoi avez-vous besoin pour une première estimation sur {n} points ?",
        ],
        Say::FirstReply => &[
            "merci de votre intérêt. Pour un projet comme {site}, nous commençons par un appel de 30 minutes, puis nous montrons {product} avec vos propres données. Mardi ou jeudi vous conviendrait-il ?",
        ],
        Say::Times => &["jeudi nous convient. Merci d'inviter aussi mon collègue, il connaît les machines.", "le second créneau est parfait, nous apporterons la liste des arrêts."],
        Say::Question => &[
            "une question de notre service informatique : {product} a-t-il besoin d'une connexion sortante, ou la passerelle peut-elle rester sur notre réseau ?",
            "peut-on poser les capteurs machines en marche ? Aucun arrêt n'est prévu sur le site {site} avant la fin du trimestre.",
        ],
        Say::Answer => &[
            "les deux sont possibles : la passerelle peut rester sur votre réseau et passer par votre proxy. Tomasz vous envoie la fiche réseau.",
            "oui, la pose se fait en marche ; à deux, comptez environ {n} points par jour.",
        ],
        Say::FollowUp => &[
            "merci pour cet échange. Je retiens : {site} d'abord, {n} points, un interlocuteur à la maintenance, puis décision de la direction. Je reviens vers vous pour la suite, comme convenu.",
        ],
        Say::DemoPlan => &["pour la démonstration, je propose de montrer {product} avec trois semaines de données d'une ligne comparable, puis 20 minutes de questions. Qui souhaitez-vous inviter ?"],
        Say::AcceptDemo => &["cela nous convient. Comptez trois personnes, ma collègue est en copie. Faisons la démonstration comme proposé."],
        Say::Confirm => &["parfait, c'est noté. Le lien est dans l'invitation."],
        Say::PleaseQuote => &["la démonstration a convaincu l'équipe. Merci de nous adresser un devis pour {n} points sur le site {site}, avec la pose à part."],
        Say::Quote => &["veuillez trouver ci-joint notre devis : {product} pour le projet {site}, {n} points, {amount} au total. Il est valable 60 jours."],
        Say::Terms => &["nous avons étudié le devis. Un paiement à 60 jours et une sortie après trois mois de pilote seraient-ils possibles ?"],
        Say::ToContract => &["le budget est validé sur le principe. Merci de nous envoyer le projet de contrat pour notre service juridique."],
        Say::Contract => &["ci-joint le projet de contrat avec les points convenus. Dites-moi ce dont vos juristes ont besoin."],
        Say::Legal => &["deux remarques de nos juristes : la responsabilité à l'article 9 et le tribunal compétent. Le reste est bon."],
        Say::Order => &["veuillez trouver notre bon de commande en pièce jointe. Nous nous réjouissons de démarrer sur le site {site}."],
        Say::Welcome => &["merci de votre confiance. Priya, de notre service client, vous contacte pour le lancement sur le site {site}."],
        Say::Decline => &["nous avons décidé de reporter l'investissement sur le site {site}. Votre offre n'est pas en cause, le budget part sur un autre projet."],
        Say::Regret => &["merci de votre franchise. Je reprendrai contact l'an prochain."],
        Say::Nudge => &["avez-vous pu regarder mon dernier message ? Un court appel cette semaine vous conviendrait-il ?", "je me permets de revenir vers vous : reste-t-il des questions de votre côté ?"],
        Say::Closing => &["merci, c'est tout ce qu'il nous faut pour l'instant. Nous reviendrons vers vous."],
        Say::Update => &["petit point de notre côté : l'équipe compare les résultats et apprécie la vue hebdomadaire.", "la liste des machines pour le projet {site} est complète, {n} points en tout."],
        Say::Vague => &["pourrions-nous revoir la durée et la date de départ ? Notre direction souhaite une proposition pour les deux options."],
        Say::VagueAnswer => &["volontiers, je vous appelle lundi."],
        Say::Compared => &["pour être transparent, nous avons aussi une offre de Sensorix, un peu moins chère, sans la pose. En quoi êtes-vous différents ?"],
        Say::Minutes => &["bref compte rendu de l'appel : points ouverts passés en revue, rien de bloquant."],
    }
}
