//! Multistatus answers as servers write them, and as they should not.

use super::*;

fn wrap(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\" xmlns:x=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:cs=\"http://calendarserver.org/ns/\">{inner}</d:multistatus>"
    )
}

fn read(inner: &str) -> Multistatus {
    multistatus(wrap(inner).as_bytes()).expect("well formed")
}

#[test]
fn any_prefix_and_the_default_namespace() {
    let plain = "<multistatus xmlns=\"DAV:\"><response><href>/a</href><propstat><prop><getetag>\"1\"</getetag></prop>\
                 <status>HTTP/1.1 200 OK</status></propstat></response></multistatus>";
    for body in [plain.to_string(), format!("\u{feff}{plain}"), format!("<?xml version='1.0'?>\r\n{plain}\n")] {
        let all = multistatus(body.as_bytes()).expect("well formed");
        assert_eq!(all.replies[0].href, "/a");
        assert_eq!(all.replies[0].props.etag.as_deref(), Some("\"1\""));
    }
    let foreign = plain.replace("DAV:", "urn:other");
    assert!(multistatus(foreign.as_bytes()).is_err());
}

#[test]
fn only_found_properties_count() {
    let all = read(
        "<d:response><d:href>/a</d:href>\
         <d:propstat><d:prop><d:getetag>yes</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>\
         <d:propstat><d:prop><d:displayname>no</d:displayname></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>\
         </d:response>",
    );
    assert_eq!(all.replies[0].props.etag.as_deref(), Some("yes"));
    assert_eq!(all.replies[0].props.display_name, None);
}

#[test]
fn text_with_references_and_cdata() {
    let all = read(
        "<d:response><d:href>/a&amp;b</d:href><d:propstat><d:prop><d:getetag>&quot;&#49;&#x32;&quot;</d:getetag>\
         <x:calendar-data><![CDATA[BEGIN:X & <Y>\r\nEND:X]]></x:calendar-data></d:prop></d:propstat></d:response>",
    );
    assert_eq!(all.replies[0].href, "/a&b");
    assert_eq!(all.replies[0].props.etag.as_deref(), Some("\"12\""));
    assert_eq!(all.replies[0].props.data.as_deref(), Some("BEGIN:X & <Y>\nEND:X"));
}

#[test]
fn kinds_of_collections() {
    let kind = |types: &str| {
        let all = read(&format!(
            "<d:response><d:href>/a/</d:href><d:propstat><d:prop><d:resourcetype>{types}</d:resourcetype></d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        ));
        let props = &all.replies[0].props;
        (props.is_collection, props.is_calendar, props.is_other)
    };
    assert_eq!(kind(""), (false, false, false));
    assert_eq!(kind("<d:collection/><x:calendar/>"), (true, true, false));
    assert_eq!(kind("<d:collection></d:collection><x:schedule-inbox/>"), (true, false, true));
    assert_eq!(kind("<d:collection/><x:calendar/><cs:subscribed/>"), (true, true, true));
    assert_eq!(kind("<d:collection/><z:deleted-calendar xmlns:z=\"urn:z\"/>"), (true, false, true));
    assert_eq!(kind("<d:collection/><d:calendar/>"), (true, false, false), "calendar of another namespace");
}

#[test]
fn components_reports_and_homes() {
    let all = read(
        "<d:response><d:href>/a/</d:href><d:propstat><d:prop>\
         <x:supported-calendar-component-set><x:comp name=\"vevent\"/><x:comp name='VTODO'/></x:supported-calendar-component-set>\
         <d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>\
         <d:current-user-principal><d:href> /p/ </d:href></d:current-user-principal>\
         <x:calendar-home-set><d:href>/h1/</d:href><d:href>/h2/</d:href></x:calendar-home-set>\
         <cs:source><d:href>https://feed.example/x.ics</d:href></cs:source>\
         </d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response><d:sync-token>t&lt;1</d:sync-token>",
    );
    let props = &all.replies[0].props;
    assert_eq!(all.replies[0].href, "/a/", "an href inside a property is not the resource's");
    assert_eq!(props.components.as_deref(), Some(&["VEVENT".to_string(), "VTODO".to_string()][..]));
    assert!(props.can_sync && props.is_other);
    assert_eq!(props.principal.as_deref(), Some("/p/"));
    assert_eq!(props.homes, ["/h1/", "/h2/"]);
    assert_eq!(all.sync_token.as_deref(), Some("t<1"));
}

#[test]
fn one_status_for_several_resources() {
    let all = read(
        "<d:response><d:href>/a</d:href><d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>\
         <d:response><d:href>/b</d:href><d:href>/c</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>",
    );
    let seen: Vec<_> = all.replies.iter().map(|r| (r.href.as_str(), r.status)).collect();
    assert_eq!(seen, [("/a", None), ("/b", Some(404)), ("/c", Some(404))]);
}

#[test]
fn lies_and_accidents_are_refused() {
    let whole = wrap("<d:response><d:href>/a</d:href></d:response>");
    for cut in 0..whole.len() {
        assert!(multistatus(&whole.as_bytes()[..cut]).is_err(), "cut after {cut} bytes");
    }
    for bad in [
        "<html><body>Sign in</body></html>".to_string(),
        "<!DOCTYPE html><html></html>".to_string(),
        format!("<!DOCTYPE d [<!ENTITY x \"y\">]>{whole}"),
        wrap("<d:response><d:href>&bomb;</d:href></d:response>"),
        wrap(&("<a>".repeat(100) + &"</a>".repeat(100))),
        wrap("<d:response></d:href>"),
        wrap("<d:response><d:href>&#0;</d:href></d:response>"),
        "no xml at all".to_string(),
        String::new(),
    ] {
        assert!(multistatus(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn bodies_are_escaped() {
    assert!(sync_collection("a<&\"b").contains("<D:sync-token>a&lt;&amp;&quot;b</D:sync-token>"));
    assert!(multiget(&["/a&b".to_string()]).contains("<D:href>/a&amp;b</D:href>"));
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "[<>/a-z&;\"'=!\\[\\]d:x ]{0,200}") {
        let _ = multistatus(text.as_bytes());
        let _ = multistatus(wrap(&text).as_bytes());
    }

    #[test]
    fn hrefs_survive_the_round_trip(path in "/[ -~äß€]{0,40}") {
        let body = wrap(&format!("<d:response><d:href>{}</d:href></d:response>", escape(path.as_str())));
        let all = multistatus(body.as_bytes()).expect("well formed");
        proptest::prop_assert_eq!(&all.replies[0].href, path.trim());
    }
}
