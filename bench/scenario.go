package main

import (
	"fmt"
	"slices"
	"strings"
)

// A scenario is one set of measurements.
type scenario struct {
	name string
	long bool // takes minutes and gigabytes
	what string
	play func(*scene)
}

// scenarios returns all scenarios, in the order of their runs.
func scenarios() []scenario {
	return []scenario{
		{"ceilings", false, "maximum rates of the machine", ceilings},
		{"accept", false, "accepted alerts, to 1, 5 and 100 users, over REST, Connect and gRPC", accept},
		{"accept-key", false, "accepted alerts, to 1 user, with an API key beside --auth=off", acceptKey},
		{"accept-incident", false, "accepted alerts, to 1 user, with an alert key beside none", acceptIncident},
		{"deliver", false, "deliveries recorded end to end, while alerts are accepted", deliver},
		{"latency", false, "from sending an alert until the call to the provider, at 100, 1,000 and 5,000 alerts/s", latency},
		{"fanout", false, "one alert to 1,300 users", fanout},
		{"inbox", false, "one alert to 20,000 connected readers of inboxes, beside a bare fan-out by net/http", inbox},
		{"reads", false, "reads of a list, with the response cache and without it", reads},
		{"route", false, "reads through an edge that finds one and three instances, beside a bare reverse proxy", route},
		{"flood", false, "latency of callers below their limit, during a flood from another address and without", flood},
		{"traces", false, "accepted alerts and deliveries with traces, of which one of 100 is sampled, beside none", traces},
		{"cost", false, "size of the program, start, idle memory and memory with 100,000 queued", cost},
		{"senders", false, "a second sender process beside one", senders},
		{"postgres", false, "PostgreSQL instead of SQLite", postgres},
		{"alertmanager", false, "Alertmanager on the same fake, where it is installed", alertmanager},
		{"rabbitmq", false, "a bare durable pipeline on the same fake, where RabbitMQ is installed", rabbitmq},
		{"crowd", true, "one alert to 100,000 users", crowd},
		{"backlog", true, "memory with 1,000,000 queued", backlog},
		{"growth", true, "with 1 million deliveries in the ledger, and with none", growth},
		{"growth10", true, "with 10 million", growth10},
		{"retention", true, "with 1 million, half of which are deleted meanwhile", retention},
	}
}

// keyMark ends the names of figures that -auth changes.
const keyMark = ",auth=key"

// withoutKeys are the scenarios that -auth does not change: they have no edge, or set --auth
// themselves.
var withoutKeys = []string{"ceilings", "accept-key", "route", "flood", "senders", "alertmanager", "rabbitmq"}

// mark returns the end of the names of the scenario's figures.
func (p scenario) mark(o options) string {
	if o.Auth && !slices.Contains(withoutKeys, p.name) {
		return keyMark
	}
	return ""
}

// chosen returns the scenarios that the options select.
func chosen(o options) ([]scenario, error) {
	all := scenarios()
	if len(o.Run) == 0 {
		return slices.DeleteFunc(all, func(s scenario) bool { return s.long && !o.Long }), nil
	}
	var some []scenario
	for _, name := range o.Run {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown scenario %q, use one of:\n%s", name, listing())
		}
		some = append(some, all[i])
	}
	return some, nil
}

// listing returns the scenarios as text.
func listing() string {
	var b strings.Builder
	for _, s := range scenarios() {
		long := ""
		if s.long {
			long = " (long)"
		}
		fmt.Fprintf(&b, "%-12s %s%s\n", s.name, s.what, long)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
