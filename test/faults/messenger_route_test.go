package faults

import (
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/test/judge"
)

// routes holds the routes of all messengers.
var routes = judge.Routes()

// quick are the routes with a call per second or more. Users that get the most alerts
// use them, so that a case stays short.
var quick = slices.DeleteFunc(slices.Clone(routes), func(r judge.Route) bool { return intervalOf(r, true) > time.Second })

// routeOf returns the route of a user. A team shares a credential of Slack; the shifts
// use all quick routes, the others all routes.
func routeOf(user int) judge.Route {
	switch {
	case user <= teams*teamSize:
		return routes[0]
	case user <= teams*teamSize+shifts*shiftSize:
		return quick[user%len(quick)]
	}
	return routes[user%len(routes)]
}

// specs holds the specs of the messengers.
var specs = all.Specs()

// specOf returns the spec of the route's messenger.
func specOf(r judge.Route) messenger.Spec {
	s, _ := messenger.Find(specs, r.Messenger)
	return s
}

// intervalOf returns the interval of calls to one destination at the default rate limits. A
// burst larger than the calls here leaves only the credential's limit, except after a
// pause of the provider, which uses it up.
func intervalOf(r judge.Route, paused bool) time.Duration {
	const plenty = 20
	interval := perToken
	if r.Messenger == "rocketchat" { // its limit is raised: 5 a minute would take longer than a case
		return interval
	}
	for _, limit := range []ratelimit.Rate{specOf(r).Limits.Credential, specOf(r).Limits.Destination} {
		if limit.Burst < plenty || paused {
			interval = max(interval, limit.Interval())
		}
	}
	return interval
}

// TestEveryMessengerIsInTheMix checks that the users cover every messenger, and that no
// two of them share a destination.
func TestEveryMessengerIsInTheMix(t *testing.T) {
	covered, at := map[string]bool{}, map[string]int{}
	for user := 1; user <= users; user++ {
		covered[routeOf(user).Messenger] = true
		if other, taken := at[channel(user)]; taken {
			t.Errorf("user%d and user%d have the destination %s", other, user, channel(user))
		}
		at[channel(user)] = user
	}
	for _, s := range specs {
		if !covered[s.Name] && s.Name != "inbox" { // which has no fake: see TestEvents
			t.Errorf("no user is notified by %s", s.Name)
		}
	}
}
