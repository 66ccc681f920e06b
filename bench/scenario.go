package main

import (
	"fmt"
	"slices"
	"strings"
)

// A scenario is something to measure.
type scenario struct {
	name string
	long bool // it takes minutes and gigabytes
	what string
	play func(*scene)
}

// scenarios gives all that can be measured, in the order in which it is.
func scenarios() []scenario {
	return []scenario{
		{"ceilings", false, "what the machine can at most", ceilings},
		{"accept", false, "alerts taken, to 1, 5 and 100 people, by REST, Connect and gRPC", accept},
		{"deliver", false, "deliveries recorded end to end, while alerts are taken", deliver},
		{"latency", false, "from when an alert is sent until the provider is told, at 100, 1,000 and 5,000 alerts/s", latency},
		{"fanout", false, "one alert to 1,300 people", fanout},
		{"cost", false, "program, start, memory at rest and with 100,000 waiting", cost},
		{"senders", false, "a second sender process beside one", senders},
		{"postgres", false, "PostgreSQL instead of SQLite", postgres},
		{"alertmanager", false, "Alertmanager on the same fake, where it is installed", alertmanager},
		{"rabbitmq", false, "a bare durable pipeline on the same fake, where RabbitMQ is installed", rabbitmq},
		{"crowd", true, "one alert to 100,000 people", crowd},
		{"backlog", true, "memory with 1,000,000 waiting", backlog},
		{"growth", true, "with 1 million deliveries in the ledger, and with none", growth},
		{"growth10", true, "with 10 million", growth10},
		{"retention", true, "with 1 million, half of which are forgotten meanwhile", retention},
	}
}

// chosen gives the scenarios that the options name.
func chosen(o options) ([]scenario, error) {
	all := scenarios()
	if len(o.Run) == 0 {
		return slices.DeleteFunc(all, func(s scenario) bool { return s.long && !o.Long }), nil
	}
	var some []scenario
	for _, name := range o.Run {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q:\n%s", name, listing())
		}
		some = append(some, all[i])
	}
	return some, nil
}

// listing is the scenarios for people.
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
