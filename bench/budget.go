package main

import "github.com/bongsu-project/bongsu/bench/figure"

// A budget is the limit of a figure.
type budget struct {
	What    string // for people
	Figure  string // name of the figure
	Share   bool   // the limit is for the share, not the value
	AtLeast bool   // otherwise at most
	Limit   float64
	Stretch float64 // better limit; 0 for none
}

var budgets = []budget{
	{What: "accepted alerts/s, 1 recipient, fsync before the answer", Figure: "accept/connect/1", Share: true, AtLeast: true, Limit: 0.40},
	{What: "accepted alerts/s with an API key, beside --auth=off", Figure: "accept-key/connect", Share: true, AtLeast: true, Limit: 0.95},
	{What: "the same, by gRPC", Figure: "accept-key/grpc", Share: true, AtLeast: true, Limit: 0.95},
	{What: "the same, by REST", Figure: "accept-key/rest", Share: true, AtLeast: true, Limit: 0.95},
	{What: "accepted alerts/s with an alert key that is new, beside none", Figure: "accept-incident/opened", Share: true, AtLeast: true, Limit: 0.87},
	{What: "the same, with a key whose earlier message is replaced (ADR 39)", Figure: "accept-incident/updated", Share: true, AtLeast: true, Limit: 0.50},
	{What: "accepted alerts/s with 1 % of the traces sampled, beside no traces", Figure: "traces/accept", Share: true, AtLeast: true, Limit: 0.95},
	{What: "deliveries/s, the same", Figure: "traces/deliver", Share: true, AtLeast: true, Limit: 0.95},
	{What: "deliveries/s recorded end to end, one binary, SQLite: alerts to 100", Figure: "deliver/100", Share: true, AtLeast: true, Limit: 0.40, Stretch: 0.60},
	{What: "the same, alerts to one (ceiling/relay is the bound without a record)", Figure: "deliver/1", Share: true, AtLeast: true, Limit: 0.40, Stretch: 0.60},
	{What: "the same, alerts to one, a hundred in a request", Figure: "deliver/batched", Share: true, AtLeast: true, Limit: 0.35},
	{What: "POST to provider, p99 at 1,000 alerts/s", Figure: "latency/1000/p99", Limit: 25},
	{What: "1,300 recipients: last call after the answer", Figure: "fanout/1300/last", Limit: 150},
	{What: "reads/s through an edge to one instance, beside a bare reverse proxy", Figure: "route/1", Share: true, AtLeast: true, Limit: 0.70},
	{What: "the same, to three instances", Figure: "route/3", Share: true, AtLeast: true, Limit: 0.70},
	{What: "callers below their limit, p99 during a flood from another address", Figure: "flood/p99", Share: true, Limit: 4},
	{What: "the same: refused alerts", Figure: "flood/callers-refused", Limit: 0},
	{What: "the flood: refused requests", Figure: "flood/refused", Share: true, AtLeast: true, Limit: 0.90},
	{What: "100,000 recipients in one alert: RSS growth", Figure: "fanout/100000/growth", Limit: 200},
	{What: "deliveries/s with 10 M deliveries in the ledger, SQLite", Figure: "growth/sqlite/10M/deliver", Share: true, AtLeast: true, Limit: 0.85},
	{What: "deliveries/s with 10 M deliveries in the ledger, PostgreSQL", Figure: "growth/postgres/10M/deliver", Share: true, AtLeast: true, Limit: 0.85},
	{What: "RSS at rest", Figure: "cost/rss/rest", Limit: 100},
	{What: "RSS with 100,000 queued", Figure: "cost/rss/100000", Limit: 200},
	{What: "second sender: duplicates", Figure: "senders/2/again", Limit: 0},
	{What: "second sender: deliveries/s beside one", Figure: "senders/2", Share: true, AtLeast: true, Limit: 1},
	{What: "second sender, where the provider is the bound: deliveries/s beside one", Figure: "senders/far/2", Share: true, AtLeast: true, Limit: 1.80},
	{What: "PostgreSQL instead of SQLite, deliveries/s: alerts to 100", Figure: "postgres/deliver/100", Share: true, AtLeast: true, Limit: 0.70},
	{What: "the same, alerts to one", Figure: "postgres/deliver/1", Share: true, AtLeast: true, Limit: 0.70},
}

// A verdict is the result of a budget.
type verdict struct {
	What     string  `json:"what"`
	Figure   string  `json:"figure"`
	Unit     string  `json:"unit"`
	AtLeast  bool    `json:"at_least"` // otherwise at most
	Limit    float64 `json:"limit"`
	Stretch  float64 `json:"stretch,omitempty"`
	Measured float64 `json:"measured"`
	Met      bool    `json:"met"`
	Runs     int     `json:"runs"` // number of runs; 0 if not measured
}

// holds reports whether the measured value meets a limit.
func (v verdict) holds(limit float64) bool {
	return v.Measured == limit || (v.Measured > limit) == v.AtLeast
}

// judge compares the budgets with the measured figures.
func judge(budgets []budget, measured []figure.Summary) []verdict {
	by := map[string]figure.Summary{}
	for _, s := range measured {
		by[s.Name] = s
	}
	verdicts := make([]verdict, 0, len(budgets))
	for _, b := range budgets {
		s := by[b.Figure]
		v := verdict{What: b.What, Figure: b.Figure, Unit: s.Unit, AtLeast: b.AtLeast, Limit: b.Limit, Stretch: b.Stretch, Measured: s.Value, Runs: s.Runs}
		if b.Share {
			v.Unit, v.Measured = "of "+s.Of, s.Share
		}
		v.Met = s.Runs > 0 && v.holds(b.Limit)
		verdicts = append(verdicts, v)
	}
	return verdicts
}
