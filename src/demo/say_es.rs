//! What people write in Spanish. Data only; places in braces are filled by `phrases::fill`.

use super::phrases::Say;

pub(super) const OPEN: &[&str] = &[
    "espero que esté bien.",
    "gracias por su mensaje.",
    "una nota rápida por mi parte.",
    "gracias por la conversación.",
];
pub(super) const CLOSE: &[&str] = &["Un saludo,", "Saludos cordiales,", "Atentamente,"];

#[rustfmt::skip]
pub(super) fn lines(say: Say) -> &'static [&'static str] {
    match say {
        Say::Inquiry => &[
            "tenemos {n} máquinas en la zona {site} y perdemos demasiadas horas por paradas imprevistas. Un compañero me habló de {product}. ¿Cómo encajaría y cuál sería el primer paso?",
        ],
        Say::Outreach => &[
            "he leído sobre la ampliación de la zona {site}. Plantas como la suya anticipan averías con {product}, empezando por {n} puntos de medida. ¿Le vendría bien una llamada de 20 minutos?",
        ],
        Say::Interested => &[
            "nos viene muy bien: justo lo estamos hablando para el proyecto {site}. Propóngame dos fechas para la semana que viene.",
            "sí, está previsto para este año. ¿Qué necesita para una primera estimación de {n} puntos?",
        ],
        Say::FirstReply => &[
            "gracias por su interés. Para un proyecto como {site} empezamos con una llamada de 30 minutos y después mostramos {product} con sus propios datos. ¿Le va bien el martes o el jueves?",
        ],
        Say::Times => &["el jueves nos va bien. Invite también a mi compañero, conoce las máquinas.", "la segunda fecha es perfecta, llevaremos la lista de paradas."],
        Say::Question => &[
            "una pregunta de informática: ¿{product} necesita conexión al exterior o la pasarela puede quedarse en nuestra red?",
            "¿se pueden montar los sensores con las máquinas en marcha? En la zona {site} no hay paradas hasta fin de trimestre.",
        ],
        Say::Answer => &[
            "ambas cosas son posibles: la pasarela puede quedarse en su red y salir por su proxy. Tomasz le envía la hoja de red.",
            "sí, se montan en marcha; entre dos personas unos {n} puntos al día.",
        ],
        Say::FollowUp => &["gracias por la conversación de hoy. Me llevo: primero {site}, {n} puntos, un contacto en mantenimiento y después la dirección. Como acordamos, le escribo con el siguiente paso."],
        Say::DemoPlan => &["para la demostración propongo enseñar {product} con tres semanas de datos de una línea parecida y 20 minutos de preguntas. ¿Quién debería asistir?"],
        Say::AcceptDemo => &["nos parece bien. Cuente con tres personas, mi compañera va en copia. Hagamos la demostración como propone."],
        Say::Confirm => &["perfecto, queda anotado. El enlace está en la invitación."],
        Say::PleaseQuote => &["la demostración convenció al equipo. Envíenos por favor una oferta para {n} puntos en la zona {site}, con el montaje aparte."],
        Say::Quote => &["le adjunto nuestra oferta: {product} para el proyecto {site}, {n} puntos, {amount} en total. Es válida 60 días."],
        Say::Terms => &["hemos revisado la oferta. ¿Sería posible el pago a 60 días y una salida tras tres meses de piloto?"],
        Say::ToContract => &["el presupuesto está aprobado en principio. Envíenos por favor el borrador de contrato para nuestros abogados."],
        Say::Contract => &["adjunto el borrador de contrato con lo hablado. Dígame qué necesitan sus abogados."],
        Say::Legal => &["dos comentarios de nuestros abogados: responsabilidad en la cláusula 9 y jurisdicción. Lo demás está bien."],
        Say::Order => &["le adjunto nuestro pedido. Tenemos ganas de empezar en la zona {site}."],
        Say::Welcome => &["muchas gracias por su confianza. Priya, de atención al cliente, le escribirá para el arranque en la zona {site}."],
        Say::Decline => &["hemos decidido aplazar la inversión en la zona {site}. No es por su oferta, el presupuesto va a otro proyecto."],
        Say::Regret => &["gracias por su franqueza. Volveré a escribirle el año que viene."],
        Say::Nudge => &["¿ha podido ver mi último mensaje? ¿Hablamos un momento esta semana?", "quería preguntarle si queda alguna duda por su parte."],
        Say::Closing => &["gracias, por ahora no necesitamos más. Le escribiremos nosotros."],
        Say::Update => &["un breve estado: el equipo compara los resultados y le gusta la vista semanal.", "la lista de máquinas del proyecto {site} está completa, {n} puntos en total."],
        Say::Vague => &["¿podemos repasar la duración y la fecha de inicio? La dirección quiere ver una propuesta para ambas opciones."],
        Say::VagueAnswer => &["con mucho gusto, le llamo el lunes."],
        Say::Compared => &["para ser claros, también tenemos una oferta de Sensorix, algo más barata, sin montaje. ¿En qué se diferencian?"],
        Say::Minutes => &["breve acta de la llamada: puntos abiertos revisados, nada que nos frene."],
    }
}
