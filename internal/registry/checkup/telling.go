package checkup

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// What could be done about what answers tell.
const (
	// SetClock: this machine's clock, or the registry's.
	SetClock finding.Remedy = "clock"
	// SlowDown: there is a limit on requests.
	SlowDown finding.Remedy = "rate"
)

func (e *examination) telling() []finding.Probe {
	probes := []finding.Probe{
		{Name: "certificate", Look: e.certificate},
		{Name: "clock", Look: e.clock},
		{Name: "in between", Look: e.between},
		{Name: "authentication", Look: e.authentication},
		{Name: "token", Look: e.token},
		{Name: "redirects", Look: e.redirects},
		{Name: "rate limit", Look: e.rate},
	}
	if e.Side == registry.SideTarget {
		probes = append(probes, finding.Probe{Name: "quota", Look: e.quota})
	}
	return probes
}

// mostSkew is how far clocks may differ before somebody minds: tokens are often granted a minute.
const mostSkew = 30 * time.Second

// clock compares this machine's with the registry's, by the answer that came back the fastest.
func (e *examination) clock(context.Context) finding.Finding {
	var skew, trip time.Duration
	known := false
	for _, exchange := range e.Recorder.from(e.Client.Host()) {
		said, err := http.ParseTime(exchange.Header.Get("Date"))
		took := exchange.Answered.Sub(exchange.Sent)
		if err != nil || exchange.Header.Get("Age") != "" || known && took >= trip {
			continue
		}
		// It says whole seconds, which have begun up to one second ago.
		known, trip, skew = true, took, said.Add(time.Second/2).Sub(exchange.Sent.Add(took/2))
	}
	if !known {
		return finding.Skipf("%s", orElse(e.broken, "the registry does not tell the time"))
	}
	if skew.Abs() <= mostSkew {
		return finding.Okf("this machine's clock and the registry's agree")
	}
	behind := "behind"
	if skew < 0 {
		behind = "ahead of"
	}
	return finding.Warnf(SetClock, "this machine's clock is %s %s the registry's: certificates and tokens may be refused", skew.Abs().Round(time.Second), behind)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// between names whoever says that it has passed answers on.
func (e *examination) between(context.Context) finding.Finding {
	seen := e.Recorder.from(e.Client.Host())
	if len(seen) == 0 {
		return finding.Skipf("%s", e.broken)
	}
	for _, name := range []string{"Via", "X-Cache", "X-Bluecoat-Via", "X-Squid-Error", "Cf-Ray"} {
		if value := header(seen, name); value != "" {
			return finding.Okf("answers come by way of others: %s: %s", name, e.Client.Transport().Printable(value))
		}
	}
	return finding.Okf("nobody in between makes itself known")
}

// authentication says how the registry asks, and who it took us for.
func (e *examination) authentication(context.Context) finding.Finding {
	if len(e.Recorder.from(e.Client.Host())) == 0 {
		return finding.Skipf("%s", e.broken)
	}
	standing := e.Client.Transport().Standing()
	who := "as " + e.Login.Username
	if standing.Anonymous {
		who = "as nobody in particular"
	}
	switch {
	case e.broken != "":
		return finding.Skipf("%s", e.broken)
	case standing.Scheme == "" && e.Side == registry.SideTarget:
		return finding.Warnf("open", "the registry asks nobody for a login: whoever reaches it may do what it allows")
	case standing.Scheme == "":
		return finding.Okf("the registry asks nobody for a login")
	case standing.Scheme == "basic":
		return finding.Okf("by user and password, %s", who)
	}
	realm, err := url.Parse(standing.Realm)
	if err != nil {
		return finding.Warnf("", "the registry names a token server that is no address")
	}
	return finding.Okf("by tokens of %s, %s", realm.Host, who)
}

// shortToken is a life that makes every copy fetch many.
const shortToken = time.Minute

// token looks at how long tokens live, and the login that they are fetched with.
func (e *examination) token(context.Context) finding.Finding {
	if life, short := credentials.LifetimeOf(e.Client.Host(), e.Login, e.Now()); short {
		switch left := life.Until.Sub(e.Now()); {
		case life.About:
			return finding.Warnf(LogIn, "the login is %s, which lives for about %s from when it was made: a nightly job needs a new one each time", life.Of, left.Round(time.Minute))
		case left <= 0:
			return finding.Failf(LogIn, "the login, %s, has expired at %s UTC", life.Of, life.Until.UTC().Format(time.DateTime))
		case left < time.Hour:
			return finding.Warnf(LogIn, "the login, %s, expires in %s", life.Of, left.Round(time.Minute))
		default:
			return finding.Okf("the login, %s, expires at %s UTC", life.Of, life.Until.UTC().Format(time.DateTime))
		}
	}
	standing := e.Client.Transport().Standing()
	switch {
	case !standing.Token:
		return finding.Skipf("%s", orElse(e.broken, "no token was needed"))
	case standing.Life == 0:
		return finding.Okf("tokens do not say how long they live; a minute is assumed")
	case standing.Life < shortToken:
		return finding.Warnf("", "tokens live for %s only: a copy fetches many", standing.Life)
	}
	return finding.Okf("tokens live for %s", standing.Life)
}

// redirects names where downloads are sent to.
func (e *examination) redirects(context.Context) finding.Finding {
	var hosts []string
	seen := e.Recorder.seen()
	for _, exchange := range seen {
		target, err := url.Parse(exchange.Header.Get("Location"))
		if err == nil && slices.Contains(transport.Redirects, exchange.Status) && target.Host != "" && target.Host != exchange.Host && !slices.Contains(hosts, target.Host) {
			hosts = append(hosts, target.Host)
		}
	}
	switch {
	case len(hosts) > 0:
		return finding.Okf("downloads are redirected to %s: firewalls and proxies have to let that through as well", strings.Join(hosts, ", "))
	case e.broken != "":
		return finding.Skipf("%s", e.broken)
	case len(e.images) == 0:
		return finding.Skipf("nothing was downloaded")
	}
	return finding.Okf("downloads come from the registry itself")
}

// rate reads what registries say of their limits: RateLimit-Remaining: 76;w=21600.
func (e *examination) rate(context.Context) finding.Finding {
	seen := e.Recorder.seen()
	for _, exchange := range seen {
		if exchange.Status == http.StatusTooManyRequests {
			return finding.Warnf(SlowDown, "the registry has answered that there are too many requests (429)")
		}
	}
	limit := header(seen, "RateLimit-Limit", "X-RateLimit-Limit")
	left, ok := figure(header(seen, "RateLimit-Remaining", "X-RateLimit-Remaining"))
	switch {
	case len(seen) == 0:
		return finding.Skipf("%s", e.broken)
	case !ok:
		return finding.Okf("the registry speaks of none")
	case left < e.Requests:
		return finding.Warnf(SlowDown, "%d requests are left of %s, and a copy of the selection counts at least %d", left, limitOf(limit), e.Requests)
	}
	return finding.Okf("%d requests are left of %s", left, limitOf(limit))
}

func figure(text string) (int, bool) {
	number, _, _ := strings.Cut(text, ";")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	return n, err == nil
}

// limitOf is a limit with its window: "100;w=21600" is 100 in 6h0m0s.
func limitOf(text string) string {
	n, ok := figure(text)
	if !ok {
		return "a limit that is not said"
	}
	_, window, found := strings.Cut(text, "w=")
	seconds, err := strconv.Atoi(window)
	if !found || err != nil || seconds <= 0 || seconds > 1e9 {
		return strconv.Itoa(n)
	}
	return strconv.Itoa(n) + " in " + (time.Duration(seconds) * time.Second).String()
}

// quota can only be told from what becomes of a push.
func (e *examination) quota(context.Context) finding.Finding {
	switch {
	case e.full != nil:
		found := finding.Failure(e.full)
		found.Says = "the registry has no room: " + essence(e.full)
		return found
	case e.stored:
		return finding.Okf("there was room for a small image; how much more there is no registry tells in advance")
	}
	return finding.Skipf("%s", orElse(e.broken, "a registry tells of it when it refuses a push"))
}

// noteFull keeps that a push was refused for want of room.
func (e *examination) noteFull(err error) {
	if errors.Is(err, registry.ErrQuota) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.full = err
	}
}
