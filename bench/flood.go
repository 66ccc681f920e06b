package main

import (
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// addressLimit is the default of --address-limit, with which an address may send 50 requests/s.
const addressLimit = "--address-limit=50/s"

// floodRounds is the number of loads with a flood, each between two without.
const floodRounds = 5

// flood measures the latency of callers that stay below the limit of their addresses, with and
// without a flood from another address, alternately. Callers and flooder have an API key. The
// scenario fails if a caller is refused, or if the flooder is not limited and then banned.
func flood(s *scene) {
	if err := bindable(callerAddress(0)); err != nil {
		s.leaveOut("flood", err.Error())
		return
	}
	b := s.launch(s.files(), requireKeys, addressLimit)
	s.createKeys(b)
	s.settle(b.asAdmin(), people)
	callers := newCallers(b.endpoint)
	s.floodRound(b, callers, "") // warm-up
	calm := []floodRound{s.floodRound(b, callers, "")}
	var flooded []floodRound
	for n := range floodRounds {
		flooded = append(flooded, s.floodRound(b, callers, flooderAddress(n)))
		calm = append(calm, s.floodRound(b, callers, ""))
	}
	s.must(b.Stop(s))
	for _, p := range []float64{50, 99} {
		of, whole := name("flood", "calm", percentile(p)), medianLatency(calm, p)
		s.add(figure.Figure{Name: of, Unit: "ms", Value: whole})
		s.add(figure.Figure{Name: name("flood", percentile(p)), Unit: "ms", Value: medianLatency(flooded, p), Of: of, Whole: whole})
	}
	sent, refused, callersRefused := 0, 0, 0
	var elapsed time.Duration
	for _, r := range flooded {
		sent, refused, elapsed = sent+r.sent, refused+r.refused, elapsed+r.elapsed
	}
	for _, r := range slices.Concat(calm, flooded) {
		callersRefused += r.callersRefused
	}
	rate := float64(sent) / elapsed.Seconds()
	s.add(figure.Figure{Name: "flood/sent", Unit: "requests/s", Value: rate, Note: reached(floodRate, sent, elapsed)})
	s.add(figure.Figure{Name: "flood/refused", Unit: "requests/s", Value: float64(refused) / elapsed.Seconds(), Of: "flood/sent", Whole: rate})
	s.add(figure.Figure{Name: "flood/callers-refused", Unit: "alerts", Value: float64(callersRefused)})
	if callersRefused > 0 {
		s.Fatalf("%d alerts of callers below the limit of their addresses were refused", callersRefused)
	}
}

// medianLatency returns the median over rounds of a percentile of the callers' latencies, in
// milliseconds: a stall of the machine in one round does not count.
func medianLatency(rounds []floodRound, p float64) float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, milliseconds(figure.Percentile(r.latencies, p)))
	}
	return figure.Median(values)
}

// bindable returns an error if connections cannot come from an address. Linux has all of
// 127.0.0.0/8; some other systems have 127.0.0.1 only.
func bindable(address string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return fmt.Errorf("this machine has no address %s: %w", address, err)
	}
	return listener.Close()
}
