/* Opens every calendar object of a file with libical, and prints how many instances lie in the window and the sum of their
 * starts: what the bench compares with ours.
 *
 * Arguments: the file (VCALENDARs one behind the other), the window's ends (seconds since 1970). */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64

struct sum {
    long count;
    long long starts;
    /* original starts of instances that have an event of their own */
    time_t moved[MOST];
    int moves;
};

static void take(icalcomponent *event, struct icaltime_span *span, void *data) {
    struct sum *all = data;
    (void)event;
    for (int i = 0; i < all->moves; i++)
        if (all->moved[i] == span->start) return;
    all->count++;
    all->starts += span->start;
}

static time_t instant(struct icaltimetype t) {
    return icaltime_as_timet_with_zone(t, t.zone ? t.zone : icaltimezone_get_utc_timezone());
}

static void object(const char *text, struct icaltimetype from, struct icaltimetype to, struct sum *all) {
    icalcomponent *file = icalparser_parse_string(text);
    icalcomponent *event;
    all->moves = 0;
    for (event = icalcomponent_get_first_component(file, ICAL_VEVENT_COMPONENT); event;
         event = icalcomponent_get_next_component(file, ICAL_VEVENT_COMPONENT)) {
        if (!icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY)) continue;
        struct icaltimetype begins = icalcomponent_get_dtstart(event), was = icalcomponent_get_recurrenceid(event);
        time_t start = instant(begins), end = instant(icalcomponent_get_dtend(event));
        /* libical gives the original start without its zone, which is that of the start */
        if (!was.zone) icaltime_set_timezone(&was, begins.zone);
        if (all->moves < MOST) all->moved[all->moves++] = instant(was);
        if (start < instant(to) && end > instant(from)) {
            all->count++;
            all->starts += start;
        }
    }
    for (event = icalcomponent_get_first_component(file, ICAL_VEVENT_COMPONENT); event;
         event = icalcomponent_get_next_component(file, ICAL_VEVENT_COMPONENT))
        if (!icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY))
            icalcomponent_foreach_recurrence(event, from, to, take, all);
    icalcomponent_free(file);
}

int main(int argc, char **argv) {
    const char *last = "END:VCALENDAR\r\n";
    if (argc != 4) return 2;
    FILE *in = fopen(argv[1], "rb");
    if (!in || fseek(in, 0, SEEK_END)) return 1;
    long size = ftell(in);
    char *text = malloc((size_t)size + 1);
    rewind(in);
    if (!text || fread(text, 1, (size_t)size, in) != (size_t)size) return 1;
    text[size] = 0;
    icaltimezone *utc = icaltimezone_get_utc_timezone();
    struct icaltimetype from = icaltime_from_timet_with_zone(atoll(argv[2]), 0, utc);
    struct icaltimetype to = icaltime_from_timet_with_zone(atoll(argv[3]), 0, utc);
    struct sum all;
    memset(&all, 0, sizeof all);
    for (char *at = text, *end; (end = strstr(at, last)); at = end) {
        end += strlen(last);
        char kept = *end;
        *end = 0;
        object(at, from, to, &all);
        *end = kept;
    }
    printf("%ld %lld\n", all.count, all.starts);
    return 0;
}
